//! Revoking tokens that nobody is to have any more (RFC 7009): the request, and what its answer means.

use serde::{Deserialize, Serialize};

use crate::oauth::client_authentication::{ClientSecret, credentials};
use crate::oauth::endpoint::Endpoint;
use crate::oauth::failure::{ErrorCode, OAuthError};
use crate::oauth::fields::Fields;
use crate::oauth::origin::{Bound, ForeignServer};
use crate::oauth::server::{Encoding, Server};
use crate::oauth::token::{AccessToken, RefreshToken};
use crate::oauth::token_request::{Field, TokenRequest};
use crate::oauth::token_response::{Answer, is_web_page, speaks, unexpected};

/// Whether the server confirmed that the login is over there too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Revocation {
    /// Did it?
    pub confirmed: bool,
    /// Why not, as the start of a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Revocation {
    /// The server's word, or why there is none.
    #[must_use]
    pub fn of(outcome: Result<(), String>) -> Self {
        Self { confirmed: outcome.is_ok(), reason: outcome.err() }
    }

    /// There was something to revoke, and nowhere to do it.
    #[must_use]
    pub fn not_asked() -> Self {
        let reason = "it was not asked, because the account has no revocation endpoint; the access token may work until it \
                      expires";
        Self { confirmed: false, reason: Some(reason.to_owned()) }
    }

    /// A sentence for the person who logged out.
    #[must_use]
    pub fn in_words(&self) -> String {
        match &self.reason {
            None => "The server has revoked the login too.".to_owned(),
            Some(reason) => {
                format!("The login is forgotten here; the server did not confirm the revocation: {reason}.")
            }
        }
    }
}

/// What is revoked. A server ends the access tokens with their refresh token (section 2.1).
#[derive(Debug, Clone, Copy)]
pub enum Revoked<'a> {
    /// A login.
    RefreshToken(&'a Bound<RefreshToken>),
    /// What came without one.
    AccessToken(&'a Bound<AccessToken>),
}

impl Revoked<'_> {
    fn fields(&self, endpoint: &Endpoint) -> Result<[Field<'_>; 2], ForeignServer> {
        let (token, hint) = match self {
            Self::RefreshToken(token) => (token.for_request(endpoint)?.expose(), "refresh_token"),
            Self::AccessToken(token) => (token.for_request(endpoint)?.expose(), "access_token"),
        };
        Ok([("token", token), ("token_type_hint", hint)])
    }
}

/// The request that revokes a token: always a form, whatever the token endpoint takes (section 2.1).
///
/// # Errors
/// [`ForeignServer`] when a secret belongs to another server.
pub fn revocation_request(
    server: &Server,
    endpoint: &Endpoint,
    revoked: Revoked<'_>,
    client_secret: Option<&Bound<ClientSecret>>,
) -> Result<TokenRequest, ForeignServer> {
    let client = credentials(server.token_endpoint_auth_method, server.client_id.as_deref(), endpoint, client_secret)?;
    let fields = revoked.fields(endpoint)?.into_iter().chain(client.fields());
    Ok(TokenRequest::new(server, endpoint, Encoding::Form, client.authorization, fields).hiding(client_secret))
}

/// Reads an answer: a 200 confirms, also of a token that the server does not know (section 2.2), unless it holds an error
/// or a page.
///
/// # Errors
/// Why it is no confirmation, as the start of a sentence.
pub fn read(answer: Answer<'_>) -> Result<(), String> {
    let Answer { http_status, .. } = answer;
    let fields = Fields::read(answer.body);
    let error = OAuthError::read(&fields, answer.secrets).filter(|_| speaks(http_status));
    match (http_status, error) {
        (_, Some(error)) if error.code == ErrorCode::UnauthorizedClient => {
            Err(error.as_cause_of("the endpoint does not let this client id revoke tokens"))
        }
        (_, Some(error)) => Err(error.in_words()),
        (200, None) if fields.error().is_none() && !is_web_page(answer.body) => Ok(()),
        (503, None) => Err("the endpoint asks to try again later (HTTP 503)".to_owned()),
        (500..=599, None) => Err(format!("the endpoint failed (HTTP {http_status})")),
        (_, None) => Err(unexpected(answer, None).in_words()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use secrecy::ExposeSecret;

    use super::*;
    use crate::oauth::client_authentication::AuthMethod;
    use crate::oauth::token_request::FORM;

    #[test]
    fn a_token_is_revoked_by_a_form_and_the_same_client() {
        let mut server = Server::at("https://a.example/token".parse().unwrap());
        server.encoding = Encoding::Json;
        server.client_id = Some("me".to_owned());
        server.parameters = [("audience".to_owned(), "x".to_owned())].into();
        server.token_endpoint_auth_method = AuthMethod::ClientSecretPost;
        let endpoint = "https://a.example/revoke".parse().unwrap();
        let secret = Bound::new(ClientSecret::read("s").unwrap(), server.origins());
        let token = Bound::new(RefreshToken::new("a+b".to_owned()), server.origins());
        let request = revocation_request(&server, &endpoint, Revoked::RefreshToken(&token), Some(&secret)).unwrap();
        let elsewhere = "https://b.example/revoke".parse().unwrap();
        let token = Revoked::RefreshToken(&token);
        assert!(revocation_request(&server, &elsewhere, token, Some(&secret)).is_err(), "p9");
        let access_token = Bound::new(AccessToken::new("c".to_owned()), server.origins());
        let access_token = Revoked::AccessToken(&access_token);
        assert!(revocation_request(&server, &elsewhere, access_token, None).is_err(), "p9");
        let of_access_token = revocation_request(&server, &endpoint, access_token, None).unwrap();
        assert!(of_access_token.body.expose_secret().starts_with("token=c&token_type_hint=access_token&"));
        assert_eq!((request.endpoint.as_str(), request.content_type), ("https://a.example/revoke", FORM));
        let body = "token=a%2Bb&token_type_hint=refresh_token&client_id=me&client_secret=s";
        assert_eq!(request.body.expose_secret(), body);
    }

    #[test]
    fn only_a_200_confirms() {
        let read = |http_status, body: &str| {
            super::read(Answer { http_status, retry_after: None, body: body.as_bytes(), broken: None, secrets: &[] })
        };
        assert_eq!(read(200, "anything"), Ok(()));
        assert_eq!(read(200, "{}"), Ok(()));
        for (status, body, reason) in [
            (204, "", "something unexpected (HTTP 204)"),
            (302, "", "something unexpected (HTTP 302)"),
            (400, r#"{"error":"unsupported_token_type"}"#, "something unexpected (HTTP 400)"),
            (401, r#"{"error":"invalid_client"}"#, "the client id or the client secret (invalid_client)"),
            (500, "", "failed (HTTP 500)"),
            (503, "", "try again later"),
            (200, r#"{"error":"unsupported_token_type"}"#, "something unexpected (HTTP 200)"),
            (200, "error=invalid_client&error_description=no", "(invalid_client: no)"),
            (403, r#"{"error":"unauthorized_client"}"#, "revoke tokens (unauthorized_client)"),
            (200, "<!DOCTYPE html><html>", "a web page came instead"),
            (403, "<html>", "a web page came instead"),
            (407, "<html>", "a proxy before the endpoint"),
        ] {
            let said = read(status, body).unwrap_err();
            assert!(said.contains(reason), "{status}: {said}");
        }
    }

    #[test]
    fn the_person_is_told_the_truth() {
        assert_eq!(Revocation::of(Ok(())).in_words(), "The server has revoked the login too.");
        let failed = Revocation::of(Err("no connection".to_owned()));
        assert!(failed.in_words().ends_with("did not confirm the revocation: no connection."));
        assert!(!failed.confirmed);
    }
}
