//! Signing in on another device: the device authorization grant (RFC 8628).

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use url::Url;

use crate::account::{Account, Encoding};
use crate::oauth::client_authentication::{ClientSecret, credentials};
use crate::oauth::endpoint::Endpoint;
use crate::oauth::failure::{Failure, OutcomeUnknown};
use crate::oauth::token::DeviceCode;
use crate::oauth::token_request::{TokenRequest, parameters};
use crate::oauth::token_response::{self, Answer, Grant};

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
    const fn of(seconds: u64) -> Self {
        Self { seconds: if seconds > LONGEST_INTERVAL { LONGEST_INTERVAL } else { seconds } }
    }

    /// Until the next poll.
    #[must_use]
    pub const fn interval(self) -> std::time::Duration {
        std::time::Duration::from_secs(self.seconds)
    }

    /// The pace after a poll.
    #[must_use]
    pub const fn after(self, poll: &Poll) -> Self {
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
    pub const fn goes_on(&self) -> bool {
        match self {
            Self::Pending | Self::SlowDown => true,
            Self::Failed(Failure::NotSent(_) | Failure::OutcomeUnknown(_) | Failure::Later { .. }) => true,
            Self::Granted(_) | Self::Denied | Self::Expired | Self::Failed(_) => false,
        }
    }
}

/// The device authorization request (RFC 8628 section 3.1).
#[must_use]
pub fn device_request(account: &Account, endpoint: &Endpoint, client_secret: Option<&ClientSecret>) -> TokenRequest {
    let client = credentials(account, client_secret);
    let fields = client.fields().chain(parameters(account));
    TokenRequest::new(account, endpoint, Encoding::Form, client.authorization, fields)
}

#[derive(Deserialize)]
struct Body {
    device_code: String,
    user_code: String,
    #[serde(alias = "verification_url")]
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: Option<u64>,
}

/// Reads the answer to a device authorization request.
///
/// # Errors
/// The [`Failure`] that it amounts to.
pub fn read_authorization(answer: Answer<'_>, now: Timestamp) -> Result<DeviceAuthorization, Failure> {
    let unreadable = Failure::OutcomeUnknown(OutcomeUnknown::Unreadable);
    if answer.http_status != 200 {
        return Err(token_response::read(answer, now).err().unwrap_or(unreadable));
    }
    authorization(answer.body).ok_or(unreadable)
}

fn authorization(body: &[u8]) -> Option<DeviceAuthorization> {
    let body: Body = serde_json::from_slice(body).ok()?;
    let is_shown = |text: &str| !text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let is_typed = is_shown(&body.user_code) && body.user_code.len() <= LONGEST_USER_CODE;
    if body.device_code.is_empty() || !is_typed {
        return None;
    }
    Some(DeviceAuthorization {
        device_code: DeviceCode::new(body.device_code),
        user_code: body.user_code,
        verification_uri: address(&body.verification_uri)?,
        verification_uri_complete: body.verification_uri_complete.as_deref().and_then(address),
        lifetime: SignedDuration::from_secs(i64::try_from(body.expires_in.clamp(1, LONGEST_LIFETIME)).unwrap_or(1)),
        pace: Pace::of(body.interval.unwrap_or(USUAL_INTERVAL).max(1)),
    })
}

/// An address that a person may be sent to: https, or plain http on this machine, in characters that show as they are.
fn address(text: &str) -> Option<String> {
    let endpoint: Endpoint = text.parse().ok()?;
    let url = Url::parse(endpoint.as_str()).ok()?;
    Some(String::from(url)).filter(|url| url.len() <= LONGEST_ADDRESS && url.bytes().all(|b| b.is_ascii_graphic()))
}

/// Reads the answer to a poll.
#[must_use]
pub fn read_poll(answer: Answer<'_>, now: Timestamp) -> Poll {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let speaks = matches!(answer.http_status, 400 | 401 | 403 | 429);
    let refusal = speaks.then(|| serde_json::from_slice::<Refusal>(answer.body).ok()).flatten();
    match refusal.as_ref().map(|refusal| refusal.error.as_str()) {
        Some("authorization_pending") => Poll::Pending,
        Some("slow_down") => Poll::SlowDown,
        Some("access_denied") => Poll::Denied,
        Some("expired_token") => Poll::Expired,
        Some(_) | None => token_response::read(answer, now).map_or_else(Poll::Failed, Poll::Granted),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use secrecy::ExposeSecret;
    use serde_json::{Value, json};

    use super::*;
    use crate::oauth::failure::ErrorCode;

    fn answer(http_status: u16, body: &str) -> Answer<'_> {
        Answer { http_status, retry_after: None, body: body.as_bytes() }
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
        read_poll(answer(http_status, body), Timestamp::UNIX_EPOCH)
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
        ] {
            assert!(authorization(bad.clone()).is_err(), "{bad}");
        }
        let complete = authorization(json!({"verification_uri_complete": "http://evil.example/"})).unwrap();
        assert_eq!(complete.verification_uri_complete, None);
    }

    #[test]
    fn a_poll_is_repeated_until_a_person_or_the_clock_has_decided() {
        let refused = |error: &str| poll(400, &json!({"error": error}).to_string());
        assert!(refused("authorization_pending").goes_on() && refused("slow_down").goes_on());
        assert!(matches!(refused("access_denied"), Poll::Denied));
        assert!(matches!(refused("expired_token"), Poll::Expired));
        assert!(!refused("invalid_grant").goes_on() && !refused("invalid_client").goes_on());
        assert!(poll(500, "").goes_on() && poll(429, "").goes_on() && !poll(404, "").goes_on());
        assert!(matches!(poll(200, r#"{"access_token":"a","refresh_token":"r"}"#), Poll::Granted(_)));
        let unknown = read_authorization(answer(401, r#"{"error":"invalid_client"}"#), Timestamp::UNIX_EPOCH);
        let expected = Failure::Odd { http_status: 401, error: Some(ErrorCode::InvalidClient) };
        assert_eq!(unknown.unwrap_err(), expected);
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
        let mut account = Account::at("https://i.example/token".parse().unwrap());
        account.client_id = Some("me".to_owned());
        account.parameters = [("scope".to_owned(), "a b".to_owned())].into();
        let request = device_request(&account, &"https://i.example/device".parse().unwrap(), None);
        assert_eq!(request.url, "https://i.example/device");
        assert_eq!(request.body.expose_secret(), "client_id=me&scope=a+b");
    }
}
