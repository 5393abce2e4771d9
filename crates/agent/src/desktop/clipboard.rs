//! Puts an access token on the clipboard, and takes it away again.
//!
//! Whoever copies must serve the copy for as long as it is wanted, on X11 from a window of its own. So a thread owns
//! the connection to the display for as long as something of ours is on the clipboard, and ends with it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use evertoken_core::oauth::token::AccessToken;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;

/// Longest wait for the display. A display that is there answers in milliseconds.
const LONGEST_CALL: Duration = Duration::from_secs(5);

/// Why nothing was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClipboardProblem {
    /// No display, or one without a clipboard.
    #[error("there is no clipboard: the agent runs without a display")]
    Unavailable,
    /// The display did not answer within 5 seconds.
    #[error("the clipboard does not answer")]
    TimedOut,
    /// The display is there, and did not take the token.
    #[error("the clipboard did not take the access token")]
    Refused,
}

/// The clipboard of the desktop.
#[derive(Debug, Default)]
pub struct Clipboard {
    /// The thread that owns what is on the clipboard, if anything of ours is.
    owner: Option<Sender<Request>>,
}

#[derive(Debug)]
enum Request {
    Copy { token: AccessToken, clear_after: Duration, done: oneshot::Sender<Result<(), ClipboardProblem>> },
    Clear { done: oneshot::Sender<()> },
}

impl Clipboard {
    /// Opens nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { owner: None }
    }

    /// Puts the token on the clipboard, marked so that histories leave it out, and clears the clipboard after
    /// `clear_after` if the token is still on it; zero: not before a log-out or the end of the agent. A later copy
    /// starts the time anew.
    ///
    /// # Errors
    /// [`ClipboardProblem`] when there is no clipboard or it does not take the token.
    pub async fn copy(&mut self, token: &AccessToken, clear_after: Duration) -> Result<(), ClipboardProblem> {
        // The second round is for a thread that ended, because its time was over, at the moment it was called.
        for _ in 0..2 {
            let owner = self.owner()?;
            let (done, outcome) = oneshot::channel();
            if owner.send(Request::Copy { token: token.clone(), clear_after, done }).is_err() {
                self.owner = None;
                continue;
            }
            match tokio::time::timeout(LONGEST_CALL, outcome).await {
                Ok(Ok(outcome)) => {
                    if outcome.is_err() {
                        self.owner = None;
                    }
                    return outcome;
                }
                Ok(Err(_ended_without_an_answer)) => self.owner = None,
                Err(_elapsed) => {
                    self.owner = None;
                    return Err(ClipboardProblem::TimedOut);
                }
            }
        }
        Err(ClipboardProblem::Refused)
    }

    /// Clears the clipboard at once if a token of ours is on it: before the agent ends, and when an account is logged
    /// out.
    pub async fn clear_now(&mut self) {
        let Some(owner) = self.owner.take() else { return };
        let (done, cleared) = oneshot::channel();
        if owner.send(Request::Clear { done }).is_ok()
            && let Err(_elapsed) = tokio::time::timeout(LONGEST_CALL, cleared).await
        {
            tracing::warn!("the clipboard does not answer");
        }
    }

    fn owner(&mut self) -> Result<Sender<Request>, ClipboardProblem> {
        if let Some(owner) = &self.owner {
            return Ok(owner.clone());
        }
        let (owner, requests) = channel();
        let thread = std::thread::Builder::new().name("clipboard".to_owned());
        if let Err(error) = thread.spawn(move || serve(&requests)) {
            tracing::error!(%error, "the clipboard's thread cannot be started");
            return Err(ClipboardProblem::Refused);
        }
        Ok(self.owner.insert(owner).clone())
    }
}

/// What is on the clipboard by our doing, and until when.
struct Copied {
    token: AccessToken,
    /// `None`: with the log-out or the end of the agent.
    clear_at: Option<Instant>,
}

fn serve(requests: &Receiver<Request>) {
    let mut clipboard = None;
    let mut copied: Option<Copied> = None;
    let cleared = loop {
        match next(requests, copied.as_ref()) {
            Ok(Request::Copy { token, clear_after, done }) => {
                let outcome = put(&mut clipboard, &token);
                let _given_up = done.send(outcome);
                if outcome.is_err() {
                    break None;
                }
                let clear_at = Some(clear_after).filter(|after| !after.is_zero());
                copied = Some(Copied { token, clear_at: clear_at.and_then(|after| Instant::now().checked_add(after)) });
            }
            Ok(Request::Clear { done }) => break Some(done),
            // The time is over; or the agent ends, or does not know of this thread any more.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break None,
        }
    };
    if let (Some(clipboard), Some(copied)) = (&mut clipboard, &copied) {
        clear_if_still_ours(clipboard, &copied.token);
    }
    drop(clipboard);
    if let Some(cleared) = cleared {
        let _given_up = cleared.send(());
    }
}

/// Waits for a request, until what was copied is to be cleared.
fn next(requests: &Receiver<Request>, copied: Option<&Copied>) -> Result<Request, RecvTimeoutError> {
    let left = |at: Instant| at.saturating_duration_since(Instant::now());
    match copied.map(|copied| copied.clear_at) {
        // Nothing is copied before the first request, and that one is on its way.
        None => requests.recv_timeout(LONGEST_CALL),
        Some(Some(at)) => requests.recv_timeout(left(at)),
        Some(None) => requests.recv().map_err(|_| RecvTimeoutError::Disconnected),
    }
}

fn put(clipboard: &mut Option<arboard::Clipboard>, token: &AccessToken) -> Result<(), ClipboardProblem> {
    let clipboard = match clipboard {
        Some(clipboard) => clipboard,
        None => clipboard.insert(arboard::Clipboard::new().map_err(|error| {
            tracing::debug!(%error, "the display's own words");
            ClipboardProblem::Unavailable
        })?),
    };
    excluded_from_history(clipboard.set()).text(token.expose()).map_err(|error| {
        tracing::debug!(%error, "the clipboard's own words");
        ClipboardProblem::Refused
    })
}

#[cfg(target_os = "linux")]
fn excluded_from_history(set: arboard::Set<'_>) -> arboard::Set<'_> {
    use arboard::SetExtLinux;
    set.exclude_from_history()
}

#[cfg(target_os = "macos")]
fn excluded_from_history(set: arboard::Set<'_>) -> arboard::Set<'_> {
    use arboard::SetExtApple;
    set.exclude_from_history()
}

#[cfg(windows)]
fn excluded_from_history(set: arboard::Set<'_>) -> arboard::Set<'_> {
    use arboard::SetExtWindows;
    set.exclude_from_monitoring().exclude_from_cloud().exclude_from_history()
}

fn clear_if_still_ours(clipboard: &mut arboard::Clipboard, token: &AccessToken) {
    let is_ours = clipboard.get_text().is_ok_and(|text| SecretString::from(text).expose_secret() == token.expose());
    if is_ours && let Err(error) = clipboard.clear() {
        tracing::warn!(%error, "the access token could not be taken off the clipboard");
    }
}
