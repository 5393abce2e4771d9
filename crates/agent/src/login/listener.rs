//! The program that waits for a log-in's end.

use evertoken_core::api::problem::Problem;
use evertoken_core::api::requests::SignInEvent;
use evertoken_core::api::status::AccountStatus;
use tokio::sync::{mpsc, oneshot, watch};

use crate::request::{Reply, SignInEvents};

/// How a sign-in ended, for the page in the browser: at first not at all.
pub(crate) type Ending = Option<Result<(), Problem>>;

/// Is told once how the log-in went.
pub(crate) enum Listener {
    /// A pasted token, or a yes.
    Reply(Reply<AccountStatus>),
    /// A sign-in.
    Events(SignInEvents, watch::Sender<Ending>),
    /// Has been told, or there is none.
    Nobody,
}

impl Listener {
    pub(crate) fn of_sign_in(events: SignInEvents) -> Self {
        Self::Events(events, watch::Sender::default())
    }

    pub(crate) fn tell(&mut self, result: Result<AccountStatus, Problem>) {
        match std::mem::replace(self, Self::Nobody) {
            Self::Reply(reply) => drop(reply.send(result)),
            Self::Events(events, ending) => {
                ending.send_replace(Some(result.as_ref().map(drop).map_err(Problem::clone)));
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
            Self::Events(events, _) => events.clone(),
            Self::Reply(_) | Self::Nobody => mpsc::unbounded_channel().0,
        }
    }

    /// Where the end is told.
    pub(super) fn ending(&self) -> watch::Receiver<Ending> {
        match self {
            Self::Events(_, ending) => ending.subscribe(),
            Self::Reply(_) | Self::Nobody => watch::channel(None).1,
        }
    }

    /// Returns when nobody waits any more. A pasted token and a yes are carried out all the same, once they are being proven.
    pub(super) async fn gone(&mut self) {
        match self {
            Self::Reply(reply) => oneshot::Sender::closed(reply).await,
            Self::Events(events, _) => events.closed().await,
            Self::Nobody => std::future::pending().await,
        }
    }
}
