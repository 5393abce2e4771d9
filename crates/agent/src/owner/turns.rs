//! Whose turn it is: the owner's own when something comes in, or that of a client that makes a call. One thread takes all turns,
//! and no turn waits for anything.

use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, mpsc};

use super::agent::Agent;
use super::inputs::{Ended, Inputs, Next};
use crate::request::Call;

/// The owner of the state.
pub(crate) struct Owner {
    /// Absent once it ends.
    agent: Mutex<Option<Agent>>,
    /// A client's turn has changed when the next one is due.
    deadline_moved: Notify,
}

impl Owner {
    pub(crate) fn new(agent: Agent) -> Arc<Self> {
        Arc::new(Self { agent: Mutex::new(Some(agent)), deadline_moved: Notify::new() })
    }

    /// Answers a call in the client's turn, so that it waits for nobody's. It comes back when the agent ends.
    pub(crate) fn answer_now(&self, call: Call) -> Option<Call> {
        let Ok(mut turn) = self.agent.lock() else { return Some(call) };
        let Some(agent) = turn.as_mut() else { return Some(call) };
        let before = agent.wakeups.next();
        agent.notice_clock_jump();
        agent.call(call);
        agent.follow_changes();
        agent.say_if_idle();
        if agent.wakeups.next() != before {
            self.deadline_moved.notify_one();
        }
        None
    }

    /// Runs until a person or the system ends it, and then until no rotation is half done. Whoever makes one of the late calls
    /// hears only then that the agent is gone, and starts another one that finds the way free.
    pub(crate) async fn run(&self, mut inputs: Inputs, late_calls: mpsc::UnboundedReceiver<Call>) -> Ended {
        let next = loop {
            let deadline = self.turn(|agent| agent.wakeups.next()).flatten();
            let input = tokio::select! {
                input = inputs.next(deadline) => input,
                () = self.deadline_moved.notified() => continue,
            };
            match self.turn(|agent| agent.take(input)) {
                Some(Next::GoOn) => {}
                Some(next) => break next,
                None => return Ended::ForGood,
            }
        };
        let agent = self.agent.lock().ok().and_then(|mut agent| agent.take());
        let Some(agent) = agent else { return Ended::ForGood };
        let ended = agent.end(next, inputs).await;
        drop(late_calls);
        ended
    }

    fn turn<T>(&self, take: impl FnOnce(&mut Agent) -> T) -> Option<T> {
        self.agent.lock().ok()?.as_mut().map(take)
    }
}
