//! An agent's memory: a session, the rotation under way, and what waits for the account's lock.

use std::collections::VecDeque;

use evertoken_core::login::rotation::{Answer, Rotation};
use evertoken_core::login::session::{Phase, RequestId, Session};
use evertoken_core::login::token_store::LogIn;
use evertoken_core::oauth::server::Server;
use jiff::Timestamp;

/// What is done one after the other, under the account's lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Job {
    Open,
    Refresh(RequestId),
    /// The token, the server that it is for, and whether it may take the place of another user's login.
    LogIn(String, Box<Server>, bool),
    Forget,
}

/// A job that holds the lock.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) job: Job,
    pub(crate) rotation: Rotation,
    /// What the next event brings.
    pub(crate) reply: Option<Answer>,
    pub(crate) presented: Option<String>,
    /// Where it is presented.
    pub(crate) server: Option<Server>,
    /// The log-in that brought it, as its entry says.
    pub(crate) log_in: Option<LogIn>,
    pub(crate) new_refresh: Option<String>,
    pub(crate) new_access: Option<String>,
    pub(crate) sent_at: i64,
    /// A request is on the wire.
    pub(crate) sending: bool,
    /// The machine slept while it was.
    pub(crate) slept: bool,
    /// The keychain has proven in this rotation that it can be written.
    pub(crate) proven: bool,
    pub(crate) delays: u32,
}

/// Until when nothing may be sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hold {
    pub(crate) until: i64,
    /// The endpoint asked for it: not even a person changes it.
    pub(crate) strict: bool,
}

pub(crate) struct Agent {
    pub(crate) alive: bool,
    /// Counts its lives: what was meant for an earlier one is dropped.
    pub(crate) life: u64,
    pub(crate) session: Session,
    pub(crate) jobs: VecDeque<Job>,
    pub(crate) running: Option<Running>,
    pub(crate) timer: u64,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) access: Option<String>,
    pub(crate) hold: Option<Hold>,
    /// The last grant of this life.
    pub(crate) granted_at: Option<i64>,
    pub(crate) requests: Vec<RequestId>,
    pub(crate) refused: Option<String>,
    /// The keychain does not delete the tokens yet.
    pub(crate) forgets_later: bool,
}

impl Running {
    pub(crate) fn new(job: Job, rotation: Rotation) -> Self {
        Self {
            job,
            rotation,
            reply: None,
            presented: None,
            server: None,
            log_in: None,
            new_refresh: None,
            new_access: None,
            sent_at: 0,
            sending: false,
            slept: false,
            proven: false,
            delays: 0,
        }
    }
}

impl Agent {
    pub(crate) fn new() -> Self {
        Self {
            alive: false,
            life: 0,
            session: Session::opening(),
            jobs: VecDeque::new(),
            running: None,
            timer: 0,
            deadline: None,
            access: None,
            hold: None,
            granted_at: None,
            requests: vec![],
            refused: None,
            forgets_later: false,
        }
    }

    /// Does the session still wait for this request?
    pub(crate) fn awaits(&self, id: RequestId) -> bool {
        awaits(&self.session, id)
    }

    /// Is a refresh that the session waited for queued or running?
    pub(crate) fn is_refreshing_for(&self, session: &Session) -> bool {
        let running = self.running.as_ref().map(|running| &running.job);
        running.into_iter().chain(&self.jobs).any(|job| match job {
            Job::Refresh(id) => awaits(session, *id),
            Job::Open | Job::LogIn(..) | Job::Forget => false,
        })
    }

    pub(crate) fn is_forgetting(&self) -> bool {
        let running = self.running.as_ref().map(|running| &running.job);
        running.into_iter().chain(&self.jobs).any(|job| *job == Job::Forget)
    }
}

fn awaits(session: &Session, id: RequestId) -> bool {
    match session.phase() {
        Phase::Requesting { request, .. } => *request == id,
        Phase::AuthorizationRequired { probe, .. } => *probe == Some(id),
        Phase::Opening { .. }
        | Phase::SignedOut
        | Phase::Scheduled { .. }
        | Phase::BackingOff { .. }
        | Phase::ServerChanged(_) => false,
    }
}
