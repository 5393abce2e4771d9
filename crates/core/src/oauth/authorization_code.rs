//! Signing in with a browser: an authorization code (RFC 6749 section 4.1) with PKCE (RFC 7636), brought back to this
//! machine (RFC 8252 section 7.3).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::Url;

use crate::oauth::endpoint::Endpoint;
use crate::oauth::error::shown;
use crate::oauth::issuer::Issuer;
use crate::oauth::server::Server;
use crate::oauth::token::{AuthorizationCode, AuthorizationState, CodeVerifier};
use crate::oauth::token_request::AuthorizationGrant;

/// Random bytes of the code verifier and of the state: 43 characters each (RFC 7636 section 4.1).
pub const RANDOM_BYTES: usize = 32;
/// The path that the browser comes back to. Servers compare it to the letter, and only the port is free (RFC 8252
/// section 7.3).
pub const CALLBACK_PATH: &str = "/callback";

/// One authorization request. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Authorization {
    verifier: CodeVerifier,
    state: AuthorizationState,
    redirect_uri: String,
}

/// Why a callback brings no code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackError {
    /// It does not answer this request: whoever sent it is told so, and the sign-in goes on.
    Foreign,
    /// It answers this request, and ends the sign-in.
    Refused(CallbackRefusal),
}

/// Why a sign-in ended with its callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackRefusal {
    /// The server's error (RFC 6749 section 4.1.2.1).
    Server {
        /// `error`, as far as it consists of the characters that it may have.
        error: String,
        /// `error_description`, in characters that can be shown.
        description: Option<String>,
    },
    /// The answer of another server (RFC 9207 section 2.4).
    AnotherIssuer,
    /// An answer that does not say whose it is, where the server says that all of its answers do (RFC 9207 section 2.4).
    NoIssuer,
    /// Neither an error nor a code.
    NoCode,
}

impl Authorization {
    /// A request whose answer comes to that port of this machine.
    #[must_use]
    pub fn new(verifier: [u8; RANDOM_BYTES], state: [u8; RANDOM_BYTES], port: u16) -> Self {
        Self {
            verifier: CodeVerifier::new(URL_SAFE_NO_PAD.encode(verifier)),
            state: AuthorizationState::new(URL_SAFE_NO_PAD.encode(state)),
            redirect_uri: format!("http://127.0.0.1:{port}{CALLBACK_PATH}"),
        }
    }

    /// Where the browser goes: the request of RFC 6749 section 4.1.1 with RFC 7636 section 4.3.
    #[must_use]
    pub fn url(&self, server: &Server, endpoint: &Endpoint) -> SecretString {
        let Ok(mut url) = Url::parse(endpoint.as_str()) else { return SecretString::default() };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.expose().as_bytes()));
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .extend_pairs(server.client_id.as_deref().map(|id| ("client_id", id)))
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("state", self.state.expose())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(&server.parameters);
        String::from(url).into()
    }

    /// What a callback's query brings. `issuer` is the account's, if it has one; `always_named`: its metadata says that
    /// every callback names it.
    ///
    /// # Errors
    /// [`CallbackError`].
    pub fn read_callback(
        &self,
        query: &str,
        issuer: Option<&Issuer>,
        always_named: bool,
    ) -> Result<AuthorizationCode, CallbackError> {
        let all: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let one = |wanted: &str| {
            let mut values = all.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_ref());
            // Parameters must not be given twice (RFC 6749 section 3.1).
            values.next().filter(|_| values.next().is_none())
        };
        let is_ours = one("state").is_some_and(|state| state.as_bytes().ct_eq(self.state.expose().as_bytes()).into());
        if !is_ours {
            return Err(CallbackError::Foreign);
        }
        let refused = |refusal| Err(CallbackError::Refused(refusal));
        let names_issuer = all.iter().any(|(name, _)| name == "iss");
        if let Some(issuer) = issuer.filter(|_| names_issuer)
            && one("iss") != Some(issuer.as_str())
        {
            return refused(CallbackRefusal::AnotherIssuer);
        }
        if always_named && !names_issuer {
            return refused(CallbackRefusal::NoIssuer);
        }
        if let Some(error) = one("error") {
            let error = error.chars().filter(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c)).take(64).collect();
            let secrets = [self.state.expose(), self.verifier.expose()];
            let description = one("error_description").and_then(|text| shown(text, &secrets));
            return refused(CallbackRefusal::Server { error, description });
        }
        match one("code").filter(|code| !code.is_empty()) {
            Some(code) => Ok(AuthorizationCode::new(code.to_owned())),
            None => refused(CallbackRefusal::NoCode),
        }
    }

    /// What the code is exchanged with.
    #[must_use]
    pub fn grant<'a>(&'a self, code: &'a AuthorizationCode) -> AuthorizationGrant<'a> {
        AuthorizationGrant::Code { code, redirect_uri: &self.redirect_uri, verifier: &self.verifier }
    }
}

impl CallbackRefusal {
    /// The start of a sentence about it.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Server { error, description } => {
                let meaning = match error.as_str() {
                    "access_denied" => "the sign-in was refused at the server",
                    "temporarily_unavailable" | "server_error" => "the server failed",
                    "interaction_required" | "login_required" | "consent_required" | "account_selection_required" => {
                        "the server did not ask you to sign in"
                    }
                    "invalid_scope" => "the server does not grant the parameter scope",
                    "unauthorized_client" | "unsupported_response_type" => {
                        "the server does not let this client sign in with the browser"
                    }
                    _ => "the server refused the sign-in",
                };
                let description = description.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
                format!("{meaning} ({error}{description})")
            }
            Self::AnotherIssuer => "the answer came from another server than the account's issuer".to_owned(),
            Self::NoIssuer => {
                "the answer does not name the account's issuer, although the server says that it always does".to_owned()
            }
            Self::NoCode => "the server's answer has no code in it".to_owned(),
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Server { error, .. } => match error.as_str() {
                "invalid_scope" => "Sign in again with another --parameter scope=…, or without it.",
                "unauthorized_client" | "unsupported_response_type" => {
                    "Sign in another way, such as --device, or have the browser allowed for this client at the server."
                }
                "invalid_request" | "invalid_client" | "invalid_target" => {
                    "Check --client-id and --parameter with the server's documentation, then sign in again."
                }
                "interaction_required" | "login_required" | "consent_required" | "account_selection_required" => {
                    "Sign in again with --parameter prompt=consent, or without --parameter prompt=none."
                }
                "temporarily_unavailable" | "server_error" => "Try again later.",
                _ => "Sign in again.",
            },
            Self::AnotherIssuer | Self::NoIssuer => "Check the account's issuer, then sign in again.",
            Self::NoCode => "Sign in again.",
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::api::problem::ProblemKind;

    const STATE: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI";

    fn authorization() -> Authorization {
        Authorization::new([1; RANDOM_BYTES], [2; RANDOM_BYTES], 4711)
    }

    fn issuer() -> Issuer {
        "https://i.example".parse().unwrap()
    }

    fn read(query: &str) -> Result<String, CallbackError> {
        let code = authorization().read_callback(query, Some(&issuer()), false)?;
        Ok(code.expose().to_owned())
    }

    #[test]
    fn the_challenge_is_the_one_of_the_standard() {
        // RFC 7636 appendix B.
        let mut authorization = authorization();
        authorization.verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned());
        let endpoint: Endpoint = "https://i.example/authorize?tenant=1".parse().unwrap();
        let mut server = Server::at("https://i.example/token".parse().unwrap());
        server.client_id = Some("me & you".to_owned());
        server.parameters = [("scope".to_owned(), "a b".to_owned())].into();
        assert_eq!(
            authorization.url(&server, &endpoint).expose_secret(),
            &format!(
                "https://i.example/authorize?tenant=1&response_type=code&client_id=me+%26+you\
                 &redirect_uri=http%3A%2F%2F127.0.0.1%3A4711%2Fcallback&state={STATE}\
                 &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&scope=a+b"
            )
        );
    }

    #[test]
    fn only_the_answer_to_this_request_brings_a_code() {
        assert_eq!(read(&format!("code=c%2B1&state={STATE}")).unwrap(), "c+1");
        assert_eq!(read(&format!("code=c&state={STATE}&iss=https%3A%2F%2Fi.example")).unwrap(), "c");
        for foreign in [
            "".to_owned(),
            "code=c".to_owned(),
            "code=c&state=".to_owned(),
            "code=c&state=x".to_owned(),
            format!("code=c&state={}", &STATE[1..]),
            format!("code=c&state={STATE}x"),
            format!("code=c&state={STATE}&state={STATE}"),
            "error=access_denied&state=x".to_owned(),
        ] {
            assert_eq!(read(&foreign), Err(CallbackError::Foreign), "{foreign}");
        }
        for iss in ["https%3A%2F%2Fevil.example", "", "https%3A%2F%2Fi.example&iss=https%3A%2F%2Fi.example"] {
            let refused = read(&format!("code=c&state={STATE}&iss={iss}"));
            assert_eq!(refused, Err(CallbackError::Refused(CallbackRefusal::AnotherIssuer)), "{iss}");
        }
        for none in ["", "code=", "code=a&code=b"] {
            let refused = read(&format!("{none}&state={STATE}"));
            assert_eq!(refused, Err(CallbackError::Refused(CallbackRefusal::NoCode)), "{none}");
        }
    }

    #[test]
    fn an_answer_without_its_issuer_is_refused_where_the_server_names_it_always() {
        let read =
            |query: &str| authorization().read_callback(query, Some(&issuer()), true).map(|code| code.expose().len());
        for without in ["code=c", "error=access_denied"] {
            let refused = read(&format!("{without}&state={STATE}"));
            assert_eq!(refused, Err(CallbackError::Refused(CallbackRefusal::NoIssuer)), "{without}");
        }
        assert_eq!(read(&format!("code=c&state={STATE}&iss=https%3A%2F%2Fi.example")), Ok(1));
        assert_eq!(read("code=c&state=x"), Err(CallbackError::Foreign));
    }

    #[test]
    fn the_advice_fits_the_reason() {
        for (error, advice) in [
            ("access_denied", "Sign in again."),
            ("invalid_scope", "scope="),
            ("unauthorized_client", "--device"),
            ("invalid_request", "--client-id"),
            ("login_required", "prompt"),
            ("server_error", "later"),
        ] {
            let refusal = CallbackRefusal::Server { error: error.to_owned(), description: None };
            assert!(refusal.advice().contains(advice), "{error}: {}", refusal.advice());
        }
    }

    #[test]
    fn the_servers_error_is_told_without_what_could_command_a_terminal_or_a_page() {
        let query = format!("error=access_denied%1b%3Cb%3E&error_description=no%1b[2J%0A&state={STATE}&code=c");
        let Err(CallbackError::Refused(refusal)) = read(&query) else { panic!("it brought a code") };
        assert_eq!(refusal.in_words(), "the server refused the sign-in (access_deniedb: no[2J)");
        let denied = CallbackRefusal::Server { error: "access_denied".to_owned(), description: None };
        assert_eq!(denied.problem_kind(), ProblemKind::LoginRefused);
        assert_eq!(denied.in_words(), "the sign-in was refused at the server (access_denied)");
    }

    #[test]
    fn debug_output_shows_no_secret() {
        assert!(
            !format!("{:?}", authorization()).contains("AgIC") && !format!("{:?}", authorization()).contains("AQEB")
        );
    }

    proptest! {
        #[test]
        fn no_query_makes_the_reader_panic_or_brings_a_code_without_the_state(query in "[ -~]{0,80}") {
            prop_assert_eq!(read(&query), Err(CallbackError::Foreign));
            let _ = read(&format!("state={STATE}&{query}"));
        }
    }
}
