//! Where a refresh token may be sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// The token endpoint of Vault's production API.
pub const PRODUCTION_ENDPOINT: &str = "https://api.vault.ist/v2.0/reference/gettoken";

/// The token endpoint of the built-in sandbox with its default `--listen`.
pub const SANDBOX_ENDPOINT: &str = "http://127.0.0.1:8787/v2.0/reference/gettoken";

/// The addresses of `localhost`, the preferred one first. Nobody is asked for them: a resolver's answer may be another
/// machine (RFC 6761, section 6.3).
pub const LOCALHOST: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// A token endpoint that a refresh token may be sent to: https anywhere, plain http on loopback only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint(Url);

/// Why a text is not an [`Endpoint`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// Not a URL at all.
    #[error("the endpoint is not a URL: write it like {PRODUCTION_ENDPOINT}")]
    NotAUrl,
    /// A refresh token would cross a network in plain text.
    #[error(
        "the endpoint {0} would receive the refresh token without encryption: use https (plain http is for loopback only)"
    )]
    PlainHttpToForeignHost(String),
    /// Some other scheme.
    #[error("the endpoint has the scheme {0:?}: use https")]
    UnknownScheme(String),
    /// User name or password in the URL.
    #[error("the endpoint carries a user name or a password: leave them out")]
    Credentials,
    /// RFC 6749 section 3.2 forbids it.
    #[error("the endpoint has a fragment, which no request can carry: leave the # and what follows out")]
    Fragment,
}

impl Endpoint {
    /// The URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Is the endpoint on this machine, so that no proxy may stand between?
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// Scheme, host and port, as RFC 6454 section 6.2 writes them.
    pub(crate) fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// The host, for sentences.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text.trim()).map_err(|_| InvalidEndpoint::NotAUrl)?;
        if !url.has_host() {
            return Err(InvalidEndpoint::NotAUrl);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidEndpoint::Credentials);
        }
        if url.fragment().is_some() {
            return Err(InvalidEndpoint::Fragment);
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback(&url) => Ok(Self(url)),
            "http" => Err(InvalidEndpoint::PlainHttpToForeignHost(url.to_string())),
            other => Err(InvalidEndpoint::UnknownScheme(other.to_owned())),
        }
    }
}

impl TryFrom<String> for Endpoint {
    type Error = InvalidEndpoint;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_never_crosses_a_network_in_plain_text() {
        for good in ["https://api.vault.ist/x", "http://127.0.0.1:1/x", "http://[::1]:1/x", "http://localhost/x"] {
            assert!(good.parse::<Endpoint>().is_ok(), "{good}");
        }
        for bad in [
            "http://api.vault.ist/x",
            "http://localhost.evil.example/x",
            "http://0.0.0.0/x",
            "ftp://api.vault.ist/x",
            "api.vault.ist",
            "https://user:password@api.vault.ist/x",
            "https://api.vault.ist/x#part",
            "",
        ] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_proxy_stands_before_every_host_but_this_machine() {
        let is_loopback = |text: &str| text.parse().map(|endpoint: Endpoint| endpoint.is_loopback());
        for (text, expected) in [
            ("https://127.9.9.9/x", true),
            ("https://[::1]/x", true),
            ("https://localhost/x", true),
            ("https://128.0.0.1/x", false),
            ("https://[::2]/x", false),
            ("https://api.vault.ist/x", false),
        ] {
            assert_eq!(is_loopback(text), Ok(expected), "{text}");
        }
    }
}
