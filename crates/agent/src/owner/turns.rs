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
    state: Mutex<State>,
    /// A client's turn has changed when the next one is due.
    deadline_moved: Notify,
    /// What clients know of it whose calls are not taken any more.
    life: watch::Sender<Life>,
}

enum State {
    Running(Box<Agent>),
    /// No call is taken.
    Ending,
}

impl Owner {
    pub(crate) fn new(agent: Agent) -> Self {
        let state = Mutex::new(State::Running(Box::new(agent)));
        Self { state, deadline_moved: Notify::new(), life: watch::Sender::new(Life::Running) }
    }

    pub(crate) fn life(&self) -> watch::Receiver<Life> {
        self.life.subscribe()
    }

    /// Takes a call in the client's turn, so that it waits for nobody's.
    pub(crate) fn take_call(&self, call: Call) {
        match &mut *self.state() {
            State::Running(agent) => {
                let before = agent.wakeups.next();
                agent.turn(|agent| {
                    agent.call(call);
                    Next::GoOn
                });
                if agent.wakeups.next() != before {
                    self.deadline_moved.notify_one();
                }
            }
            State::Ending => {}
        }
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
        let state = std::mem::replace(&mut *self.state(), State::Ending);
        let State::Running(agent) = state else { return Ended::ForGood };
        let ended = agent.end(next, &mut inputs).await;
        self.life.send_replace(Life::Ended);
        ended
    }

    fn with_agent<T>(&self, act: impl FnOnce(&mut Agent) -> T) -> Option<T> {
        match &mut *self.state() {
            State::Running(agent) => Some(act(agent)),
            State::Ending => None,
        }
    }

    /// A turn that panicked leaves a state that nobody can trust. Released programs end at the panic itself.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|_| std::process::abort())
    }
}
