//! What the journal's lines amount to: lives of access tokens, and stretches of time without success.

use jiff::{SignedDuration, Timestamp};

use super::ItemKind;
use crate::login::journal::{Entry, Record};

/// One thing that happened, in the agent's time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Incident {
    pub(super) kind: ItemKind,
    pub(super) begin: Timestamp,
    /// Where the picture of it begins.
    pub(super) drawn: Timestamp,
    pub(super) end: Timestamp,
    /// When the access token ends that it brought, whatever came before that.
    pub(super) expires_at: Option<Timestamp>,
    /// The newest reason, as the journal has it.
    pub(super) reason: String,
    /// How many requests, or how many refreshes drawn as one.
    pub(super) times: u32,
    pub(super) trace_ids: Vec<String>,
}

/// A system announces a sleep in the same way when nothing comes of it: another program does not let it sleep, or
/// somebody moves the mouse. A minute is also the least that "22:10 to 22:11" can tell.
const SHORTEST_SLEEP: SignedDuration = SignedDuration::from_mins(1);

/// A person copies one or two for support; more only fill the table.
const MOST_TRACE_IDS: usize = 5;

impl Incident {
    fn moment(kind: ItemKind, at: Timestamp) -> Self {
        let (reason, trace_ids) = (String::new(), Vec::new());
        Self { kind, begin: at, drawn: at, end: at, expires_at: None, reason, times: 1, trace_ids }
    }

    /// Takes in a later one of its kind.
    pub(super) fn absorb(&mut self, later: Self) {
        self.end = self.end.max(later.end);
        self.expires_at = later.expires_at;
        self.reason = later.reason;
        self.times = self.times.saturating_add(later.times);
        let room = MOST_TRACE_IDS.saturating_sub(self.trace_ids.len());
        self.trace_ids.extend(later.trace_ids.into_iter().take(room));
    }
}

/// Everything that the lines tell, oldest first.
pub(super) fn read(entries: &[Entry], now: Timestamp) -> Vec<Incident> {
    let mut reading = Reading::default();
    for entry in entries {
        reading.take(entry);
        reading.awake = Some(entry.at);
    }
    reading.token_ends(now);
    reading.failing_ends(now);
    reading.incidents.sort_by_key(|incident| incident.begin);
    reading.incidents
}

#[derive(Default)]
struct Reading {
    incidents: Vec<Incident>,
    /// A request that no line has told the outcome of.
    presented: Option<Timestamp>,
    /// The access token in use, by its place in `incidents`.
    token: Option<usize>,
    /// The stretch without success that has not ended.
    failing: Option<usize>,
    /// When the line before was written: the machine was awake then.
    awake: Option<Timestamp>,
}

impl Reading {
    fn take(&mut self, entry: &Entry) {
        let at = entry.at;
        match &entry.record {
            Record::Presented { .. } => {
                if let Some(lost) = self.presented.replace(at) {
                    self.fails(ItemKind::Failing, lost, "the agent stopped before the answer arrived");
                }
            }
            Record::Stored { expires_at, .. } => {
                self.endpoint_answered(at);
                self.token_ends(at);
                self.token = Some(self.incidents.len());
                let token = Incident::moment(ItemKind::Refreshed, at);
                self.incidents.push(Incident { end: (*expires_at).max(at), expires_at: Some(*expires_at), ..token });
            }
            Record::NotSent { reason, .. } => self.fails(ItemKind::Offline, at, reason),
            Record::OutcomeUnknown { reason, .. } | Record::Declined { reason, .. } => {
                self.fails(ItemKind::Failing, at, reason);
            }
            Record::Refused { expired_at, trace_id, reason, .. } => {
                self.endpoint_answered(at);
                let trace_ids = trace_id.iter().cloned().collect();
                let refused = Incident::moment(ItemKind::Refused, at);
                self.incidents.push(Incident {
                    expires_at: *expired_at,
                    trace_ids,
                    reason: reason.clone().unwrap_or_default(),
                    ..refused
                });
            }
            Record::StoreDelayed { reason, .. } => {
                let delayed = Incident::moment(ItemKind::Keychain, at);
                self.incidents.push(Incident { reason: reason.clone(), ..delayed });
            }
            Record::LoggedIn { .. } => match self.token.and_then(|token| self.incidents.get_mut(token)) {
                Some(token) => token.kind = ItemKind::LoggedIn,
                None => self.incidents.push(Incident::moment(ItemKind::LoggedIn, at)),
            },
            Record::LoggedOut => {
                self.endpoint_answered(at);
                self.token_ends(at);
                self.incidents.push(Incident::moment(ItemKind::LoggedOut, at));
            }
            Record::Slept { since } => self.slept(*since, at),
            Record::Told { .. } | Record::Revoked { .. } => {}
        }
    }

    /// A clock that was set meanwhile, and a second agent that notes the same sleep, cannot make it longer than the
    /// time in which nothing was written.
    fn slept(&mut self, since: Timestamp, until: Timestamp) {
        let awake = self.awake.filter(|awake| *awake <= until);
        let begin = awake.map_or(since, |awake| awake.max(since));
        if until.duration_since(begin) >= SHORTEST_SLEEP {
            self.incidents.push(Incident { end: until, ..Incident::moment(ItemKind::Asleep, begin) });
        }
    }

    fn fails(&mut self, kind: ItemKind, at: Timestamp, reason: &str) {
        self.presented = self.presented.filter(|presented| *presented > at);
        let open = self.failing.and_then(|open| self.incidents.get_mut(open)).filter(|open| open.kind == kind);
        if let Some(open) = open {
            open.times = open.times.saturating_add(1);
            reason.clone_into(&mut open.reason);
            return;
        }
        self.failing_ends(at);
        self.failing = Some(self.incidents.len());
        self.incidents.push(Incident { reason: reason.to_owned(), ..Incident::moment(kind, at) });
    }

    /// The endpoint has spoken: what failed before is over.
    fn endpoint_answered(&mut self, at: Timestamp) {
        self.presented = None;
        self.failing_ends(at);
    }

    fn failing_ends(&mut self, at: Timestamp) {
        if let Some(open) = self.failing.take().and_then(|open| self.incidents.get_mut(open)) {
            open.end = open.begin.max(at);
        }
    }

    fn token_ends(&mut self, at: Timestamp) {
        if let Some(token) = self.token.take().and_then(|token| self.incidents.get_mut(token)) {
            token.end = token.end.min(at).max(token.begin);
        }
    }
}
