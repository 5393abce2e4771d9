//! Signing in at the account's server: the agent does it, the page shows what a person has to do meanwhile.

use evertoken_client::environment::wall_clock;
use std::sync::{Mutex, PoisonError};

use evertoken_client::SignIn;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::SignInEvent;
use evertoken_core::present::window::{Trouble, Waiting};
use jiff::Timestamp;
use tauri::ipc::Channel;
use tokio::sync::oneshot;

/// The one sign-in that this window waits for. It ends when its dialog does, or when another begins.
#[derive(Default)]
pub(crate) struct CurrentSignIn(Mutex<Option<oneshot::Sender<()>>>);

impl CurrentSignIn {
    /// Ends the one there is.
    pub(crate) fn end(&self) {
        self.replace(None);
    }

    /// Signs in. `false`: it was given up; what is dropped then ends in the agent, too.
    pub(crate) async fn unless_ended(
        &self,
        signed_in: impl Future<Output = Result<(), Trouble>>,
    ) -> Result<bool, Trouble> {
        let (wanted, is_wanted) = oneshot::channel();
        self.replace(Some(wanted));
        tokio::select! {
            result = signed_in => result.map(|()| true),
            _ = is_wanted => Ok(false),
        }
    }

    fn replace(&self, wanted: Option<oneshot::Sender<()>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = wanted;
    }
}

/// Shows what is to be done, until the end.
pub(crate) async fn follow(mut sign_in: SignIn, page: &Channel<Waiting>) -> Result<(), Problem> {
    while let Some(event) = sign_in.next().await {
        match event? {
            SignInEvent::Prompt(prompt) => {
                let waiting = Waiting::of(&prompt, Timestamp::now(), &wall_clock());
                // A page that has gone ends with the window.
                let _ = page.send(waiting);
            }
            SignInEvent::Done(_) => return Ok(()),
            SignInEvent::Problem(problem) => return Err(problem),
        }
    }
    Err(Problem::new(
        ProblemKind::AgentUnavailable,
        "The agent ended before the sign-in did.",
        "See how the account is, then sign in again.",
    ))
}
