//! Where requests may go: scheme, host and port, exactly (RFC 6454 section 4).

use std::fmt;
use std::str::FromStr;

use evertoken_core::oauth::endpoint::{Endpoint, InvalidEndpoint};
use hyper::Uri;
use hyper::http::uri::{Authority, Scheme};
use url::Url;

/// An origin that may be sent an access token: https anywhere, plain http on loopback only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    /// Without the scheme's default port, as `Host` has it.
    authority: Authority,
    port: u16,
    is_loopback: bool,
}

/// Why a text is not an [`Origin`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrigin {
    /// Not a URL with a host.
    #[error("not an origin: write it like https://api.vault.ist")]
    NotAnOrigin,
    /// An access token would cross a network in plain text.
    #[error("the access token would go there without encryption: use https (plain http is for this machine only)")]
    PlainHttpToForeignHost,
    /// Some other scheme.
    #[error("the scheme is {0:?}: use https")]
    UnknownScheme(String),
    /// User name or password in the URL.
    #[error("it carries a user name or a password: leave them out")]
    Credentials,
    /// A path, query or fragment, which would promise a narrower permission than is given.
    #[error("it has a path, a query or a fragment, and an origin is allowed as a whole: leave them out")]
    MoreThanAnOrigin,
    /// With a `*`.
    #[error("there are no wildcards: allow each server by its name")]
    Wildcard,
}

impl From<InvalidEndpoint> for InvalidOrigin {
    fn from(invalid: InvalidEndpoint) -> Self {
        match invalid {
            InvalidEndpoint::NotAUrl => Self::NotAnOrigin,
            InvalidEndpoint::PlainHttpToForeignHost(_) => Self::PlainHttpToForeignHost,
            InvalidEndpoint::UnknownScheme(scheme) => Self::UnknownScheme(scheme),
            InvalidEndpoint::Credentials => Self::Credentials,
            InvalidEndpoint::Fragment => Self::MoreThanAnOrigin,
        }
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        if text.contains('*') {
            return Err(InvalidOrigin::Wildcard);
        }
        let endpoint: Endpoint = text.parse()?;
        let url = Url::parse(endpoint.as_str()).map_err(|_| InvalidOrigin::NotAnOrigin)?;
        if url.path() != "/" || url.query().is_some() {
            return Err(InvalidOrigin::MoreThanAnOrigin);
        }
        let serialized = url.origin().ascii_serialization();
        let parts = serialized.parse::<Uri>().map_err(|_| InvalidOrigin::NotAnOrigin)?.into_parts();
        let (Some(scheme), Some(authority), Some(port)) = (parts.scheme, parts.authority, url.port_or_known_default())
        else {
            return Err(InvalidOrigin::NotAnOrigin);
        };
        Ok(Self { scheme, authority, port, is_loopback: endpoint.is_loopback() })
    }
}

impl Origin {
    pub(crate) const fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    pub(crate) const fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(crate) const fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// Does an absolute target name this origin? Compared as text, so that nothing is left to how a port or a user
    /// name may be read.
    pub(crate) fn is_named_by(&self, scheme: &Scheme, authority: &str) -> bool {
        let with_port = format!("{}:{}", self.authority.host(), self.port);
        *scheme == self.scheme
            && (authority.eq_ignore_ascii_case(self.authority.as_str()) || authority.eq_ignore_ascii_case(&with_port))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn an_access_token_never_crosses_a_network_in_plain_text() {
        for (good, shown) in [
            ("https://api.vault.ist", "https://api.vault.ist"),
            ("https://API.vault.ist:443/", "https://api.vault.ist"),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
            ("http://[::1]:80", "http://[::1]"),
            ("http://localhost:1", "http://localhost:1"),
        ] {
            assert_eq!(good.parse::<Origin>().unwrap().to_string(), shown);
        }
        for (bad, why) in [
            ("http://api.vault.ist", InvalidOrigin::PlainHttpToForeignHost),
            ("http://localhost.evil.example", InvalidOrigin::PlainHttpToForeignHost),
            ("api.vault.ist", InvalidOrigin::NotAnOrigin),
            ("*", InvalidOrigin::Wildcard),
            ("*.vault.ist", InvalidOrigin::Wildcard),
            ("https://*.vault.ist", InvalidOrigin::Wildcard),
            ("ftp://api.vault.ist", InvalidOrigin::UnknownScheme("ftp".to_owned())),
            ("https://a:b@api.vault.ist", InvalidOrigin::Credentials),
            ("https://api.vault.ist/v2.0", InvalidOrigin::MoreThanAnOrigin),
            ("https://api.vault.ist?x", InvalidOrigin::MoreThanAnOrigin),
        ] {
            assert_eq!(bad.parse::<Origin>(), Err(why), "{bad}");
        }
    }

    #[test]
    fn only_the_exact_origin_is_named() {
        let origin: Origin = "https://api.vault.ist".parse().unwrap();
        let names = |text: &str| {
            let (scheme, authority) = text.split_once("://").unwrap();
            origin.is_named_by(&scheme.parse().unwrap(), authority)
        };
        for same in ["https://api.vault.ist", "https://API.VAULT.IST:443"] {
            assert!(names(same), "{same}");
        }
        for other in [
            "http://api.vault.ist",
            "https://api.vault.ist:444",
            "https://api.vault.ist:0443",
            "https://api.vault.ist:99999",
            "https://api.vault.ist:",
            "https://api.vault.ist.",
            "https://api.vault.ist.evil.example",
            "https://x@api.vault.ist",
            "https://api.vault.ist@evil.example",
        ] {
            assert!(!names(other), "{other}");
        }
    }
}
