//! The token endpoint: rotates, forgives a few replays, expires logins, and fails in every way that is known.

use std::collections::{HashMap, HashSet};

use evertoken_core::oauth::endpoint::Endpoint;

use super::clock::{DAY, HOUR, SECOND};
use super::random::Random;

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Nothing wrong, it only takes long.
    Slow,
    Dns,
    Refused,
    Tls,
    ClosedBeforeCommit,
    ClosedAfterCommit,
    ServerError,
    ServerErrorAfterCommit,
    TooManyRequests,
    Unavailable,
    /// `Retry-After` in seconds.
    RetryAfter(i64),
    Portal200,
    Portal401,
    Portal403,
    TornAfterCommit,
    StalledBeforeCommit,
    StalledAfterCommit,
    /// Stalls beyond the client's limit, and commits when the client has long tried again.
    CommittedLate,
}

impl Fault {
    pub(crate) const ALL: [Self; 18] = [
        Self::Slow,
        Self::Dns,
        Self::Refused,
        Self::Tls,
        Self::ClosedBeforeCommit,
        Self::ClosedAfterCommit,
        Self::ServerError,
        Self::ServerErrorAfterCommit,
        Self::TooManyRequests,
        Self::Unavailable,
        Self::RetryAfter(20),
        Self::RetryAfter(90_000),
        Self::Portal200,
        Self::Portal401,
        Self::Portal403,
        Self::TornAfterCommit,
        Self::StalledBeforeCommit,
        Self::StalledAfterCommit,
    ];
}

/// How this server was set up.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// Milliseconds that access tokens live.
    pub(crate) lifetime: i64,
    /// What it writes for `expires_in`.
    pub(crate) expires_in: &'static str,
    /// Milliseconds that refresh tokens live.
    pub(crate) refresh_lifetime: i64,
    /// How often a spent refresh token may be presented again.
    pub(crate) grace: u32,
    pub(crate) rotates: bool,
    /// Refuses as RFC 6749 does instead of as Vault does.
    pub(crate) standard: bool,
}

impl Terms {
    pub(crate) fn random(random: &mut Random) -> Self {
        let (lifetime, expires_in) = match random.below(20) {
            0 => (HOUR, "3600"),
            1 => (300 * SECOND, "300"),
            2 => (60 * SECOND, "\"60\""),
            3 => (8 * SECOND, "8"),
            4 => (SECOND, "1"),
            5 => (DAY, random.pick(&["0", "-5", "1e18", "null", "{}"])),
            _ => (DAY, random.pick(&["86400", "86399", "86400.7"])),
        };
        Self {
            lifetime,
            expires_in,
            refresh_lifetime: random.pick(&[2, 7, 30, 90]) * lifetime.max(60 * SECOND),
            grace: random.pick(&[0, 1, 1, 1, 2]),
            rotates: !random.one_in(12),
            standard: random.one_in(3),
        }
    }
}

/// What became of a refresh token that the server gave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its answer is under way.
    Sent,
    /// The network or the server's fault took it.
    LostToFault,
    /// The agent was killed before it was stored.
    LostToKill,
    /// The agent has it in memory.
    Received,
    /// The keychain has taken it.
    Stored,
}

#[derive(Debug)]
struct Refresh {
    family: u64,
    parent: Option<String>,
    expires_at: i64,
    uses: u32,
    retired: bool,
    children: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) expires_at: i64,
    /// The refresh token that came with it.
    pub(crate) refresh: Option<String>,
    /// How much the machine's clock was moved back without its owner noticing, since it was granted.
    pub(crate) slack: i64,
}

#[derive(Debug)]
pub(crate) enum Verdict {
    Granted { access: String, refresh: Option<String> },
    Refused { replayed: bool },
}

pub(crate) struct Server {
    pub(crate) terms: Terms,
    refresh: HashMap<String, Refresh>,
    revoked: HashSet<u64>,
    /// The logins of another person than the account's.
    foreign: HashSet<u64>,
    /// The server that issued each family.
    homes: HashMap<u64, Endpoint>,
    pub(crate) access: HashMap<String, Access>,
    pub(crate) fates: HashMap<String, Fate>,
    /// Every token that the endpoint itself refused.
    pub(crate) refused: HashSet<String>,
    serial: u64,
}

impl Server {
    pub(crate) fn new(terms: Terms) -> Self {
        Self {
            terms,
            refresh: HashMap::new(),
            revoked: HashSet::new(),
            foreign: HashSet::new(),
            homes: HashMap::new(),
            access: HashMap::new(),
            fates: HashMap::new(),
            refused: HashSet::new(),
            serial: 0,
        }
    }

    /// What a person brings from the initial authentication.
    pub(crate) fn sign_in(&mut self, home: &Endpoint, t: i64) -> String {
        self.serial += 1;
        self.homes.insert(self.serial, home.clone());
        self.mint(self.serial, None, t)
    }

    /// The server that issued a token.
    pub(crate) fn home(&self, token: &str) -> Option<&Endpoint> {
        self.homes.get(&self.refresh.get(token)?.family)
    }

    /// What another person brings.
    pub(crate) fn sign_in_as_another(&mut self, home: &Endpoint, t: i64) -> String {
        self.foreign.insert(self.serial + 1);
        self.sign_in(home, t)
    }

    /// Does this token belong to another person?
    pub(crate) fn is_foreign(&self, token: &str) -> bool {
        self.refresh.get(token).is_some_and(|found| self.foreign.contains(&found.family))
    }

    fn mint(&mut self, family: u64, parent: Option<String>, t: i64) -> String {
        self.serial += 1;
        let token = format!("refresh-{family}-{}", self.serial);
        let expires_at = t + self.terms.refresh_lifetime;
        let refresh = Refresh { family, parent, expires_at, uses: 0, retired: false, children: vec![] };
        self.refresh.insert(token.clone(), refresh);
        token
    }

    /// RFC 6749 section 6, with rotation and replay detection.
    pub(crate) fn exchange(&mut self, token: &str, t: i64) -> Verdict {
        let (rotates, grace) = (self.terms.rotates, self.terms.grace);
        let Some(found) = self.refresh.get_mut(token) else { return self.refuse(token, false) };
        let (family, parent) = (found.family, found.parent.clone());
        if self.revoked.contains(&family) || found.expires_at <= t {
            return self.refuse(token, false);
        }
        if rotates && (found.retired || found.uses > grace) {
            self.revoked.insert(family);
            return self.refuse(token, true);
        }
        found.uses += 1;
        if let Some(parent) = parent.as_ref().and_then(|parent| self.refresh.get_mut(parent)) {
            parent.retired = true;
            for sibling in parent.children.clone() {
                if let Some(sibling) = self.refresh.get_mut(&sibling).filter(|_| sibling != token) {
                    sibling.retired = true;
                }
            }
        }
        let refresh = rotates.then(|| self.mint(family, Some(token.to_owned()), t));
        if let (Some(new), Some(found)) = (&refresh, self.refresh.get_mut(token)) {
            found.children.push(new.clone());
            self.fates.insert(new.clone(), Fate::Sent);
        }
        self.serial += 1;
        let access = format!("access-{}", self.serial);
        let expires_at = t + self.terms.lifetime;
        self.access.insert(access.clone(), Access { expires_at, refresh: refresh.clone(), slack: 0 });
        Verdict::Granted { access, refresh }
    }

    fn refuse(&mut self, token: &str, replayed: bool) -> Verdict {
        self.refused.insert(token.to_owned());
        Verdict::Refused { replayed }
    }

    /// Answers with successors of this token that are under way will not arrive.
    pub(crate) fn lose_children_under_way(&mut self, token: &str) {
        let children = self.refresh.get(token).map(|found| found.children.clone()).unwrap_or_default();
        for child in children.iter().filter(|child| self.fates.get(*child) == Some(&Fate::Sent)).collect::<Vec<_>>() {
            self.fates.insert(child.clone(), Fate::LostToFault);
        }
    }

    /// What became of the tokens that were given for this one.
    pub(crate) fn fates_of_children(&self, token: &str) -> Vec<Fate> {
        let children = self.refresh.get(token).map(|found| found.children.as_slice()).unwrap_or_default();
        children.iter().filter_map(|child| self.fates.get(child).copied()).collect()
    }

    pub(crate) fn set_fate(&mut self, token: Option<&str>, fate: Fate) {
        if let Some(known) = token.and_then(|token| self.fates.get_mut(token)) {
            *known = fate;
        }
    }

    /// The status and body of a verdict.
    pub(crate) fn answer(&self, verdict: &Verdict, token: &str) -> (u16, String) {
        let user = if self.is_foreign(token) { "usr:2" } else { "usr:1" };
        match verdict {
            Verdict::Granted { access, refresh } => {
                let refresh = refresh.as_ref().map(|new| format!(r#""refresh_token":"{new}","#)).unwrap_or_default();
                let expires_in = self.terms.expires_in;
                let body = format!(
                    r#"{{"access_token":"{access}","token_type":"bearer",{refresh}"scope":"accounts:read","expires_in":{expires_in},"user_id":"{user}"}}"#
                );
                (200, body)
            }
            Verdict::Refused { .. } if self.terms.standard => (400, r#"{"error":"invalid_grant"}"#.to_owned()),
            Verdict::Refused { .. } => {
                let message = "The Token has expired on 2025-01-01T00:00:00.000Z";
                let body = format!(r#"{{"status":"UNAUTHORIZED","message":"{message}","traceId":"x-1","errors":[]}}"#);
                (401, body)
            }
        }
    }
}
