//! An authorization server's metadata (RFC 8414): where it is, and what it says about the endpoints.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::oauth::client_authentication::AuthMethod;
use crate::oauth::endpoint::{Endpoint, InvalidEndpoint};

/// The longest metadata that is read, in bytes. Real ones have 1 to 10 KiB.
pub const LONGEST_METADATA: usize = 256 << 10;

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

    /// Where its metadata may be, in the order in which they are asked: RFC 8414 section 3.1, then OpenID Connect
    /// Discovery 1.0 section 4.
    #[must_use]
    pub fn locations(&self) -> Vec<Endpoint> {
        let Ok(base) = Url::parse(&self.0) else { return Vec::new() };
        let path = base.path().trim_end_matches('/').to_owned();
        let paths = [
            format!("/.well-known/oauth-authorization-server{path}"),
            format!("{path}/.well-known/openid-configuration"),
        ];
        let at = |path: String| {
            let mut url = base.clone();
            url.set_path(&path);
            url.as_str().parse().ok()
        };
        paths.into_iter().filter_map(at).collect()
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
            InvalidEndpoint::Credentials => InvalidIssuer::TooMuch,
        })?;
        if endpoint.as_str().contains(['?', '#']) {
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
    /// The methods that the token endpoint takes, as far as they are known here; `None`: it does not say.
    auth_methods: Option<Vec<AuthMethod>>,
}

/// Why a document is no metadata of the issuer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMetadata {
    /// Not a JSON object.
    #[error("its metadata is no JSON object")]
    NotAnObject,
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

impl Metadata {
    /// Reads the document that was found for an issuer. Fields that are not used are not looked at.
    ///
    /// # Errors
    /// [`InvalidMetadata`].
    pub fn read(body: &[u8], issuer: &Issuer) -> Result<Self, InvalidMetadata> {
        let document: Value = serde_json::from_slice(body).map_err(|_| InvalidMetadata::NotAnObject)?;
        let fields = document.as_object().ok_or(InvalidMetadata::NotAnObject)?;
        let said = fields.get("issuer").and_then(Value::as_str).unwrap_or_default();
        if said != issuer.as_str() {
            let shown = said.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
            return Err(InvalidMetadata::AnotherIssuer(shown));
        }
        let endpoint = |name: &'static str| match fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let reason = |error: InvalidEndpoint| InvalidMetadata::BadEndpoint { name, reason: error.to_string() };
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn issuer(text: &str) -> Issuer {
        text.parse().unwrap()
    }

    fn read(document: &Value) -> Result<Metadata, InvalidMetadata> {
        Metadata::read(document.to_string().as_bytes(), &issuer("https://issuer.example"))
    }

    #[test]
    fn metadata_is_looked_for_where_the_standards_put_it() {
        let locations =
            |text: &str| -> Vec<String> { issuer(text).locations().into_iter().map(String::from).collect() };
        let plain = [
            "https://issuer.example/.well-known/oauth-authorization-server",
            "https://issuer.example/.well-known/openid-configuration",
        ];
        assert_eq!(locations("https://issuer.example"), plain);
        assert_eq!(locations("https://issuer.example/"), plain);
        assert_eq!(
            locations("https://issuer.example/realms/a"),
            [
                "https://issuer.example/.well-known/oauth-authorization-server/realms/a",
                "https://issuer.example/realms/a/.well-known/openid-configuration",
            ]
        );
    }

    #[test]
    fn an_issuer_that_could_be_changed_on_the_way_is_refused() {
        for good in ["https://a.example", "https://a.example/x/", "http://127.0.0.1:1", "http://localhost:1/x"] {
            assert_eq!(issuer(good).as_str(), good);
        }
        for bad in [
            "",
            "a.example",
            "http://a.example",
            "ftp://a.example",
            "https://a.example/?x",
            "https://a.example#x",
            "https://u:p@a.example",
        ] {
            assert!(bad.parse::<Issuer>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_endpoints_are_taken_from_the_issuers_own_document() {
        let metadata = read(&json!({
            "issuer": "https://issuer.example",
            "token_endpoint": "https://tokens.example/token",
            "revocation_endpoint": "https://issuer.example/revoke",
            "authorization_endpoint": "https://issuer.example/authorize",
            "device_authorization_endpoint": null,
            "jwks_uri": 7,
        }));
        let metadata = metadata.unwrap();
        assert_eq!(metadata.token_endpoint.as_str(), "https://tokens.example/token");
        assert_eq!(metadata.revocation_endpoint.unwrap().as_str(), "https://issuer.example/revoke");
        assert_eq!(metadata.authorization_endpoint.unwrap().as_str(), "https://issuer.example/authorize");
        assert_eq!(metadata.device_authorization_endpoint, None);
    }

    #[test]
    fn a_document_that_sends_the_token_elsewhere_is_refused() {
        let foreign = json!({"issuer": "https://issuer.example/", "token_endpoint": "https://issuer.example/token"});
        assert!(matches!(read(&foreign), Err(InvalidMetadata::AnotherIssuer(_))), "a slash is another issuer");
        assert!(matches!(read(&json!({"token_endpoint": "https://a/"})), Err(InvalidMetadata::AnotherIssuer(_))));
        let none = json!({"issuer": "https://issuer.example"});
        assert_eq!(read(&none), Err(InvalidMetadata::NoTokenEndpoint));
        for field in ["token_endpoint", "revocation_endpoint", "authorization_endpoint"] {
            for bad in [json!("http://issuer.example/x"), json!("/x"), json!(""), json!(7), json!([])] {
                let mut document =
                    json!({"issuer": "https://issuer.example", "token_endpoint": "https://issuer.example/token"});
                document[field] = bad.clone();
                let refused = read(&document);
                assert!(
                    matches!(&refused, Err(InvalidMetadata::BadEndpoint { name, .. }) if *name == field),
                    "{field} {bad}: {refused:?}"
                );
            }
        }
        for body in ["", "[]", "7", "<html>", "{"] {
            let read = Metadata::read(body.as_bytes(), &issuer("https://issuer.example"));
            assert_eq!(read, Err(InvalidMetadata::NotAnObject), "{body}");
        }
    }

    #[test]
    fn a_secret_travels_in_a_way_that_the_endpoint_takes() {
        let method = |methods: Value| {
            let mut document =
                json!({"issuer": "https://issuer.example", "token_endpoint": "https://issuer.example/token"});
            document["token_endpoint_auth_methods_supported"] = methods;
            read(&document).unwrap().method_with_secret()
        };
        let (basic, post) = (AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost);
        assert_eq!(method(json!(["private_key_jwt", "client_secret_post", "client_secret_basic"])), Ok(basic));
        assert_eq!(method(json!(["client_secret_post", "none"])), Ok(post));
        assert_eq!(method(Value::Null), Ok(basic));
        assert_eq!(method(json!(["private_key_jwt", 7])), Err(InvalidMetadata::NoKnownMethod));
    }

    /// Documents that are nearly right: each field one of a few values, or missing.
    fn document() -> impl Strategy<Value = Value> {
        let value = prop_oneof![
            Just(json!("https://issuer.example")),
            Just(json!("https://issuer.example/token")),
            Just(json!("http://issuer.example/token")),
            Just(json!("http://127.0.0.1:9/token")),
            Just(json!(["client_secret_post"])),
            Just(Value::Null),
            "\\PC{0,40}".prop_map(Value::from),
        ];
        let name = prop::sample::select(vec![
            "issuer",
            "token_endpoint",
            "revocation_endpoint",
            "authorization_endpoint",
            "device_authorization_endpoint",
            "token_endpoint_auth_methods_supported",
        ]);
        prop::collection::btree_map(name, value, 0..7).prop_map(|fields| json!(fields))
    }

    proptest! {
        #[test]
        fn whatever_is_read_sends_nothing_over_a_network_in_plain_text(document in document()) {
            if let Ok(metadata) = read(&document) {
                prop_assert_eq!(&document["issuer"], "https://issuer.example");
                let Metadata { token_endpoint, revocation_endpoint, authorization_endpoint, .. } = metadata;
                for endpoint in [Some(token_endpoint), revocation_endpoint, authorization_endpoint].into_iter().flatten() {
                    prop_assert!(endpoint.as_str().starts_with("https://") || endpoint.is_loopback());
                }
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(body in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,60}") {
            let _ = Metadata::read(&body, &issuer("https://issuer.example"));
            if let Ok(issuer) = text.parse::<Issuer>() {
                prop_assert!(!issuer.locations().is_empty());
            }
        }
    }
}
