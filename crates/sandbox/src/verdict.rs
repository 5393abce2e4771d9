//! What the families say of a token that is presented or asked about.

use jiff::Timestamp;
use serde::Serialize;

use crate::grant::Grant;

/// Why a refresh token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Expired {
        at: Timestamp,
    },
    Unknown,
    Revoked,
    /// A spent token beyond the grace; its family has been revoked for it.
    Replayed,
}

/// What presenting a refresh token led to.
#[derive(Debug)]
pub(crate) enum Rotation {
    Granted(Grant),
    ReplayedWithinGrace(Grant),
    Refused(Refusal),
}

/// Why an access token is no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccessRefusal {
    Expired { at: Timestamp },
    Invalid,
}

/// Whom an access token speaks for, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) user_id: String,
    /// Seconds left.
    pub(crate) expires_in: i64,
}

/// What a token is good for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Live,
    Spent,
    Revoked,
    Expired,
    Unknown,
}

/// What is known of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Inspection {
    pub(crate) state: State,
    pub(crate) kind: Option<Kind>,
    /// A number; the first login is family 1.
    pub(crate) family: Option<usize>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// Which kind of token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    AccessToken,
    RefreshToken,
}
