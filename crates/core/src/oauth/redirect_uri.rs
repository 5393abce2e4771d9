//! Where the browser brings an authorization code: to this machine, whatever the port (RFC 8252 section 7.3).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An account's redirect URI. It is kept as it was written: servers compare it to the letter (RFC 6749 section 3.1.2.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri {
    host: LoopbackHost,
    port: Option<u16>,
    path: String,
}

/// This machine, as a redirect URI names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopbackHost {
    /// `127.0.0.1`
    V4,
    /// `[::1]`
    V6,
    /// `localhost`, which may be either.
    Localhost,
}

/// A text that cannot be a redirect URI here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the redirect URI does not lead to this machine: write it as http://127.0.0.1/callback, http://[::1]/callback or \
     http://localhost/callback, with a port if the server wants that one"
)]
pub struct InvalidRedirectUri;

impl LoopbackHost {
    const fn as_str(self) -> &'static str {
        match self {
            Self::V4 => "127.0.0.1",
            Self::V6 => "[::1]",
            Self::Localhost => "localhost",
        }
    }
}

impl RedirectUri {
    /// Which of this machine's addresses is listened on.
    #[must_use]
    pub const fn host(&self) -> LoopbackHost {
        self.host
    }

    /// The one port that the server knows; `None`: any port will do.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Host and port as a browser names them.
    #[must_use]
    pub fn authority(&self, port: u16) -> String {
        format!("{}:{port}", self.host.as_str())
    }

    /// The path that a browser asks for.
    #[must_use]
    pub fn path(&self) -> &str {
        if self.path.is_empty() { "/" } else { &self.path }
    }

    /// With the port that is listened on: what the server is told.
    #[must_use]
    pub fn at(&self, port: u16) -> String {
        format!("http://{}{}", self.authority(port), self.path)
    }
}

impl Default for RedirectUri {
    /// What is usual, and what a server has to know unless the account says something else.
    fn default() -> Self {
        Self { host: LoopbackHost::V4, port: None, path: "/callback".to_owned() }
    }
}

impl FromStr for RedirectUri {
    type Err = InvalidRedirectUri;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text.trim()).ok_or(InvalidRedirectUri)
    }
}

fn read(text: &str) -> Option<RedirectUri> {
    let rest = text.strip_prefix("http://")?;
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let hosts = [LoopbackHost::V4, LoopbackHost::V6, LoopbackHost::Localhost];
    let (host, port) = hosts.into_iter().find_map(|host| Some((host, authority.strip_prefix(host.as_str())?)))?;
    let port = match port.strip_prefix(':') {
        Some(digits) => Some(digits.parse().ok().filter(|port: &u16| *port > 0 && port.to_string() == digits)?),
        None if port.is_empty() => None,
        None => return None,
    };
    // RFC 3986 section 3.3. A query would be mixed with the answer's.
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%/".contains(&c);
    path.bytes().all(is_plain).then(|| RedirectUri { host, port, path: path.to_owned() })
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        write!(f, "http://{}{port}{}", self.host.as_str(), self.path)
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = InvalidRedirectUri;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_redirect_uri_is_told_to_the_server_to_the_letter() {
        for (text, at, path) in [
            ("http://127.0.0.1/callback", "http://127.0.0.1:4711/callback", "/callback"),
            ("http://localhost", "http://localhost:4711", "/"),
            ("http://localhost/", "http://localhost:4711/", "/"),
            ("http://[::1]/a%20b/", "http://[::1]:4711/a%20b/", "/a%20b/"),
            ("http://localhost:8400/cb", "http://localhost:8400/cb", "/cb"),
        ] {
            let uri: RedirectUri = text.parse().unwrap();
            assert_eq!((uri.at(uri.port().unwrap_or(4711)).as_str(), uri.path()), (at, path));
            assert_eq!(uri.to_string(), text);
            assert_eq!(String::from(uri), text);
        }
        assert_eq!(RedirectUri::default().to_string(), "http://127.0.0.1/callback");
    }

    #[test]
    fn a_code_comes_back_to_this_machine_and_nowhere_else() {
        for bad in [
            "",
            "callback",
            "https://127.0.0.1/callback",
            "http://evil.example/callback",
            "http://127.0.0.1.evil.example/callback",
            "http://localhost.evil.example/",
            "http://localhost@evil.example/",
            "http://me@localhost/",
            "http://127.0.0.2/callback",
            "http://0.0.0.0/callback",
            "http://127.0.0.1:/callback",
            "http://127.0.0.1:0/callback",
            "http://127.0.0.1:080/callback",
            "http://127.0.0.1:65536/callback",
            "http://127.0.0.1:80@evil.example/",
            "http://127.0.0.1\\@evil.example/",
            "http://127.0.0.1/callback?x=1",
            "http://127.0.0.1/callback#x",
            "http://127.0.0.1/call back",
            "http://localhost?x",
            "HTTP://localhost/",
        ] {
            let refused = bad.parse::<RedirectUri>().unwrap_err().to_string();
            assert!(refused.contains("does not lead to this machine"), "{bad}: {refused}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_a_url_of_this_machine_for_every_reader(text in "http://(127\\.0\\.0\\.1|localhost|\\[::1\\])[ -~]{0,20}") {
            if let Ok(uri) = text.parse::<RedirectUri>() {
                let url = url::Url::parse(&uri.at(4711)).unwrap();
                let host = url.host_str().unwrap();
                prop_assert!(["127.0.0.1", "localhost", "[::1]"].contains(&host), "{host}");
                prop_assert_eq!((url.port_or_known_default(), url.username(), url.query()), (Some(4711), "", None));
            }
        }
    }
}
