//! Who issues tokens, and where its metadata is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::oauth::endpoint::{Endpoint, InvalidEndpoint};

/// An issuer identifier (RFC 8414 section 2): https, or plain http on loopback; without query and fragment. Kept as
/// it was typed, because metadata has to repeat it to the letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Issuer(String);

/// Why a text is not an [`Issuer`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIssuer {
    /// Not a URL at all.
    #[error("the issuer is not a URL: write it like https://issuer.example")]
    NotAUrl,
    /// What it names could be changed on the way.
    #[error("the issuer {0} would be asked without encryption: use https (plain http is for loopback only)")]
    PlainHttpToForeignHost(String),
    /// Some other scheme.
    #[error("the issuer has the scheme {0:?}: use https")]
    UnknownScheme(String),
    /// User name, password, query or fragment.
    #[error("the issuer has a user name, a password, a query or a fragment: leave them out")]
    TooMuch,
}

impl Issuer {
    /// The issuer as typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where its metadata may be, in the order in which they are asked: RFC 8414 section 3.1 (before the issuer's path) and
    /// OpenID Connect Discovery 1.0 section 4 (below it); then each at the other's place, where some servers have it.
    #[must_use]
    pub fn locations(&self) -> Vec<Endpoint> {
        let Ok(base) = Url::parse(&self.0) else { return Vec::new() };
        let path = base.path().trim_end_matches('/').to_owned();
        let paths = [
            format!("/.well-known/oauth-authorization-server{path}"),
            format!("{path}/.well-known/openid-configuration"),
            format!("{path}/.well-known/oauth-authorization-server"),
            format!("/.well-known/openid-configuration{path}"),
        ];
        let standard = if path.is_empty() { 2 } else { paths.len() };
        let at = |path: String| {
            let mut url = base.clone();
            url.set_path(&path);
            url.as_str().parse().ok()
        };
        paths.into_iter().take(standard).filter_map(at).collect()
    }
}

impl FromStr for Issuer {
    type Err = InvalidIssuer;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let endpoint: Endpoint = text.parse().map_err(|error| match error {
            InvalidEndpoint::NotAUrl => InvalidIssuer::NotAUrl,
            InvalidEndpoint::PlainHttpToForeignHost(url) => InvalidIssuer::PlainHttpToForeignHost(url),
            InvalidEndpoint::UnknownScheme(scheme) => InvalidIssuer::UnknownScheme(scheme),
            InvalidEndpoint::Credentials | InvalidEndpoint::Fragment => InvalidIssuer::TooMuch,
        })?;
        if endpoint.as_str().contains('?') {
            return Err(InvalidIssuer::TooMuch);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Issuer {
    type Error = InvalidIssuer;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Issuer> for String {
    fn from(issuer: Issuer) -> Self {
        issuer.0
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
