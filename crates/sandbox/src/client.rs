//! The one client that the server knows, and whether a request comes from it (RFC 6749 section 2.3.1).

use std::path::PathBuf;
use std::{fs, io};

use anyhow::Context as _;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};

use crate::request_error::RequestError;

/// A client: public without a secret, confidential with one.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    id: String,
    /// Read anew for each request, so that the secret can be changed while the server runs.
    secret_file: Option<PathBuf>,
}

/// What a request's body says of its client.
#[derive(Debug, Default)]
pub(crate) struct InBody {
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: Option<SecretString>,
}

impl Client {
    /// A client whose secret can be read now.
    pub(crate) fn new(id: String, secret_file: Option<PathBuf>) -> anyhow::Result<Self> {
        let client = Self { id, secret_file };
        client.secret().context("cannot read the client secret")?;
        Ok(client)
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    fn secret(&self) -> io::Result<Option<SecretString>> {
        let text = self.secret_file.as_ref().map(fs::read_to_string).transpose()?;
        Ok(text.map(|text| text.trim().to_owned().into()))
    }

    /// What it authenticates with, by the names of RFC 7591 section 2.
    pub(crate) fn methods(&self) -> &'static [&'static str] {
        if self.secret_file.is_some() { &["client_secret_basic", "client_secret_post"] } else { &["none"] }
    }

    pub(crate) fn authenticate(&self, headers: &HeaderMap, body: &InBody) -> Result<(), RequestError> {
        let (id, secret) = match (headers.get(header::AUTHORIZATION), &body.client_secret) {
            (Some(_), Some(_)) => return Err(RequestError::TwoMethods),
            (Some(header), None) => {
                let (id, secret) = header.to_str().ok().and_then(basic).ok_or(RequestError::Client)?;
                (Some(id), Some(secret))
            }
            (None, secret) => (body.client_id.clone(), secret.clone()),
        };
        let exposed = |secret: &Option<SecretString>| secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        let expected = self.secret().map_err(|_| RequestError::Client)?;
        if id.as_deref() == Some(self.id.as_str()) && exposed(&secret) == exposed(&expected) {
            Ok(())
        } else {
            Err(RequestError::Client)
        }
    }
}

/// Id and secret are form-encoded in there.
fn basic(value: &str) -> Option<(String, SecretString)> {
    let (scheme, encoded) = value.split_once(' ')?;
    let joined = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(encoded).ok()).flatten()?;
    let joined = String::from_utf8(joined).ok()?;
    let (id, secret) = joined.split_once(':')?;
    let decode = |text: &str| {
        let pair = format!("x={text}");
        form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned())
    };
    Some((decode(id)?, decode(secret)?.into()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

    use axum::http::HeaderValue;

    use super::*;

    fn ask(
        client: &Client,
        authorization: Option<&str>,
        id: Option<&str>,
        secret: Option<&str>,
    ) -> Option<RequestError> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        let body =
            InBody { client_id: id.map(Into::into), client_secret: secret.map(|secret| secret.to_owned().into()) };
        client.authenticate(&headers, &body).err()
    }

    fn confidential(id: &str, secret: &str) -> (tempfile::NamedTempFile, Client) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), secret).unwrap();
        let client = Client::new(id.into(), Some(file.path().into())).unwrap();
        (file, client)
    }

    #[test]
    fn a_confidential_client_is_known_by_header_or_body_and_not_by_both() {
        let (_file, client) = confidential("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw");
        // RFC 6749 section 2.3.1.
        let header = Some("Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3");
        let (id, secret) = (Some("s6BhdRkqt3"), Some("7Fjfp0ZBr1KtDRbnfVdmIw"));
        assert_eq!(ask(&client, header, None, None), None);
        assert_eq!(ask(&client, None, id, secret), None);
        assert_eq!(ask(&client, header, id, secret), Some(RequestError::TwoMethods));
        for (header, id, secret) in [
            (None, None, None),
            (None, id, None),
            (None, id, Some("wrong")),
            (None, Some("other"), secret),
            (Some("Bearer x"), None, None),
            (Some("Basic !"), None, None),
        ] {
            assert_eq!(ask(&client, header, id, secret), Some(RequestError::Client), "{header:?} {id:?}");
        }
    }

    #[test]
    fn id_and_secret_are_form_encoded_in_the_header() {
        let (_file, client) = confidential("a:b c", "1%:+");
        let header = format!("Basic {}", STANDARD.encode("a%3Ab+c:1%25%3A%2B"));
        assert_eq!(ask(&client, Some(&header), None, None), None);
    }

    #[test]
    fn a_public_client_has_a_name_and_no_secret() {
        let client = Client::new("me".into(), None).unwrap();
        assert_eq!(ask(&client, None, Some("me"), None), None);
        assert_eq!(ask(&client, None, None, None), Some(RequestError::Client));
        assert_eq!(ask(&client, None, Some("me"), Some("x")), Some(RequestError::Client));
    }
}
