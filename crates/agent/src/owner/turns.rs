//! Whose turn it is: the owner's own when something comes in, or that of a client that makes a call. One thread takes all turns,
//! and no turn awaits anything.

use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

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
    state: Mutex<State>,
    /// A client's turn has changed when the next one is due.
    deadline_moved: Notify,
}

enum State {
    Running(Box<Agent>),
    /// Calls wait until the agent has ended.
    Ending(Vec<Call>),
    /// Clients of all calls hear that the agent is gone.
    Ended,
}

impl Owner {
    pub(crate) fn new(agent: Agent) -> Self {
        Self { state: Mutex::new(State::Running(Box::new(agent))), deadline_moved: Notify::new() }
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
            State::Ending(late_calls) => late_calls.push(call),
            State::Ended => {}
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
        let state = std::mem::replace(&mut *self.state(), State::Ending(Vec::new()));
        let State::Running(agent) = state else { return Ended::ForGood };
        let ended = agent.end(next, inputs).await;
        *self.state() = State::Ended;
        ended
    }

    fn with_agent<T>(&self, act: impl FnOnce(&mut Agent) -> T) -> Option<T> {
        match &mut *self.state() {
            State::Running(agent) => Some(act(agent)),
            State::Ending(_) | State::Ended => None,
        }
    }

    /// A turn that panicked leaves a state that nobody can trust. Released programs end at the panic itself.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|_| std::process::abort())
    }
}
