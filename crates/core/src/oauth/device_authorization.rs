//! Signing in on another device: the device authorization grant (RFC 8628).

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use url::Url;

use crate::oauth::client_authentication::{ClientSecret, credentials};
use crate::oauth::endpoint::Endpoint;
use crate::oauth::failure::{Failure, OutcomeUnknown};
use crate::oauth::fields::{Fields, seconds};
use crate::oauth::origin::{Bound, ForeignServer};
use crate::oauth::server::{Encoding, Server};
use crate::oauth::token::DeviceCode;
use crate::oauth::token_request::TokenRequest;
use crate::oauth::token_response::{self, Answer, Grant, speaks};

/// Seconds between polls where the server names none (RFC 8628 section 3.2), and what `slow_down` adds (section 3.5).
const USUAL_INTERVAL: u64 = 5;
/// Seconds between polls at most: a person waits.
const LONGEST_INTERVAL: u64 = 60;
/// Seconds for which a code is waited for at most. Servers give 10 to 30 minutes.
const LONGEST_LIFETIME: u64 = 3600;
/// Longest user code and longest address, in bytes. Codes have 8 or 9 characters: a person types them.
const LONGEST_USER_CODE: usize = 64;
const LONGEST_ADDRESS: usize = 2048;

/// The server's answer (RFC 8628 section 3.2). Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct DeviceAuthorization {
    /// What is polled with.
    pub device_code: DeviceCode,
    /// What the person types in.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// The same with the code in it.
    pub verification_uri_complete: Option<String>,
    /// How long the codes live.
    pub lifetime: SignedDuration,
    /// The pace of the polls.
    pub pace: Pace,
}

/// How long to wait between two polls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    seconds: u64,
}

/// What a poll brought (RFC 8628 section 3.5).
#[derive(Debug)]
pub enum Poll {
    /// Tokens.
    Granted(Grant),
    /// Not yet.
    Pending,
    /// Not yet, and not so fast.
    SlowDown,
    /// A person said no.
    Denied,
    /// Nobody said anything in time.
    Expired,
    /// Something else.
    Failed(Failure),
}

impl Pace {
    fn of(seconds: u64) -> Self {
        Self { seconds: seconds.min(LONGEST_INTERVAL) }
    }

    /// Until the next poll.
    #[must_use]
    pub const fn interval(self) -> std::time::Duration {
        std::time::Duration::from_secs(self.seconds)
    }

    /// The pace after a poll.
    #[must_use]
    pub fn after(self, poll: &Poll) -> Self {
        match poll {
            Poll::SlowDown => Self::of(self.seconds + USUAL_INTERVAL),
            // "On encountering a connection timeout, clients MUST unilaterally reduce their polling frequency".
            Poll::Failed(_) => Self::of(self.seconds * 2),
            Poll::Granted(_) | Poll::Pending | Poll::Denied | Poll::Expired => self,
        }
    }
}

impl Poll {
    /// Is it worth asking again? Of failures, those of the network and of a server that is busy or failing.
    #[must_use]
    pub const fn is_worth_polling(&self) -> bool {
        match self {
            Self::Pending | Self::SlowDown => true,
            Self::Failed(Failure::NotSent(_) | Failure::OutcomeUnknown(_) | Failure::RetryLater { .. }) => true,
            Self::Granted(_) | Self::Denied | Self::Expired | Self::Failed(_) => false,
        }
    }
}

/// The device authorization request (RFC 8628 section 3.1).
///
/// # Errors
/// [`ForeignServer`] when the client secret belongs to another server.
pub fn device_request(
    server: &Server,
    endpoint: &Endpoint,
    client_secret: Option<&Bound<ClientSecret>>,
) -> Result<TokenRequest, ForeignServer> {
    let client = credentials(server.token_endpoint_auth_method, server.client_id.as_deref(), endpoint, client_secret)?;
    let fields = client.fields().chain(server.sign_in_parameters());
    Ok(TokenRequest::new(server, endpoint, Encoding::Form, client.authorization, fields).hiding(client_secret))
}

/// Reads the answer to a device authorization request.
///
/// # Errors
/// The [`Failure`] that it amounts to.
pub fn read_authorization(answer: Answer<'_>, now: Timestamp) -> Result<DeviceAuthorization, Failure> {
    let is_granted = (200..300).contains(&answer.http_status) && answer.broken.is_none();
    let authorization = is_granted.then(|| authorization(&Fields::read(answer.body))).flatten();
    authorization.ok_or_else(|| {
        let read = token_response::read(answer, SignedDuration::ZERO, now);
        read.err().unwrap_or(Failure::OutcomeUnknown(OutcomeUnknown::Unreadable))
    })
}

fn authorization(fields: &Fields) -> Option<DeviceAuthorization> {
    let user_code = fields.visible("user_code").filter(|code| code.len() <= LONGEST_USER_CODE)?;
    let uri = fields.text("verification_uri").or_else(|| fields.text("verification_url"))?;
    let lifetime = fields.get("expires_in").and_then(whole_seconds)?.clamp(1, LONGEST_LIFETIME);
    let interval = fields.get("interval").and_then(whole_seconds).unwrap_or(USUAL_INTERVAL);
    Some(DeviceAuthorization {
        device_code: DeviceCode::new(fields.text("device_code")?.to_owned()),
        user_code: user_code.to_owned(),
        verification_uri: address(uri)?,
        verification_uri_complete: fields.text("verification_uri_complete").and_then(address),
        lifetime: SignedDuration::from_secs(i64::try_from(lifetime).unwrap_or(1)),
        pace: Pace::of(interval.max(1)),
    })
}

/// Some servers write numbers as strings or with a fraction.
fn whole_seconds(value: &Value) -> Option<u64> {
    seconds(value).map(|seconds| u64::try_from(seconds).unwrap_or_default())
}

/// An address that a person may be sent to: https, or plain http on this machine, in characters that show as they are.
fn address(text: &str) -> Option<String> {
    let endpoint: Endpoint = text.parse().ok()?;
    let url = Url::parse(endpoint.as_str()).ok()?;
    Some(String::from(url)).filter(|url| url.len() <= LONGEST_ADDRESS && url.bytes().all(|b| b.is_ascii_graphic()))
}

/// Reads the answer to a poll. The error counts, not the status: servers answer with 200, 400, 403 and 428. `usual` is how
/// long an access token lives if the answer does not say.
#[must_use]
pub fn read_poll(answer: Answer<'_>, usual: SignedDuration, now: Timestamp) -> Poll {
    let read = match token_response::read(answer, usual, now) {
        Ok(grant) => return Poll::Granted(grant),
        Err(failure) => Poll::Failed(failure),
    };
    if answer.broken.is_some() || !(speaks(answer.http_status) || answer.http_status == 429) {
        return read;
    }
    match Fields::read(answer.body).error() {
        Some("authorization_pending") => Poll::Pending,
        Some("slow_down") => Poll::SlowDown,
        Some("access_denied" | "authorization_declined") => Poll::Denied,
        Some("expired_token" | "code_expired") => Poll::Expired,
        Some(_) | None => read,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use secrecy::ExposeSecret;
    use serde_json::{Value, json};

    use super::*;
    use crate::oauth::failure::{ErrorCode, OAuthError};

    fn answer(http_status: u16, body: &str) -> Answer<'_> {
        Answer { http_status, retry_after: None, body: body.as_bytes(), broken: None, secrets: &[] }
    }

    fn authorization(changes: Value) -> Result<DeviceAuthorization, Failure> {
        let mut body = json!({
            "device_code": "d-secret", "user_code": "WDJB-MJHT", "verification_uri": "https://i.example/device",
            "expires_in": 1800, "interval": 7,
        });
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        read_authorization(answer(200, &body.to_string()), Timestamp::UNIX_EPOCH)
    }

    fn poll(http_status: u16, body: &str) -> Poll {
        read_poll(answer(http_status, body), SignedDuration::from_hours(1), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_answer_says_what_a_person_has_to_do() {
        let read = authorization(json!({})).unwrap();
        assert_eq!(
            (read.user_code.as_str(), read.verification_uri.as_str()),
            ("WDJB-MJHT", "https://i.example/device")
        );
        assert_eq!((read.pace.interval().as_secs(), read.lifetime.as_secs()), (7, 1800));
        assert!(!format!("{read:?}").contains("d-secret"));
        let usual = authorization(json!({"interval": null, "expires_in": 9e5 as u64})).unwrap();
        assert_eq!((usual.pace.interval().as_secs(), usual.lifetime.as_secs()), (5, 3600));
    }

    #[test]
    fn an_answer_that_could_mislead_a_person_or_a_terminal_is_refused() {
        for bad in [
            json!({"verification_uri": "http://i.example/device"}),
            json!({"verification_uri": "javascript:alert(1)"}),
            json!({"verification_uri": "https://vault.ist@evil.example/"}),
            json!({"user_code": "\u{1b}[2J"}),
            json!({"user_code": ""}),
            json!({"user_code": "x".repeat(65)}),
            json!({"device_code": ""}),
            json!({"expires_in": "soon"}),
            json!({"device_code": ["d"]}),
            json!({"verification_uri": format!("https://i.example/{}", "x".repeat(LONGEST_ADDRESS))}),
        ] {
            assert!(authorization(bad.clone()).is_err(), "{bad}");
        }
        let complete = authorization(json!({"verification_uri_complete": "http://evil.example/"})).unwrap();
        assert_eq!(complete.verification_uri_complete, None);
    }

    #[test]
    fn codes_are_taken_from_a_whole_answer_that_grants_them() {
        let body = r#"{"device_code":"d","user_code":"c","verification_uri":"https://i.example/","expires_in":9}"#;
        let read = |answer| read_authorization(answer, Timestamp::UNIX_EPOCH).map(|read| read.user_code);
        assert_eq!(read(answer(200, body)), Ok("c".to_owned()));
        let broken = Some(OutcomeUnknown::Interrupted);
        let lost = Failure::OutcomeUnknown(OutcomeUnknown::Interrupted);
        assert_eq!(read(Answer { broken, ..answer(200, body) }), Err(lost));
        let odd = Failure::UnexpectedAnswer { http_status: 400, error: None, web_page: false };
        assert_eq!(read(answer(400, body)), Err(odd));
    }

    #[test]
    fn a_poll_is_repeated_until_a_person_or_the_clock_has_decided() {
        let refused = |error: &str| poll(400, &json!({"error": error}).to_string());
        assert!(refused("authorization_pending").is_worth_polling() && refused("slow_down").is_worth_polling());
        assert!(matches!(refused("access_denied"), Poll::Denied));
        assert!(matches!(refused("expired_token"), Poll::Expired));
        assert!(!refused("invalid_grant").is_worth_polling() && !refused("invalid_client").is_worth_polling());
        assert!(
            poll(500, "").is_worth_polling() && poll(429, "").is_worth_polling() && !poll(404, "").is_worth_polling()
        );
        assert!(matches!(poll(200, r#"{"access_token":"a","refresh_token":"r"}"#), Poll::Granted(_)));
        let unknown = read_authorization(answer(401, r#"{"error":"invalid_client"}"#), Timestamp::UNIX_EPOCH);
        let error = OAuthError { code: ErrorCode::InvalidClient, description: None };
        let expected = Failure::UnexpectedAnswer { http_status: 401, error: Some(error), web_page: false };
        assert_eq!(unknown.unwrap_err(), expected);
    }

    #[test]
    fn the_error_counts_whatever_status_it_comes_with() {
        for status in [200, 201, 400, 401, 403, 404, 428, 429] {
            let said = |error: &str| poll(status, &json!({"error": error}).to_string());
            assert!(matches!(said("authorization_pending"), Poll::Pending), "{status}");
            assert!(matches!(said("slow_down"), Poll::SlowDown), "{status}");
            assert!(matches!(said("access_denied"), Poll::Denied), "{status}");
            assert!(matches!(said("authorization_declined"), Poll::Denied), "{status}");
            assert!(matches!(said("expired_token"), Poll::Expired), "{status}");
            let form = "error=authorization_pending&error_description=The+authorization+request+is+still+pending.";
            assert!(matches!(poll(status, form), Poll::Pending), "{status}");
        }
        for status in [302, 407, 500, 503] {
            for error in ["access_denied", "expired_token", "authorization_pending"] {
                assert!(matches!(poll(status, &json!({"error": error}).to_string()), Poll::Failed(_)), "{status}");
            }
        }
        assert!(
            !poll(200, r#"{"error":"incorrect_device_code"}"#).is_worth_polling(),
            "what cannot heal is not asked again"
        );
        assert!(!matches!(poll(200, r#"["access_denied"]"#), Poll::Denied) && poll(200, "<html>").is_worth_polling());
    }

    #[test]
    fn numbers_may_be_strings_or_have_a_fraction() {
        for (expires_in, interval) in [
            (json!("1800"), json!("7")),
            (json!(1800.0), json!(7.0)),
            (json!(1800.9), json!("7.5")),
            (json!(" 1800 "), json!(7)),
        ] {
            let read = authorization(json!({"expires_in": expires_in, "interval": interval})).unwrap();
            assert_eq!((read.lifetime.as_secs(), read.pace.interval().as_secs()), (1800, 7));
        }
        let odd = authorization(json!({"expires_in": -1, "interval": "soon"})).unwrap();
        assert_eq!((odd.lifetime.as_secs(), odd.pace.interval().as_secs()), (1, 5));
        let refused = read_authorization(answer(200, r#"{"error":"unauthorized_client"}"#), Timestamp::UNIX_EPOCH);
        assert!(matches!(refused, Err(Failure::AuthorizationRequired(_))), "{refused:?}");
        let list = r#"["d", "WDJB-MJHT", "https://i.example/device", null, 1800, 5]"#;
        assert!(read_authorization(answer(200, list), Timestamp::UNIX_EPOCH).is_err());
    }

    #[test]
    fn the_pace_slows_down_and_never_stops() {
        let pace = Pace::of(5).after(&Poll::SlowDown);
        assert_eq!((pace.interval().as_secs(), pace.after(&Poll::Pending)), (10, pace));
        let failed = Poll::Failed(Failure::OutcomeUnknown(OutcomeUnknown::TimedOut));
        assert_eq!(pace.after(&failed).interval().as_secs(), 20);
        let slowest = (0..40).fold(pace, |pace, _| pace.after(&failed));
        assert_eq!(slowest.interval().as_secs(), LONGEST_INTERVAL);
        assert_eq!(
            authorization(json!({"interval": 0})).unwrap().pace.interval().as_secs(),
            1,
            "never without a pause"
        );
    }

    #[test]
    fn the_request_names_the_client_and_its_parameters() {
        let mut server = Server::at("https://i.example/token".parse().unwrap());
        server.client_id = Some("me".to_owned());
        server.parameters = [("scope".to_owned(), "a b".to_owned())].into();
        let request = device_request(&server, &"https://i.example/device".parse().unwrap(), None).unwrap();
        assert_eq!(request.endpoint.as_str(), "https://i.example/device");
        assert_eq!(request.body.expose_secret(), "client_id=me&scope=a+b");
    }
}
