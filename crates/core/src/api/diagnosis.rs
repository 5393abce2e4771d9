//! What only the agent can see of its surroundings, looked at when somebody asks. For `evertoken doctor`.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use serde::{Deserialize, Serialize};

use crate::account::AccountName;

/// `GET /v1/diagnosis`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Diagnosis {
    /// Who is on the agent's session bus; absent when it reaches none, or where systems have none.
    pub session_bus: Option<SessionBus>,
    /// By how many seconds the endpoint's clock was ahead of this machine's, by the `Date` of the last answer; less
    /// than zero: behind. Absent before the first answer since the agent began.
    pub endpoint_clock_ahead: Option<i64>,
    /// The accounts whose lock another process has now, where the system tells.
    #[serde(default)]
    pub held_locks: Vec<HeldLock>,
}

/// An account's lock in another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeldLock {
    /// The account.
    pub account: AccountName,
    /// The program and its process, in words.
    pub holder: String,
}

/// Who is on the session bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionBus {
    /// A panel that shows tray icons: `org.kde.StatusNotifierWatcher`.
    pub tray: Presence,
    /// A notification daemon: `org.freedesktop.Notifications`.
    pub notifications: Presence,
    /// A keychain: `org.freedesktop.secrets`.
    pub keychain: Presence,
}

/// Is somebody there?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// Yes.
    Running,
    /// Not now; the bus starts it when it is called.
    Startable,
    /// No.
    Absent,
}

/// By how many seconds the clock that wrote a `Date` header (RFC 9110 section 6.6.1) is ahead of `now`; `None` when it
/// is no date.
#[must_use]
pub fn seconds_ahead(date: &str, now: Timestamp) -> Option<i64> {
    /// An IMF-fixdate (RFC 9110 section 5.6.7) reads as an RFC 2822 date.
    const DATE: DateTimeParser = DateTimeParser::new();
    let at = DATE.parse_timestamp(date.trim()).ok()?;
    Some(at.duration_since(now).as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_measured_by_the_servers_date() {
        let now = Timestamp::constant(784_111_777, 0);
        assert_eq!(seconds_ahead("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(0));
        assert_eq!(seconds_ahead("Sun, 06 Nov 1994 09:49:37 GMT", now), Some(3600));
        assert_eq!(seconds_ahead("Sun, 06 Nov 1994 08:48:37 GMT", now), Some(-60));
        for bad in ["", "now", "-1"] {
            assert_eq!(seconds_ahead(bad, now), None, "{bad}");
        }
    }
}
