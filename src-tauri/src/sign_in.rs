//! Signing in at the account's server: the agent does it, the page shows what a person has to do meanwhile.

use std::sync::{Mutex, PoisonError};

use evertoken_client::{Client, SignIn};
use evertoken_core::account::{AccountName, SignInWay};
use evertoken_core::api::{SignInEvent, SignInRequest};
use evertoken_core::problem::{Problem, ProblemKind};
use evertoken_core::view::Waiting;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tauri::ipc::Channel;
use tokio::sync::oneshot;

/// The one sign-in that this window waits for. It ends when its dialog does, or when another begins.
#[derive(Default)]
pub(crate) struct UnderWay(Mutex<Option<oneshot::Sender<()>>>);

impl UnderWay {
    /// Ends the one there is.
    pub(crate) fn end(&self) {
        self.replace(None);
    }

    fn begin(&self) -> oneshot::Receiver<()> {
        let (wanted, is_wanted) = oneshot::channel();
        self.replace(Some(wanted));
        is_wanted
    }

    fn replace(&self, wanted: Option<oneshot::Sender<()>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = wanted;
    }
}

/// Signs in, and shows what is to be done. `false`: it was given up.
pub(crate) async fn sign_in(
    agent: Client,
    under_way: &UnderWay,
    account: &AccountName,
    way: SignInWay,
    request: &SignInRequest,
    page: &Channel<Waiting>,
) -> Result<bool, Problem> {
    let is_wanted = under_way.begin();
    let signed_in = async { follow(agent.sign_in(Some(account), way, request).await?, page).await };
    tokio::select! {
        result = signed_in => result.map(|()| true),
        // What is dropped here ends in the agent, too.
        _ = is_wanted => Ok(false),
    }
}

async fn follow(mut sign_in: SignIn, page: &Channel<Waiting>) -> Result<(), Problem> {
    while let Some(event) = sign_in.next().await {
        match event? {
            SignInEvent::Prompt(prompt) => {
                let waiting = Waiting::of(&prompt, Timestamp::now(), &TimeZone::system());
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
