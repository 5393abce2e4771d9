//! Puts an access token on the clipboard, and takes it away again.
//!
//! Whoever copies must serve the copy for as long as it is wanted, on X11 from a window of its own. So a thread owns
//! the connection to the display for as long as something of ours is on the clipboard, and ends with it.

#[cfg(target_os = "linux")]
mod x11;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use evertoken_core::account::AccountId;
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
    thread: Option<JoinHandle<()>>,
    /// Whose token was copied last.
    account: Option<AccountId>,
    /// One that did not answer in time.
    hanging: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Request {
    Copy { token: AccessToken, clear_after: Duration, once: bool, done: oneshot::Sender<Result<(), ClipboardProblem>> },
    Clear { done: oneshot::Sender<()> },
}

impl Clipboard {
    /// Opens nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { owner: None, thread: None, account: None, hanging: None }
    }

    /// Puts the account's token on the clipboard, marked as a password, and clears the clipboard after `clear_after` if the token
    /// is still on it; zero: not before a log-out or the end of the agent. With `once` it is gone after the first paste,
    /// where the display lets us know of it. A later copy starts the time anew.
    ///
    /// # Errors
    /// [`ClipboardProblem`] when there is no clipboard or it does not take the token.
    pub async fn copy(
        &mut self,
        account: &AccountId,
        token: &AccessToken,
        clear_after: Duration,
        once: bool,
    ) -> Result<(), ClipboardProblem> {
        self.account = Some(account.clone());
        // The second round is for a thread that ended, because its time was over, at the moment it was called.
        for _ in 0..2 {
            let owner = self.owner()?;
            let (done, outcome) = oneshot::channel();
            if owner.send(Request::Copy { token: token.clone(), clear_after, once, done }).is_err() {
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
                    self.hanging = self.thread.take();
                    return Err(ClipboardProblem::TimedOut);
                }
            }
        }
        Err(ClipboardProblem::Refused)
    }

    /// Clears the clipboard at once if the account's token is on it: when it is logged out.
    pub async fn clear_token_of(&mut self, account: &AccountId) {
        if self.account.as_ref() == Some(account) {
            self.clear_now().await;
        }
    }

    /// Clears the clipboard at once if a token of ours is on it: before the agent ends.
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
        // One thread may hang with a display that does not answer; another would hang beside it.
        if self.hanging.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return Err(ClipboardProblem::TimedOut);
        }
        let (owner, requests) = channel();
        let thread = std::thread::Builder::new().name("clipboard".to_owned());
        match thread.spawn(move || serve(&requests)) {
            Ok(thread) => self.thread = Some(thread),
            Err(error) => {
                tracing::error!(%error, "the clipboard's thread cannot be started");
                return Err(ClipboardProblem::Refused);
            }
        }
        Ok(self.owner.insert(owner).clone())
    }
}

/// Who answers when somebody pastes.
enum Holder {
    #[cfg(target_os = "linux")]
    X11(x11::Selection),
    Other(Box<arboard::Clipboard>, AccessToken),
}

/// What is on the clipboard by our doing, and until when.
struct Copied {
    holder: Holder,
    /// `None`: with the log-out or the end of the agent.
    clear_at: Option<Instant>,
}

fn serve(requests: &Receiver<Request>) {
    let mut copied: Option<Copied> = None;
    let cleared = loop {
        match next(requests, copied.as_ref()) {
            Ok(Request::Copy { token, clear_after, once, done }) => {
                let outcome = put(token, once, copied.take());
                let _given_up = done.send(outcome.as_ref().map(|_| ()).map_err(|problem| *problem));
                let Ok(holder) = outcome else { break None };
                let clear_at = Some(clear_after).filter(|after| !after.is_zero());
                let clear_at = clear_at.and_then(|after| Instant::now().checked_add(after));
                copied = Some(Copied { holder, clear_at });
            }
            Ok(Request::Clear { done }) => break Some(done),
            // The time is over; or the agent ends, or does not know of this thread any more.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break None,
        }
    };
    if let Some(copied) = copied {
        copied.holder.clear();
    }
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

/// Takes the clipboard, in place of an earlier copy.
fn put(token: AccessToken, once: bool, before: Option<Copied>) -> Result<Holder, ClipboardProblem> {
    #[cfg(target_os = "linux")]
    if is_x11() {
        let taken = x11::Selection::take(token, once);
        // Not before: for a moment there would be nothing, and some histories would bring back what was there.
        if let (Ok(_), Some(Copied { holder: Holder::X11(before), .. })) = (&taken, &before) {
            before.taken_over();
        }
        drop(before);
        return taken.map(Holder::X11).map_err(|error| {
            tracing::debug!(%error, "the display's own words");
            if error.is::<x11rb::errors::ConnectError>() {
                ClipboardProblem::Unavailable
            } else {
                ClipboardProblem::Refused
            }
        });
    }
    let _only_on_x11 = once;
    let mut clipboard = match before.map(|before| before.holder) {
        Some(Holder::Other(clipboard, _)) => clipboard,
        _ => Box::new(arboard::Clipboard::new().map_err(|error| {
            tracing::debug!(%error, "the display's own words");
            ClipboardProblem::Unavailable
        })?),
    };
    excluded_from_history(clipboard.set()).text(token.expose()).map_err(|error| {
        tracing::debug!(%error, "the clipboard's own words");
        ClipboardProblem::Refused
    })?;
    Ok(Holder::Other(clipboard, token))
}

/// Is the display an X server, and not a Wayland compositor with one inside?
#[cfg(target_os = "linux")]
fn is_x11() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY")
}

impl Holder {
    /// Takes the token off the clipboard if it is still there.
    fn clear(self) {
        match self {
            #[cfg(target_os = "linux")]
            Self::X11(selection) => drop(selection),
            Self::Other(mut clipboard, token) => clear_if_still_ours(&mut clipboard, &token),
        }
    }
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
