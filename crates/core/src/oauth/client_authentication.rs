//! The client, as a server knows it: how it authenticates at the token endpoint (RFC 6749 section 2.3.1).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::oauth::endpoint::Endpoint;
use crate::oauth::origin::{Bound, ForeignServer};

/// `token_endpoint_auth_method` (RFC 7591 section 2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// No secret: a public client, named by its `client_id` if it has one.
    #[default]
    None,
    /// In the `Authorization` header.
    ClientSecretBasic,
    /// In the request's body.
    ClientSecretPost,
}

impl AuthMethod {
    /// Is nothing sent without a client secret?
    #[must_use]
    pub const fn needs_secret(self) -> bool {
        match self {
            Self::None => false,
            Self::ClientSecretBasic | Self::ClientSecretPost => true,
        }
    }

    /// Its registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
        }
    }
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A client secret. Not even a fingerprint of it is shown: unlike a token, it may be short enough to be guessed.
#[derive(Clone)]
pub struct ClientSecret(SecretString);

/// Why an input is no client secret. Never shows the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnusableClientSecret {
    /// Nothing was given.
    #[error("the client secret is empty")]
    Empty,
    /// Longer than 4 KiB.
    #[error("the client secret is longer than 4 KiB")]
    TooLong,
    /// Several lines, or characters that no client secret has (RFC 6749 appendix A.2).
    #[error("the client secret has several lines or characters that are not plain ASCII")]
    OddCharacters,
}

/// The longest client secret in bytes. Those in use have 20 to 200; it has to fit a header.
pub const LONGEST_CLIENT_SECRET: usize = 4 << 10;

impl ClientSecret {
    /// Reads what a person gave; blanks around it and the newline at its end do not count.
    ///
    /// # Errors
    /// [`UnusableClientSecret`].
    pub fn read(text: &str) -> Result<Self, UnusableClientSecret> {
        // PowerShell writes files with a byte order mark.
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Err(UnusableClientSecret::Empty);
        }
        if text.len() > LONGEST_CLIENT_SECRET {
            return Err(UnusableClientSecret::TooLong);
        }
        if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(UnusableClientSecret::OddCharacters);
        }
        Ok(Self(text.to_owned().into()))
    }

    /// The bytes themselves. Every call of this is a place to audit.
    #[must_use]
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret([redacted])")
    }
}

/// What a request says about the client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Credentials<'a> {
    /// The `Authorization` header.
    pub(crate) authorization: Option<SecretString>,
    /// `client_id` in the body.
    pub(crate) client_id: Option<&'a str>,
    /// `client_secret` in the body.
    pub(crate) client_secret: Option<&'a ClientSecret>,
}

impl<'a> Credentials<'a> {
    /// What of them stands in the body.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let client_secret = self.client_secret.map(ClientSecret::expose);
        let fields = [("client_id", self.client_id), ("client_secret", client_secret)];
        fields.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}

/// How the client presents itself at an endpoint: by exactly one method (RFC 6749 section 2.3).
pub(crate) fn credentials<'a>(
    method: AuthMethod,
    client_id: Option<&'a str>,
    endpoint: &Endpoint,
    secret: Option<&'a Bound<ClientSecret>>,
) -> Result<Credentials<'a>, ForeignServer> {
    let needed = secret.filter(|_| method.needs_secret());
    let secret = needed.map(|secret| secret.for_request(endpoint)).transpose()?;
    Ok(match (method, secret) {
        (AuthMethod::ClientSecretBasic, Some(secret)) => {
            Credentials { authorization: Some(basic(client_id.unwrap_or_default(), secret)), ..Credentials::default() }
        }
        (AuthMethod::ClientSecretPost, Some(secret)) => {
            Credentials { client_id, client_secret: Some(secret), authorization: None }
        }
        (AuthMethod::None, _) | (AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost, None) => {
            Credentials { client_id, ..Credentials::default() }
        }
    })
}

/// What needs no encoding (RFC 3986 section 2.3): servers that decode nothing understand most secrets too.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Id and secret are form-encoded before they are joined and encoded again (RFC 6749 section 2.3.1). A blank is `%20` and
/// never `+`: servers that decode forms and servers that decode URLs read the same.
fn basic(client_id: &str, secret: &ClientSecret) -> SecretString {
    let encode = |text: &str| utf8_percent_encode(text, &RESERVED).to_string();
    let joined = SecretString::from(format!("{}:{}", encode(client_id), encode(secret.expose())));
    format!("Basic {}", STANDARD.encode(joined.expose_secret())).into()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use proptest::prelude::*;

    use super::*;

    fn secret(text: &str) -> ClientSecret {
        ClientSecret::read(text).unwrap()
    }

    #[test]
    fn the_example_of_the_standard_is_encoded_to_the_letter() {
        // RFC 6749 section 2.3.1.
        let header = basic("s6BhdRkqt3", &secret("7Fjfp0ZBr1KtDRbnfVdmIw"));
        assert_eq!(header.expose_secret(), "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3");
    }

    #[test]
    fn a_colon_or_a_percent_sign_cannot_move_the_border_between_id_and_secret() {
        let header = basic("a:b c", &secret("1%:+"));
        let joined = STANDARD.decode(header.expose_secret().strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(joined, b"a%3Ab%20c:1%25%3A%2B");
    }

    #[test]
    fn a_secret_of_unreserved_characters_reaches_servers_that_decode_nothing() {
        let header = basic("6f1b-x", &secret("Ab8~Q-x_y.z~"));
        let joined = STANDARD.decode(header.expose_secret().strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(joined, b"6f1b-x:Ab8~Q-x_y.z~");
    }

    #[test]
    fn what_is_no_client_secret_is_refused_without_being_repeated() {
        assert_eq!(secret(" s3cret \r\n").expose(), "s3cret");
        assert_eq!(secret("two words").expose(), "two words");
        for (text, why) in [
            ("", UnusableClientSecret::Empty),
            (" \n", UnusableClientSecret::Empty),
            ("a\nb", UnusableClientSecret::OddCharacters),
            ("geheimniß", UnusableClientSecret::OddCharacters),
        ] {
            assert_eq!(ClientSecret::read(text).unwrap_err(), why, "{text:?}");
        }
        let long = "x".repeat(LONGEST_CLIENT_SECRET + 1);
        assert_eq!(ClientSecret::read(&long).unwrap_err(), UnusableClientSecret::TooLong);
        assert_eq!(secret(&long[1..]).expose(), &long[1..]);
    }

    #[test]
    fn debug_output_shows_nothing_of_it() {
        assert_eq!(format!("{:?}", secret("s3cret")), "ClientSecret([redacted])");
    }

    #[test]
    fn the_methods_have_their_registered_names() {
        for method in [AuthMethod::None, AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost] {
            assert_eq!(serde_json::to_string(&method).unwrap(), format!("\"{method}\""));
        }
    }

    proptest! {
        #[test]
        fn every_secret_comes_out_of_the_header_as_it_went_in(id in "[ -~]{1,40}", text in "[!-~]([ -~]{0,40}[!-~])?") {
            let header = basic(&id, &secret(&text));
            let joined = STANDARD.decode(header.expose_secret().strip_prefix("Basic ").unwrap()).unwrap();
            let joined = String::from_utf8(joined).unwrap();
            let (left, right) = joined.split_once(':').unwrap();
            let decode = |part: &str| form_urlencoded::parse(format!("x={part}").as_bytes()).next().unwrap().1.into_owned();
            let decode_url = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
            prop_assert_eq!((decode(left), decode_url(left)), (id.clone(), id));
            prop_assert_eq!((decode(right), decode_url(right)), (text.clone(), text));
        }
    }
}
