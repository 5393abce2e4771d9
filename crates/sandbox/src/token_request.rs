//! Reading a token request: method, content type, body, parameters.

use axum::http::{HeaderMap, Method, header};
use clap::ValueEnum;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::client::{Client, InBody};
use crate::request_error::RequestError;
use crate::token::RefreshToken;

/// The header that names the merchant at the older endpoint.
pub(crate) const MERCHANT_HEADER: &str = "x-merchant-id";

/// Which endpoint was asked, and so which shape its errors have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `/v2.0/reference/gettoken`, the contract.
    Reference,
    /// `/oauth/token`: form-encoded, with errors as in RFC 6749 section 5.2.
    OAuth,
    /// `/oauth/revoke` (RFC 7009): the same, about a `token` that is to end.
    Revocation,
}

/// Which request bodies are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Encoding {
    /// `application/json`, the contract
    Json,
    /// `application/x-www-form-urlencoded`, the older dialect
    Form,
    /// Either
    Both,
}

impl Encoding {
    pub(crate) fn takes_json(self) -> bool {
        matches!(self, Self::Json | Self::Both)
    }

    pub(crate) fn takes_form(self) -> bool {
        matches!(self, Self::Form | Self::Both)
    }
}

/// The parameters of a token request (RFC 6749 section 6). Others are ignored, as section 3.2 wants it.
#[derive(Debug, Default)]
pub(crate) struct TokenRequest {
    grant_type: Option<String>,
    refresh_token: Option<RefreshToken>,
    client: InBody,
    code: Option<SecretString>,
    redirect_uri: Option<String>,
    code_verifier: Option<SecretString>,
    device_code: Option<SecretString>,
}

/// The grant type of RFC 8628 section 3.4.
pub(crate) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A code that is presented instead of a refresh token.
pub(crate) enum Code<'a> {
    /// RFC 6749 section 4.1.3, RFC 7636 section 4.5.
    Authorization { code: &'a str, redirect_uri: &'a str, verifier: &'a str, client_id: Option<&'a str> },
    /// RFC 8628 section 3.4.
    Device(&'a str),
}

#[derive(Deserialize)]
struct JsonBody {
    grant_type: Option<String>,
    refresh_token: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

impl TokenRequest {
    #[cfg(test)]
    pub(crate) fn presenting(refresh_token: RefreshToken) -> Self {
        Self { grant_type: Some("refresh_token".into()), refresh_token: Some(refresh_token), ..Self::default() }
    }

    pub(crate) fn read(
        dialect: Dialect,
        encoding: Encoding,
        method: &Method,
        headers: &HeaderMap,
        body: Option<&[u8]>,
        wants_merchant: bool,
    ) -> Result<Self, RequestError> {
        if method != Method::POST {
            return Err(RequestError::Method);
        }
        let takes_json = dialect == Dialect::Reference && encoding.takes_json();
        let is_json = match media_type(headers).as_str() {
            "application/json" if takes_json => true,
            "application/x-www-form-urlencoded" if encoding.takes_form() => false,
            _ => {
                return Err(RequestError::ContentType(match (takes_json, encoding.takes_form()) {
                    (true, true) => "application/json or application/x-www-form-urlencoded",
                    (true, false) => "application/json",
                    (false, _) => "application/x-www-form-urlencoded",
                }));
            }
        };
        if dialect == Dialect::OAuth
            && wants_merchant
            && headers.get(MERCHANT_HEADER).is_none_or(|merchant| merchant.is_empty())
        {
            return Err(RequestError::Merchant);
        }
        let body = body.ok_or(RequestError::Body)?;
        if is_json { Self::from_json(body) } else { Self::from_form(body, dialect) }
    }

    /// The request, if it comes from the client that the server knows; where it knows none, anybody may ask.
    pub(crate) fn authenticated(self, client: Option<&Client>, headers: &HeaderMap) -> Result<Self, RequestError> {
        client.map_or(Ok(()), |client| client.authenticate(headers, &self.client))?;
        Ok(self)
    }

    /// The token that is to be revoked, of whichever kind it is (RFC 7009 section 2.1).
    pub(crate) fn token_to_revoke(&self) -> Result<&RefreshToken, RequestError> {
        self.refresh_token.as_ref().filter(|token| !token.expose().is_empty()).ok_or(RequestError::Missing("token"))
    }

    /// The refresh token, if the request is one that may present it.
    pub(crate) fn refresh_token(&self) -> Result<&RefreshToken, RequestError> {
        match self.grant_type.as_deref() {
            None | Some("") => Err(RequestError::Missing("grant_type")),
            Some("refresh_token") => self
                .refresh_token
                .as_ref()
                .filter(|token| !token.expose().is_empty())
                .ok_or(RequestError::Missing("refresh_token")),
            Some(_) => Err(RequestError::GrantType),
        }
    }

    /// The code, if the request is one that presents one; what is missing of it is empty.
    pub(crate) fn code(&self) -> Option<Code<'_>> {
        match self.grant_type.as_deref() {
            Some("authorization_code") => Some(Code::Authorization {
                code: self.code.as_ref().map_or("", |secret| secret.expose_secret()),
                redirect_uri: self.redirect_uri.as_deref().unwrap_or_default(),
                verifier: self.code_verifier.as_ref().map_or("", |secret| secret.expose_secret()),
                client_id: self.client.client_id.as_deref(),
            }),
            Some(DEVICE_CODE) => {
                Some(Code::Device(self.device_code.as_ref().map_or("", |secret| secret.expose_secret())))
            }
            Some(_) | None => None,
        }
    }

    /// The presented token, whatever else is wrong with the request.
    pub(crate) fn presented(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    /// The grant type if it is one; anything else might be a token in the wrong place.
    pub(crate) fn grant_type(&self) -> Option<&'static str> {
        let known = ["refresh_token", "authorization_code", DEVICE_CODE, "client_credentials", "password"];
        let grant_type = self.grant_type.as_deref()?;
        Some(known.into_iter().find(|known| *known == grant_type).unwrap_or("other"))
    }

    fn from_json(body: &[u8]) -> Result<Self, RequestError> {
        // serde would take an array for a struct as well.
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(RequestError::Json);
        }
        let body: JsonBody = serde_json::from_slice(body).map_err(|_| RequestError::Json)?;
        let client = InBody { client_id: body.client_id, client_secret: body.client_secret.map(Into::into) };
        let refresh_token = body.refresh_token.map(RefreshToken::new);
        Ok(Self { grant_type: body.grant_type, refresh_token, client, ..Self::default() })
    }

    fn from_form(body: &[u8], dialect: Dialect) -> Result<Self, RequestError> {
        let mut request = Self::default();
        let token = if dialect == Dialect::Revocation { "token" } else { "refresh_token" };
        for (name, value) in form_urlencoded::parse(body) {
            match name.as_ref() {
                "grant_type" => once(&mut request.grant_type, value.into_owned(), "grant_type")?,
                "code" => once(&mut request.code, value.into_owned().into(), "code")?,
                "redirect_uri" => once(&mut request.redirect_uri, value.into_owned(), "redirect_uri")?,
                "code_verifier" => once(&mut request.code_verifier, value.into_owned().into(), "code_verifier")?,
                "device_code" => once(&mut request.device_code, value.into_owned().into(), "device_code")?,
                "client_id" => once(&mut request.client.client_id, value.into_owned(), "client_id")?,
                "client_secret" => {
                    once(&mut request.client.client_secret, value.into_owned().into(), "client_secret")?;
                }
                name if name == token => {
                    once(&mut request.refresh_token, RefreshToken::new(value.into_owned()), token)?;
                }
                _ => {}
            }
        }
        Ok(request)
    }
}

/// Parameters must not be given twice (RFC 6749 section 3.2).
fn once<T>(parameter: &mut Option<T>, value: T, name: &'static str) -> Result<(), RequestError> {
    match parameter.replace(value) {
        None => Ok(()),
        Some(_) => Err(RequestError::Repeated(name)),
    }
}

/// `application/json; charset=utf-8` → `application/json`.
fn media_type(headers: &HeaderMap) -> String {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

    use axum::http::HeaderValue;

    use super::*;

    const JSON: &str = "application/json";
    const FORM: &str = "application/x-www-form-urlencoded";

    fn read(
        dialect: Dialect,
        encoding: Encoding,
        content_type: &'static str,
        body: &str,
    ) -> Result<String, RequestError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(MERCHANT_HEADER, HeaderValue::from_static("m-1"));
        TokenRequest::read(dialect, encoding, &Method::POST, &headers, Some(body.as_bytes()), true)
            .and_then(|request| Ok(request.refresh_token()?.expose().to_owned()))
    }

    fn json(body: &str) -> Result<String, RequestError> {
        read(Dialect::Reference, Encoding::Json, JSON, body)
    }

    fn form(body: &str) -> Result<String, RequestError> {
        read(Dialect::OAuth, Encoding::Form, FORM, body)
    }

    #[test]
    fn the_documented_request_is_read() {
        let body = r#"{ "grant_type": "refresh_token", "refresh_token": "eyJraWQiOiJmODAyNjg0OC1mNTJkLTRmY" }"#;
        assert_eq!(json(body).unwrap(), "eyJraWQiOiJmODAyNjg0OC1mNTJkLTRmY");
        let charset = read(Dialect::Reference, Encoding::Json, "Application/JSON; charset=utf-8", body);
        assert!(charset.is_ok());
    }

    #[test]
    fn the_form_dialect_is_read() {
        assert_eq!(form("grant_type=refresh_token&refresh_token=a%2Bb+c&extra=1").unwrap(), "a+b c");
    }

    #[test]
    fn each_mistake_has_its_own_answer() {
        assert_eq!(json("{}"), Err(RequestError::Missing("grant_type")));
        assert_eq!(json(r#"{"grant_type":"refresh_token"}"#), Err(RequestError::Missing("refresh_token")));
        assert_eq!(
            json(r#"{"grant_type":"refresh_token","refresh_token":""}"#),
            Err(RequestError::Missing("refresh_token"))
        );
        assert_eq!(json(r#"{"grant_type":"password","refresh_token":"a"}"#), Err(RequestError::GrantType));
        for body in [
            "",
            "{}x",
            r#"["refresh_token","a"]"#,
            "\"a\"",
            r#"{"grant_type":1}"#,
            r#"{"grant_type":"a","grant_type":"b"}"#,
        ] {
            assert_eq!(json(body), Err(RequestError::Json), "{body}");
        }
        assert_eq!(form("grant_type=a&grant_type=b"), Err(RequestError::Repeated("grant_type")));
        assert_eq!(form("refresh_token=a&refresh_token=b"), Err(RequestError::Repeated("refresh_token")));
    }

    #[test]
    fn a_content_type_counts_only_where_it_is_taken() {
        let refused = |dialect, encoding, content_type| {
            matches!(read(dialect, encoding, content_type, ""), Err(RequestError::ContentType(_)))
        };
        assert!(refused(Dialect::Reference, Encoding::Json, FORM));
        assert!(refused(Dialect::Reference, Encoding::Form, JSON));
        assert!(refused(Dialect::OAuth, Encoding::Both, JSON));
        assert!(refused(Dialect::Reference, Encoding::Both, "text/plain"));
        assert!(!refused(Dialect::Reference, Encoding::Both, FORM));
    }

    #[test]
    fn the_older_endpoint_wants_its_merchant() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(FORM));
        let read = TokenRequest::read(Dialect::OAuth, Encoding::Form, &Method::POST, &headers, Some(b""), true);
        assert_eq!(read.map(|_| ()), Err(RequestError::Merchant));
        let read = TokenRequest::read(Dialect::OAuth, Encoding::Form, &Method::POST, &headers, Some(b""), false);
        assert!(read.is_ok(), "a standard server does not");
    }

    #[test]
    fn a_token_in_the_wrong_place_is_not_recorded() {
        let request = TokenRequest::from_form(b"grant_type=eyJraWQiOi", Dialect::OAuth).unwrap();
        assert_eq!(request.grant_type(), Some("other"));
    }
}
