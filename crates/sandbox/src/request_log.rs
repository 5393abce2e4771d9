//! What arrived at the token endpoints, with fingerprints instead of tokens.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::fingerprint::Fingerprint;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Granted,
    ReplayedWithinGrace,
    /// Expired, revoked or unknown.
    Refused,
    /// Spent before and beyond the grace: the family has been revoked for it.
    Replayed,
    /// The client got something other than the real answer.
    Fault,
    /// Not a request that could present a token.
    Invalid,
    /// The login was ended, as was asked for.
    Revoked,
    /// A device asks, and nobody has answered yet.
    Pending,
}

/// What is known of a request when it arrives.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Arrival {
    /// By the server's own clock.
    #[serde(serialize_with = "with_milliseconds")]
    pub(crate) at: Timestamp,
    pub(crate) path: String,
    pub(crate) content_type: Option<String>,
    pub(crate) grant_type: Option<&'static str>,
    /// Of the refresh token that was presented.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// Names only: values may be secrets.
    pub(crate) headers: Vec<String>,
}

/// What is known of it when its answer is on the way.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Ending {
    pub(crate) outcome: Outcome,
    /// None where the connection was closed instead.
    pub(crate) status: Option<u16>,
    /// The refresh token that was issued, even if its delivery was made to fail.
    pub(crate) successor: Option<Fingerprint>,
}

/// Which request of the log: a number that is handed back when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(usize);

#[derive(Debug, Serialize)]
struct Entry {
    #[serde(flatten)]
    arrival: Arrival,
    #[serde(flatten)]
    ending: Option<Ending>,
}

/// All requests in the order in which they arrived.
#[derive(Debug, Default)]
pub(crate) struct RequestLog(Vec<Entry>);

impl RequestLog {
    pub(crate) fn arrived(&mut self, arrival: Arrival) -> RequestId {
        self.0.push(Entry { arrival, ending: None });
        RequestId(self.0.len() - 1)
    }

    pub(crate) fn ended(&mut self, request: RequestId, ending: Ending) {
        if let Some(entry) = self.0.get_mut(request.0) {
            entry.ending = Some(ending);
        }
    }

    pub(crate) fn finished(&self) -> usize {
        self.0.iter().filter(|entry| entry.ending.is_some()).count()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.0.len() - self.finished()
    }

    /// The finished ones.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let finished: Vec<&Entry> = self.0.iter().filter(|entry| entry.ending.is_some()).collect();
        serde_json::json!(finished)
    }
}

fn with_milliseconds<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.3}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn arrival() -> Arrival {
        Arrival {
            at: Timestamp::UNIX_EPOCH,
            path: "/oauth/token".into(),
            content_type: None,
            grant_type: Some("refresh_token"),
            fingerprint: Some(Fingerprint::of("abc")),
            headers: vec!["host".into()],
        }
    }

    #[test]
    fn a_request_is_in_flight_until_it_ends() {
        let mut log = RequestLog::default();
        let first = log.arrived(arrival());
        let second = log.arrived(arrival());
        assert_eq!((log.finished(), log.in_flight()), (0, 2));
        log.ended(second, Ending { outcome: Outcome::Fault, status: None, successor: None });
        assert_eq!((log.finished(), log.in_flight()), (1, 1));
        log.ended(first, Ending { outcome: Outcome::Granted, status: Some(200), successor: None });
        assert_eq!((log.finished(), log.in_flight()), (2, 0));
    }

    #[test]
    fn an_entry_is_one_flat_object() {
        let mut log = RequestLog::default();
        let request = log.arrived(arrival());
        let ending =
            Ending { outcome: Outcome::ReplayedWithinGrace, status: Some(200), successor: Some(Fingerprint::of("b")) };
        log.ended(request, ending);
        assert_eq!(
            log.to_json(),
            json!([{
                "at": "1970-01-01T00:00:00.000Z",
                "path": "/oauth/token",
                "content_type": null,
                "grant_type": "refresh_token",
                "fingerprint": "ba7816bf8f01",
                "headers": ["host"],
                "outcome": "replayed-within-grace",
                "status": 200,
                "successor": "3e23e8160039",
            }])
        );
    }
}
