//! What only the agent can see of its surroundings, looked at when somebody asks. For `evertoken doctor`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use serde::{Deserialize, Serialize};

use crate::account::AccountName;
use crate::keychain::KeychainProblem;

/// `GET /v1/diagnosis`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Diagnosis {
    /// Who is on the agent's session bus; absent when it reaches none, or where systems have none.
    pub session_bus: Option<SessionBus>,
    /// Why the next log-in could not be kept: the keychain file, its key, or the missing default keyring of the keychain on
    /// the session bus. Absent where nothing is known against it.
    #[serde(default)]
    pub keychain_problem: Option<KeychainProblem>,
    /// By how many seconds the endpoint's clock was ahead of this machine's, by the `Date` of the last answer; less
    /// than zero: behind. Absent before the first answer since the agent began.
    pub endpoint_clock_ahead: Option<i64>,
    /// The accounts whose lock another process has now, where the system tells.
    #[serde(default)]
    pub held_locks: Vec<HeldLock>,
    /// Whether the agent still runs a program that was replaced or removed since.
    #[serde(default)]
    pub program_replaced: bool,
    /// Where the agent is: a command's own environment says nothing about it.
    #[serde(default)]
    pub surroundings: Option<Surroundings>,
}

/// The agent's own folders and environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Surroundings {
    /// The folder of `config.toml`.
    pub configuration_folder: PathBuf,
    /// The folder of journals and locks.
    pub state_folder: PathBuf,
    /// The variables about network, certificates, session and display that are set; a proxy's without user and password.
    pub variables: BTreeMap<String, String>,
    /// Whether certificates can be read with which servers' are checked.
    pub has_certificates: bool,
}

impl Surroundings {
    /// The variables that are told.
    pub const VARIABLES: [&str; 14] = [
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "NO_PROXY",
        "no_proxy",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "DBUS_SESSION_BUS_ADDRESS",
        "XDG_RUNTIME_DIR",
        "WAYLAND_DISPLAY",
        "DISPLAY",
    ];

    /// Those of them that are set in an environment.
    pub fn variables(lookup: impl Fn(&str) -> Option<String>) -> BTreeMap<String, String> {
        let set = Self::VARIABLES.into_iter().filter_map(|name| Some((name, lookup(name)?)));
        set.map(|(name, value)| {
            let is_proxy = name.to_ascii_lowercase().ends_with("_proxy") && !name.eq_ignore_ascii_case("no_proxy");
            (name.to_owned(), if is_proxy { without_credentials(&value) } else { value })
        })
        .collect()
    }
}

/// A proxy's address without user and password, which may hold any character where it was not escaped.
fn without_credentials(proxy: &str) -> String {
    let Some((before, host)) = proxy.rsplit_once('@') else { return proxy.to_owned() };
    let scheme = before.split_once("://").map(|(scheme, _)| format!("{scheme}://"));
    scheme.unwrap_or_default() + host
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
    fn a_proxys_password_is_not_told() {
        let told = |value: &str| {
            Surroundings::variables(|name| (name == "https_proxy").then(|| value.to_owned())).remove("https_proxy")
        };
        for value in ["http://me:S3cret#1@proxy:3128", "http://me:S3/cret?@proxy:3128", "http://m@e:S3cret@proxy:3128"]
        {
            assert_eq!(told(value).as_deref(), Some("http://proxy:3128"), "{value}");
        }
        assert_eq!(told("me:S3cret@proxy:3128").as_deref(), Some("proxy:3128"));
        assert_eq!(told("socks5://proxy").as_deref(), Some("socks5://proxy"));
        let list = Surroundings::variables(|name| (name == "no_proxy").then(|| "a@b".to_owned()));
        assert_eq!(list.get("no_proxy").map(String::as_str), Some("a@b"));
    }

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
