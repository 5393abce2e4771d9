//! An authorization server's metadata (RFC 8414): where it is, and what it says about the endpoints.

use std::fmt;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::oauth::cleaned::cleaned;
use crate::oauth::client_authentication::AuthMethod;
use crate::oauth::endpoint::{Endpoint, InvalidEndpoint};
use crate::oauth::issuer::Issuer;
use crate::oauth::token_response::is_web_page;

/// The longest metadata that is read, in bytes. Real ones have 1 to 10 KiB.
pub const LONGEST_METADATA: usize = 256 << 10;

/// What the metadata says, as far as it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Where the token request goes.
    pub token_endpoint: Endpoint,
    /// Where a token is revoked.
    pub revocation_endpoint: Option<Endpoint>,
    /// Where a person signs in with a browser.
    pub authorization_endpoint: Option<Endpoint>,
    /// Where a device asks for a code.
    pub device_authorization_endpoint: Option<Endpoint>,
    /// Does every callback name the issuer in `iss` (RFC 9207 section 3)?
    pub names_issuer_in_callbacks: bool,
    /// The methods that the token endpoint takes, as far as they are known here; `None`: it does not say.
    auth_methods: Option<Vec<AuthMethod>>,
}

/// Why a document is no metadata of the issuer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMetadata {
    /// Not a JSON object.
    #[error("its metadata is no JSON object")]
    NotAnObject,
    /// A web page in its place.
    #[error("a web page is at the place of its metadata")]
    WebPage,
    /// A member that is given twice: it is not certain which one others take.
    #[error("its metadata has the member {0:?} twice")]
    Twice(String),
    /// The issuer itself, with a slash at its end or without.
    #[error("its metadata says that the issuer is {0}, which is not the same: the slash at the end counts")]
    OtherSlash(Issuer),
    /// Somebody else's (RFC 8414 section 3.3).
    #[error("its metadata belongs to another issuer ({0:?})")]
    AnotherIssuer(String),
    /// No token endpoint.
    #[error("its metadata names no token_endpoint")]
    NoTokenEndpoint,
    /// An endpoint that nothing may be sent to.
    #[error("its metadata names a {name} that cannot be used: {reason}")]
    BadEndpoint {
        /// The field.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A secret was given, and the endpoint takes none in a way that is known here.
    #[error("its token endpoint takes neither client_secret_basic nor client_secret_post")]
    NoKnownMethod,
}

/// Longest part of a foreign issuer that an error repeats, in characters.
const SHOWN: usize = 120;
/// The same for what is wrong with an endpoint: a sentence with a URL in it.
const LONGEST_REASON: usize = 400;
/// RFC 9207 section 3.
const NAMES_ISSUER: &str = "authorization_response_iss_parameter_supported";

impl Metadata {
    /// Reads the document that was found for an issuer. Fields that are not used are not looked at.
    ///
    /// # Errors
    /// [`InvalidMetadata`].
    pub fn read(body: &[u8], issuer: &Issuer) -> Result<Self, InvalidMetadata> {
        let fields = members(body)?;
        let said = fields.get("issuer").and_then(Value::as_str).unwrap_or_default();
        if said != issuer.as_str() {
            return Err(another_issuer(said, issuer));
        }
        let endpoint = |name: &'static str| match fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let reason = |error: InvalidEndpoint| InvalidMetadata::BadEndpoint {
                    name,
                    reason: cleaned(&error.to_string(), LONGEST_REASON),
                };
                value.as_str().unwrap_or_default().parse().map(Some).map_err(reason)
            }
        };
        let methods = |value: &Value| -> Option<Vec<AuthMethod>> {
            Some(value.as_array()?.iter().filter_map(|name| serde_json::from_value(name.clone()).ok()).collect())
        };
        Ok(Self {
            token_endpoint: endpoint("token_endpoint")?.ok_or(InvalidMetadata::NoTokenEndpoint)?,
            revocation_endpoint: endpoint("revocation_endpoint")?,
            authorization_endpoint: endpoint("authorization_endpoint")?,
            device_authorization_endpoint: endpoint("device_authorization_endpoint")?,
            names_issuer_in_callbacks: fields.get(NAMES_ISSUER) == Some(&Value::Bool(true)),
            auth_methods: fields.get("token_endpoint_auth_methods_supported").and_then(methods),
        })
    }

    /// The method for a client with a secret: basic before post, and basic where the metadata does not say (RFC 8414
    /// section 2).
    ///
    /// # Errors
    /// [`InvalidMetadata::NoKnownMethod`].
    pub fn method_with_secret(&self) -> Result<AuthMethod, InvalidMetadata> {
        let Some(methods) = &self.auth_methods else { return Ok(AuthMethod::ClientSecretBasic) };
        [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost]
            .into_iter()
            .find(|method| methods.contains(method))
            .ok_or(InvalidMetadata::NoKnownMethod)
    }
}

impl InvalidMetadata {
    /// How much it tells about the issuer that was asked for: its own document, another one, or none at all.
    #[must_use]
    pub const fn telling(&self) -> u8 {
        match self {
            Self::OtherSlash(_)
            | Self::Twice(_)
            | Self::NoTokenEndpoint
            | Self::BadEndpoint { .. }
            | Self::NoKnownMethod => 3,
            Self::AnotherIssuer(_) => 2,
            Self::NotAnObject | Self::WebPage => 0,
        }
    }

    /// What a person can do about it, if it is more than to check what was typed.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        match self {
            Self::OtherSlash(issuer) => Some(format!("Copy it as it is: --issuer {issuer}")),
            Self::NotAnObject
            | Self::WebPage
            | Self::Twice(_)
            | Self::AnotherIssuer(_)
            | Self::NoTokenEndpoint
            | Self::BadEndpoint { .. }
            | Self::NoKnownMethod => None,
        }
    }
}

fn another_issuer(said: &str, issuer: &Issuer) -> InvalidMetadata {
    let bare = |text: &str| text.strip_suffix('/').unwrap_or(text).to_owned();
    let same = (bare(said) == bare(issuer.as_str())).then(|| said.parse().ok()).flatten();
    same.map_or_else(|| InvalidMetadata::AnotherIssuer(cleaned(said, SHOWN)), InvalidMetadata::OtherSlash)
}

/// The members of a JSON object, each given once.
fn members(body: &[u8]) -> Result<Map<String, Value>, InvalidMetadata> {
    let mut document = Document::default();
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = json.deserialize_map(&mut document).and_then(|()| json.end());
    match (document.twice, read) {
        (Some(name), _) => Err(InvalidMetadata::Twice(cleaned(&name, SHOWN))),
        (None, Ok(())) => Ok(document.members),
        (None, Err(_)) if is_web_page(body) => Err(InvalidMetadata::WebPage),
        (None, Err(_)) => Err(InvalidMetadata::NotAnObject),
    }
}

#[derive(Default)]
struct Document {
    members: Map<String, Value>,
    twice: Option<String>,
}

impl<'de> Visitor<'de> for &mut Document {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if self.members.insert(name.clone(), value).is_some() {
                self.twice = Some(name);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
