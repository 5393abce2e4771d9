//! The program that waits for a log-in's end.

use evertoken_core::api::problem::Problem;
use evertoken_core::api::requests::SignInEvent;
use evertoken_core::api::status::AccountStatus;
use tokio::sync::{mpsc, oneshot};

use crate::request::{Reply, SignInEvents};

/// Is told once how the log-in went.
pub(crate) enum Listener {
    /// A pasted token, or a yes.
    Reply(Reply<AccountStatus>),
    /// A sign-in.
    Events(SignInEvents),
    /// Has been told, or there is none.
    Nobody,
}

impl Listener {
    pub(crate) fn tell(&mut self, result: Result<AccountStatus, Problem>) {
        match std::mem::replace(self, Self::Nobody) {
            Self::Reply(reply) => drop(reply.send(result)),
            Self::Events(events) => {
                let event = match result {
                    Ok(status) => SignInEvent::Done(Box::new(status)),
                    Err(problem) => SignInEvent::Problem(problem),
                };
                let _ = events.send(event);
            }
            Self::Nobody => {}
        }
    }

    /// Where prompts go.
    pub(super) fn events(&self) -> SignInEvents {
        match self {
            Self::Events(events) => events.clone(),
            Self::Reply(_) | Self::Nobody => mpsc::unbounded_channel().0,
        }
    }

    /// Returns when nobody waits any more. A pasted token and a yes are carried out all the same, once they are being proven.
    pub(super) async fn gone(&mut self) {
        match self {
            Self::Reply(reply) => oneshot::Sender::closed(reply).await,
            Self::Events(events) => events.closed().await,
            Self::Nobody => std::future::pending().await,
        }
    }
}
