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
use crate::oauth::id_token::IdToken;
use crate::oauth::issuer::Issuer;
use crate::oauth::server::Server;
use crate::oauth::token::{AuthorizationCode, AuthorizationState, CodeVerifier};
use crate::oauth::token_request::AuthorizationGrant;

/// Random bytes of the code verifier and of the state: 43 characters each (RFC 7636 section 4.1).
pub const RANDOM_BYTES: usize = 32;

/// One authorization request. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Authorization {
    verifier: CodeVerifier,
    state: AuthorizationState,
    /// Ties an ID token to the request (OpenID Connect Core section 3.1.2.1).
    nonce: String,
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
    /// The tokens of another sign-in (OpenID Connect Core section 3.1.3.7).
    AnotherSignIn,
}

impl Authorization {
    /// A request whose answer comes to this address of this machine.
    #[must_use]
    pub fn new(
        verifier: [u8; RANDOM_BYTES],
        state: [u8; RANDOM_BYTES],
        nonce: [u8; RANDOM_BYTES],
        redirect_uri: String,
    ) -> Self {
        Self {
            verifier: CodeVerifier::new(URL_SAFE_NO_PAD.encode(verifier)),
            state: AuthorizationState::new(URL_SAFE_NO_PAD.encode(state)),
            nonce: URL_SAFE_NO_PAD.encode(nonce),
            redirect_uri,
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
            .extend_pairs(wants_id_token(server).then_some(("nonce", &self.nonce)))
            // Somebody else's nonce would be the same in every request.
            .extend_pairs(server.sign_in_parameters().filter(|(name, _)| *name != "nonce" || !wants_id_token(server)));
        String::from(url).into()
    }

    /// Where the browser comes back to.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// What the address brings that a browser on another machine was sent to; see [`Self::read_callback`].
    ///
    /// # Errors
    /// [`CallbackError`].
    pub fn read_pasted(
        &self,
        address: &str,
        issuer: Option<&Issuer>,
        always_named: bool,
    ) -> Result<AuthorizationCode, CallbackError> {
        // A browser writes a path where there is none, and servers a fragment where nobody asked for one.
        let rest = address.trim().strip_prefix(&self.redirect_uri).ok_or(CallbackError::Foreign)?;
        let query = rest.strip_prefix('/').unwrap_or(rest).strip_prefix('?').ok_or(CallbackError::Foreign)?;
        self.read_callback(query.split('#').next().unwrap_or_default(), issuer, always_named)
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

    /// Do the tokens belong to this request? A server that grants less than `openid` sends no ID token.
    ///
    /// # Errors
    /// [`CallbackRefusal::AnotherSignIn`].
    pub fn check(&self, server: &Server, id_token: Option<&IdToken>) -> Result<(), CallbackRefusal> {
        match id_token {
            Some(IdToken { nonce, .. }) if wants_id_token(server) && nonce.as_ref() != Some(&self.nonce) => {
                Err(CallbackRefusal::AnotherSignIn)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// What the code is exchanged with.
    #[must_use]
    pub fn grant<'a>(&'a self, code: &'a AuthorizationCode) -> AuthorizationGrant<'a> {
        AuthorizationGrant::Code { code, redirect_uri: &self.redirect_uri, verifier: &self.verifier }
    }
}

/// Is it asked who signs in (OpenID Connect Core section 3.1.2.1)?
fn wants_id_token(server: &Server) -> bool {
    server.asked_scope().any(|scope| scope == "openid")
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
            Self::AnotherSignIn => {
                "the server's ID token does not belong to this sign-in (its nonce is another)".to_owned()
            }
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Server { error, .. } => match error.as_str() {
                "invalid_scope" => "Sign in again with another --parameter scope=…, or without it.",
                "unauthorized_client" | "unsupported_response_type" => {
                    "Sign in another way, such as --device, or ask for browser sign-in to be allowed for this client."
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
            Self::NoCode | Self::AnotherSignIn => "Sign in again.",
        }
    }
}

#[cfg(test)]
mod tests;
