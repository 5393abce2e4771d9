//! The token request (RFC 6749 section 6), in the dialect of an account.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::{Serialize, Serializer};

use crate::oauth::client_authentication::{ClientSecret, credentials};
use crate::oauth::endpoint::Endpoint;
use crate::oauth::origin::{Bound, ForeignServer};
use crate::oauth::server::{Encoding, Server};
use crate::oauth::token::{AuthorizationCode, CodeVerifier, DeviceCode, RefreshToken};

/// A request, ready to be sent. Its `Debug` shows no token.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// Where to POST it.
    pub endpoint: Endpoint,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// Extra headers.
    pub headers: BTreeMap<String, String>,
    /// The `Authorization` header, if the client authenticates with one.
    pub authorization: Option<SecretString>,
    /// The body with the refresh token in it.
    pub body: SecretString,
    /// What was put into it: a server that repeats them in an error is not repeated.
    pub secrets: Vec<SecretString>,
}

/// What a token request presents: its authorization grant (RFC 6749 section 1.3).
#[derive(Debug, Clone, Copy)]
pub enum AuthorizationGrant<'a> {
    /// A refresh token (RFC 6749 section 6).
    RefreshToken(&'a Bound<RefreshToken>),
    /// The code of a sign-in with a browser (RFC 6749 section 4.1.3).
    Code {
        /// The code.
        code: &'a AuthorizationCode,
        /// Where it was sent, as in the authorization request.
        redirect_uri: &'a str,
        /// PKCE (RFC 7636 section 4.5).
        verifier: &'a CodeVerifier,
    },
    /// The code that a device polls with (RFC 8628 section 3.4).
    DeviceCode(&'a DeviceCode),
}

/// Name and value in a request's body.
pub(crate) type Field<'a> = (&'a str, &'a str);

/// The request that presents a grant at a server's token endpoint. `client_secret` is sent if the client authenticates
/// with one.
///
/// # Errors
/// [`ForeignServer`] when a secret belongs to another server.
pub fn token_request(
    server: &Server,
    grant: AuthorizationGrant<'_>,
    client_secret: Option<&Bound<ClientSecret>>,
) -> Result<TokenRequest, ForeignServer> {
    let client =
        credentials(server.token_endpoint_auth_method, server.client_id.as_deref(), &server.endpoint, client_secret)?;
    let fields = grant.fields(&server.endpoint)?.into_iter().chain(client.fields()).chain(parameters(server));
    Ok(TokenRequest::new(server, &server.endpoint, server.encoding, client.authorization, fields).hiding(client_secret))
}

/// The account's own parameters, as fields.
pub(crate) fn parameters(server: &Server) -> impl Iterator<Item = Field<'_>> {
    server.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

impl TokenRequest {
    /// The client secret is a secret of this request, however it travels.
    pub(crate) fn hiding(mut self, client_secret: Option<&Bound<ClientSecret>>) -> Self {
        self.secrets.extend(client_secret.map(|secret| SecretString::from(secret.for_entry().expose())));
        self
    }

    /// A request to one of a server's endpoints.
    pub(crate) fn new<'a>(
        server: &Server,
        endpoint: &Endpoint,
        encoding: Encoding,
        authorization: Option<SecretString>,
        fields: impl IntoIterator<Item = Field<'a>>,
    ) -> Self {
        let body = Body(fields.into_iter().collect());
        let is_secret = |name: &str| SECRET_FIELDS.contains(&name);
        let secrets = body.0.iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| SecretString::from(*value));
        let secrets = secrets.collect();
        let (content_type, body) = match encoding {
            Encoding::Json => ("application/json", serde_json::to_string(&body).unwrap_or_default()),
            Encoding::Form => (FORM, body.as_form()),
        };
        Self {
            endpoint: endpoint.clone(),
            content_type,
            headers: server.headers.clone(),
            authorization,
            body: body.into(),
            secrets,
        }
    }
}

/// The fields that hold secrets.
const SECRET_FIELDS: [&str; 5] = ["refresh_token", "token", "code", "code_verifier", "device_code"];

/// The `Content-Type` of a form.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

impl<'a> AuthorizationGrant<'a> {
    fn fields(self, endpoint: &Endpoint) -> Result<Vec<Field<'a>>, ForeignServer> {
        Ok(match self {
            Self::RefreshToken(token) => {
                vec![("grant_type", "refresh_token"), ("refresh_token", token.for_request(endpoint)?.expose())]
            }
            Self::Code { code, redirect_uri, verifier } => vec![
                ("grant_type", "authorization_code"),
                ("code", code.expose()),
                ("redirect_uri", redirect_uri),
                ("code_verifier", verifier.expose()),
            ],
            Self::DeviceCode(code) => {
                vec![("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code.expose())]
            }
        })
    }
}

/// The fields of a request's body, in the order in which they are sent.
struct Body<'a>(Vec<Field<'a>>);

impl Body<'_> {
    fn as_form(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use secrecy::ExposeSecret;

    use super::*;
    use crate::oauth::client_authentication::AuthMethod;

    fn server(encoding: Encoding) -> Server {
        let endpoint = "https://api.vault.ist/v2.0/reference/gettoken".parse().unwrap();
        Server { encoding, ..Server::at(endpoint) }
    }

    fn bound(token: &str) -> Bound<RefreshToken> {
        Bound::new(RefreshToken::new(token.to_owned()), server(Encoding::Json).origins())
    }

    /// `Authorization` and body of a request of the client `me` with the secret `s:1`.
    fn authenticated(encoding: Encoding, method: AuthMethod) -> (Option<String>, String) {
        let mut server = server(encoding);
        server.client_id = Some("me".to_owned());
        server.token_endpoint_auth_method = method;
        server.parameters = [("audience".to_owned(), "https://api.example/".to_owned())].into();
        let secret = Bound::new(ClientSecret::read("s:1").unwrap(), server.origins());
        let token = bound("r");
        let request = token_request(&server, AuthorizationGrant::RefreshToken(&token), Some(&secret)).unwrap();
        assert!(!format!("{request:?}").contains("s:1"), "{request:?}");
        let authorization = request.authorization.map(|header| header.expose_secret().to_owned());
        (authorization, request.body.expose_secret().to_owned())
    }

    #[test]
    fn a_client_authenticates_in_exactly_one_way() {
        let audience = "audience=https%3A%2F%2Fapi.example%2F";
        let basic = Some("Basic bWU6cyUzQTE=".to_owned());
        assert_eq!(
            authenticated(Encoding::Form, AuthMethod::ClientSecretBasic),
            (basic.clone(), format!("grant_type=refresh_token&refresh_token=r&{audience}"))
        );
        assert_eq!(
            authenticated(Encoding::Form, AuthMethod::ClientSecretPost),
            (None, format!("grant_type=refresh_token&refresh_token=r&client_id=me&client_secret=s%3A1&{audience}"))
        );
        assert_eq!(
            authenticated(Encoding::Form, AuthMethod::None),
            (None, format!("grant_type=refresh_token&refresh_token=r&client_id=me&{audience}"))
        );
        let json = r#"{"grant_type":"refresh_token","refresh_token":"r","audience":"https://api.example/"}"#;
        assert_eq!(authenticated(Encoding::Json, AuthMethod::ClientSecretBasic), (basic, json.to_owned()));
        let (none, body) = authenticated(Encoding::Json, AuthMethod::ClientSecretPost);
        assert!(none.is_none() && body.contains(r#""client_id":"me","client_secret":"s:1","audience""#), "{body}");
    }

    #[test]
    fn the_documented_request_goes_out_to_the_letter() {
        let token = bound("eyJraWQiOiJmODAyNjg0OC1mNTJkLTRmY");
        let request = token_request(&server(Encoding::Json), AuthorizationGrant::RefreshToken(&token), None).unwrap();
        assert_eq!(request.endpoint.as_str(), "https://api.vault.ist/v2.0/reference/gettoken");
        assert_eq!(request.content_type, "application/json");
        assert_eq!(
            request.body.expose_secret(),
            r#"{"grant_type":"refresh_token","refresh_token":"eyJraWQiOiJmODAyNjg0OC1mNTJkLTRmY"}"#
        );
        assert!(!format!("{request:?}").contains("eyJ"));
    }

    #[test]
    fn a_form_escapes_what_a_token_may_contain() {
        let mut server = server(Encoding::Form);
        server.client_id = Some("me".to_owned());
        let token = bound("a+b/c=&d");
        let request = token_request(&server, AuthorizationGrant::RefreshToken(&token), None).unwrap();
        assert_eq!(
            request.body.expose_secret(),
            "grant_type=refresh_token&refresh_token=a%2Bb%2Fc%3D%26d&client_id=me"
        );
    }

    #[test]
    fn a_code_goes_out_with_what_proves_that_it_was_asked_for() {
        let mut server = server(Encoding::Form);
        server.client_id = Some("me".to_owned());
        let (code, verifier) = (AuthorizationCode::new("c&d".to_owned()), CodeVerifier::new("v".to_owned()));
        let redirect_uri = "http://127.0.0.1:9/callback";
        let grant = AuthorizationGrant::Code { code: &code, redirect_uri, verifier: &verifier };
        assert_eq!(
            token_request(&server, grant, None).unwrap().body.expose_secret(),
            "grant_type=authorization_code&code=c%26d&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback\
             &code_verifier=v&client_id=me"
        );
        let device = DeviceCode::new("d".to_owned());
        assert_eq!(
            token_request(&server, AuthorizationGrant::DeviceCode(&device), None).unwrap().body.expose_secret(),
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=d&client_id=me"
        );
    }

    #[test]
    fn p9_no_request_carries_a_secret_to_another_server() {
        let mut elsewhere = Server::at("https://other.example/token".parse().unwrap());
        elsewhere.client_id = Some("me".to_owned());
        for method in [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost] {
            elsewhere.token_endpoint_auth_method = method;
            let secret = Bound::new(ClientSecret::read("s").unwrap(), server(Encoding::Json).origins());
            let code = DeviceCode::new("d".to_owned());
            assert!(token_request(&elsewhere, AuthorizationGrant::DeviceCode(&code), Some(&secret)).is_err());
        }
        assert!(token_request(&elsewhere, AuthorizationGrant::RefreshToken(&bound("r")), None).is_err());
    }
}
