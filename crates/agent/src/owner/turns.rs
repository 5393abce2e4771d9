//! Whose turn it is: the owner's own when something comes in, or that of a client that makes a call. One thread takes all turns,
//! and no turn awaits anything.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{Notify, mpsc};

use super::agent::Agent;
use super::inputs::Inputs;
use crate::request::Call;

/// Should the agent go on?
#[derive(PartialEq, Eq)]
pub(super) enum Next {
    GoOn,
    Quit,
    Leave,
}

/// How the agent has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// A person or the system told it to.
    ForGood,
    /// Another one goes on.
    ForTheNext,
}

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

    /// Takes a call in the client's turn, so that it waits for nobody's; gives it back once the agent is ending.
    pub(crate) fn take_call(&self, call: Call) -> Option<Call> {
        let mut turn = self.agent();
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

    /// Runs until a person or the system ends it, and then until no rotation is half done. Only then do clients with
    /// late calls hear that the agent is gone, so that another agent can start at once.
    pub(crate) async fn run(&self, mut inputs: Inputs, late_calls: mpsc::UnboundedReceiver<Call>) -> Ended {
        let next = loop {
            let deadline = self.agent().as_ref().and_then(|agent| agent.wakeups.next());
            let input = tokio::select! {
                input = inputs.next(deadline) => input,
                () = self.deadline_moved.notified() => continue,
            };
            match self.agent().as_mut().map(|agent| agent.take(input)) {
                Some(Next::GoOn) => {}
                Some(next) => break next,
                None => return Ended::ForGood,
            }
        };
        let agent = self.agent().take();
        let Some(agent) = agent else { return Ended::ForGood };
        let ended = agent.end(next, inputs).await;
        drop(late_calls);
        ended
    }

    /// A turn that panicked leaves a state that nobody can trust. Released programs end at the panic itself.
    fn agent(&self) -> MutexGuard<'_, Option<Agent>> {
        self.agent.lock().unwrap_or_else(|_| std::process::abort())
    }
}
