//! Whose turn it is: the owner's own when something comes in, or that of a client that makes a call. One thread takes all turns,
//! and no turn awaits anything.

use std::sync::{Mutex, MutexGuard};

use tokio::sync::{Notify, watch};

use super::agent::Agent;
use super::inputs::Inputs;
use crate::request::{Call, Life};

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
    /// `None`: it is ending, and no call is taken.
    agent: Mutex<Option<Agent>>,
    /// A client's turn has changed when the next one is due.
    deadline_moved: Notify,
    /// What clients know of it whose calls are not taken any more.
    life: watch::Sender<Life>,
}

impl Owner {
    pub(crate) fn new(agent: Agent) -> Self {
        let (agent, life) = (Mutex::new(Some(agent)), watch::Sender::new(Life::Running));
        Self { agent, deadline_moved: Notify::new(), life }
    }

    pub(crate) fn life(&self) -> watch::Receiver<Life> {
        self.life.subscribe()
    }

    /// Takes a call in the client's turn, so that it waits for nobody's.
    pub(crate) fn take_call(&self, call: Call) {
        self.with_agent(|agent| {
            let before = agent.wakeups.next();
            agent.turn(|agent| {
                agent.call(call);
                Next::GoOn
            });
            if agent.wakeups.next() != before {
                self.deadline_moved.notify_one();
            }
        });
    }

    /// Runs until a person or the system ends it, and then until no rotation is half done. Only then do clients with
    /// late calls hear that the agent is gone, so that another agent can start at once.
    pub(crate) async fn run(&self, mut inputs: Inputs) -> Ended {
        let next = loop {
            let deadline = self.with_agent(|agent| agent.wakeups.next()).flatten();
            let input = tokio::select! {
                input = inputs.next(deadline) => input,
                () = self.deadline_moved.notified() => continue,
            };
            match self.with_agent(|agent| agent.turn(|agent| agent.take(input))) {
                Some(Next::GoOn) => {}
                Some(next) => break next,
                None => return Ended::ForGood,
            }
        };
        self.life.send_replace(Life::Ending);
        let agent = self.agent().take();
        let Some(agent) = agent else { return Ended::ForGood };
        let ended = agent.end(next, &mut inputs).await;
        self.life.send_replace(Life::Ended);
        ended
    }

    fn with_agent<T>(&self, act: impl FnOnce(&mut Agent) -> T) -> Option<T> {
        self.agent().as_mut().map(act)
    }

    /// A turn that panicked leaves a state that nobody can trust. Released programs end at the panic itself.
    fn agent(&self) -> MutexGuard<'_, Option<Agent>> {
        self.agent.lock().unwrap_or_else(|_| std::process::abort())
    }
}
