//! Signing in with a browser: requests that wait for a person, and codes (RFC 6749 section 4.1, RFC 7636).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::fingerprint::Fingerprint;
use crate::token::Seed;

/// How long a code lives: "A maximum authorization code lifetime of 10 minutes is RECOMMENDED"; a browser needs none.
const LIFETIME: SignedDuration = SignedDuration::from_secs(60);
/// The registered redirect URI: this path on loopback, with any port (RFC 8252 section 7.3).
const CALLBACK: &str = "/callback";
/// Of a challenge: a SHA-256 in Base64 (RFC 7636 section 4.2).
const CHALLENGE_LENGTH: usize = 43;

/// What is said to a browser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Decision {
    /// A page asks the person.
    #[default]
    Ask,
    Approve,
    Deny,
}

/// Who signs in, and what it is answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Consent {
    pub(crate) decision: Decision,
    pub(crate) user_id: Option<String>,
    /// What the answer calls its issuer (RFC 9207); empty: it does not name it.
    pub(crate) issuer: String,
}

/// The parameters of an authorization request. Its `Debug` may be shown: none of them is a token.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuthorizationRequest {
    pub(crate) response_type: String,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) code_challenge: String,
    pub(crate) code_challenge_method: String,
}

#[derive(Debug)]
struct Code {
    request: AuthorizationRequest,
    user_id: Option<String>,
    expires_at: Timestamp,
    is_used: bool,
    login: Option<Fingerprint>,
}

/// All of them; codes by fingerprint.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    waiting: BTreeMap<String, AuthorizationRequest>,
    codes: BTreeMap<Fingerprint, Code>,
}

impl AuthorizationRequest {
    /// `None`: a parameter is given twice.
    pub(crate) fn read(query: &str) -> Option<Self> {
        let mut given = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if given.insert(name.into_owned(), value.into_owned()).is_some() {
                return None;
            }
        }
        let mut take = |name: &str| given.remove(name).unwrap_or_default();
        Some(Self {
            response_type: take("response_type"),
            client_id: take("client_id"),
            redirect_uri: take("redirect_uri"),
            code_challenge: take("code_challenge"),
            code_challenge_method: take("code_challenge_method"),
            state: given.remove("state"),
        })
    }

    /// May a browser be sent there? If not, it is told so here (RFC 6749 section 4.1.2.1).
    pub(crate) fn is_for(&self, client_id: Option<&str>) -> bool {
        !self.client_id.is_empty()
            && client_id.is_none_or(|known| known == self.client_id)
            && is_loopback_callback(&self.redirect_uri)
    }

    /// The error that is sent back, if there is one.
    pub(crate) fn error(&self) -> Option<&'static str> {
        if self.response_type != "code" {
            Some("unsupported_response_type")
        } else if self.code_challenge_method != "S256" || self.code_challenge.len() != CHALLENGE_LENGTH {
            Some("invalid_request")
        } else {
            None
        }
    }

    /// Back to the client, with these parameters.
    pub(crate) fn answer(&self, parameters: &[(&str, &str)], issuer: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        query.extend_pairs(self.state.as_deref().map(|state| ("state", state)));
        if !issuer.is_empty() {
            query.append_pair("iss", issuer);
        }
        format!("{}?{}", self.redirect_uri, query.finish())
    }
}

fn is_loopback_callback(uri: &str) -> bool {
    let rest = uri.strip_prefix("http://127.0.0.1:").or_else(|| uri.strip_prefix("http://[::1]:"));
    let port = rest.and_then(|rest| rest.strip_suffix(CALLBACK));
    port.is_some_and(|port| port.parse::<u16>().is_ok_and(|number| number.to_string() == port))
}

impl Codes {
    /// A request waits for a person; its number is what the page sends back.
    pub(crate) fn wait(&mut self, request: AuthorizationRequest, seed: &Seed) -> String {
        let id = seed.hex("request", 32);
        self.waiting.insert(id.clone(), request);
        id
    }

    /// A person has answered.
    pub(crate) fn take(&mut self, id: &str) -> Option<AuthorizationRequest> {
        self.waiting.remove(id)
    }

    pub(crate) fn issue(
        &mut self,
        request: AuthorizationRequest,
        user_id: Option<String>,
        seed: &Seed,
        now: Timestamp,
    ) -> String {
        let code = seed.hex("code", 64);
        let expires_at = now.saturating_add(LIFETIME).unwrap_or(now);
        self.codes.insert(Fingerprint::of(&code), Code { request, user_id, expires_at, is_used: false, login: None });
        code
    }

    /// Whose login the code brings; an error holds the login that the same code brought before.
    pub(crate) fn redeem(
        &mut self,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
        client_id: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<String>, Option<Fingerprint>> {
        let code = self.codes.get_mut(&Fingerprint::of(code)).ok_or(None)?;
        if code.is_used {
            return Err(code.login);
        }
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let request = &code.request;
        let is_right = challenge == request.code_challenge
            && redirect_uri == request.redirect_uri
            && client_id.is_none_or(|client_id| client_id == request.client_id)
            && now < code.expires_at;
        // One try: who has the code and not the verifier has stolen it.
        code.is_used = true;
        if is_right { Ok(code.user_id.clone()) } else { Err(None) }
    }

    pub(crate) fn led_to(&mut self, code: &str, login: Fingerprint) {
        if let Some(code) = self.codes.get_mut(&Fingerprint::of(code)) {
            code.login = Some(login);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

    use super::*;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const QUERY: &str = "response_type=code&client_id=me&redirect_uri=http%3A%2F%2F127.0.0.1%3A4711%2Fcallback&state=s\
        &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    const URI: &str = "http://127.0.0.1:4711/callback";
    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn issued() -> (Codes, String) {
        let mut codes = Codes::default();
        let request = AuthorizationRequest::read(QUERY).unwrap();
        assert_eq!((request.is_for(Some("me")), request.error()), (true, None));
        let code = codes.issue(request, Some("usr:1".into()), &Seed::of(1), NOW);
        (codes, code)
    }

    #[test]
    fn a_code_is_good_once_and_tells_which_login_it_brought() {
        let (mut codes, code) = issued();
        assert_eq!(codes.redeem(&code, URI, VERIFIER, Some("me"), NOW), Ok(Some("usr:1".into())));
        codes.led_to(&code, Fingerprint::of("r"));
        assert_eq!(codes.redeem(&code, URI, VERIFIER, Some("me"), NOW), Err(Some(Fingerprint::of("r"))));
    }

    #[test]
    fn a_code_without_its_verifier_its_place_its_client_or_its_time_is_no_code() {
        let late = NOW.saturating_add(LIFETIME).unwrap();
        for (uri, verifier, client, now) in [
            (URI, "", "me", NOW),
            (URI, "x", "me", NOW),
            ("http://127.0.0.1:4712/callback", VERIFIER, "me", NOW),
            (URI, VERIFIER, "you", NOW),
            (URI, VERIFIER, "me", late),
        ] {
            let (mut codes, code) = issued();
            assert_eq!(codes.redeem(&code, uri, verifier, Some(client), now), Err(None), "{uri} {verifier} {client}");
        }
        assert_eq!(issued().0.redeem("?", URI, VERIFIER, None, NOW), Err(None));
    }

    #[test]
    fn a_browser_is_sent_to_the_registered_place_alone() {
        for bad in [
            "",
            "https://127.0.0.1:1/callback",
            "http://localhost:1/callback",
            "http://127.0.0.1/callback",
            "http://127.0.0.1:1/callback/",
            "http://127.0.0.1:1@evil.example/callback",
            "http://127.0.0.1:01/callback",
            "http://127.0.0.1:1/x",
        ] {
            assert!(!is_loopback_callback(bad), "{bad}");
        }
        assert!(is_loopback_callback("http://[::1]:65535/callback"));
    }

    #[test]
    fn without_pkce_there_is_no_code() {
        for query in [QUERY.replace("S256", "plain"), QUERY.replace("code_challenge=", "x=")] {
            assert_eq!(AuthorizationRequest::read(&query).unwrap().error(), Some("invalid_request"));
        }
        assert!(AuthorizationRequest::read(&format!("{QUERY}&state=t")).is_none());
    }
}
