//! Answers that go wrong on request.

use std::collections::{BTreeMap, VecDeque};

use axum::http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::Answer;
use crate::period::Period;

/// The name of a hold that was not given one (`"hold": true`).
const UNNAMED: &str = "default";

/// One way to answer a token request. Every field left out means "as usual"; an empty fault is an ordinary
/// answer, which lets a queue say "this one through, the next one not".
///
/// In order: wait (`delay_before_commit`, `hold_before_commit`), commit the rotation (spend the presented token,
/// issue its successor), wait (`hold`, `delay`), answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// Answers with this status and `body` instead, and does not commit unless `commit` says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Value>,
    /// Commits although another `status` is answered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) commit: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay_before_commit: Option<Period>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay: Option<Period>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hold_before_commit: Option<Hold>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hold: Option<Hold>,
    /// Sends this many bytes of the body under the `Content-Length` of the whole, then closes the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cut_after: Option<usize>,
    /// Closes the connection without an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) close: Option<Close>,
    /// How many requests it is for.
    #[serde(default = "once")]
    pub(crate) times: u32,
}

/// When a connection is closed: before or after the rotation has been committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Close {
    Before,
    After,
}

/// A request waits until `POST /sandbox/release` names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "String")]
pub(crate) struct Hold(pub(crate) String);

/// The body of `POST /sandbox/faults`: one, or an array of them.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct Faults(Vec<Fault>);

impl TryFrom<Value> for Faults {
    type Error = serde_json::Error;

    fn try_from(json: Value) -> Result<Self, serde_json::Error> {
        if json.is_array() {
            return serde_json::from_value(json).map(Self);
        }
        serde_json::from_value(json).map(|fault| Self(vec![fault]))
    }
}

fn once() -> u32 {
    1
}

impl Default for Hold {
    fn default() -> Self {
        Self(UNNAMED.into())
    }
}

impl TryFrom<Value> for Hold {
    type Error = &'static str;

    fn try_from(json: Value) -> Result<Self, &'static str> {
        match json {
            Value::Bool(true) => Ok(Self::default()),
            Value::String(name) => Ok(Self(name)),
            Value::Null | Value::Bool(false) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Err("a hold is a name or true")
            }
        }
    }
}

impl From<Hold> for String {
    fn from(hold: Hold) -> Self {
        hold.0
    }
}

impl Default for Fault {
    fn default() -> Self {
        Self {
            status: None,
            headers: BTreeMap::new(),
            body: None,
            commit: false,
            delay_before_commit: None,
            delay: None,
            hold_before_commit: None,
            hold: None,
            cut_after: None,
            close: None,
            times: once(),
        }
    }
}

impl Fault {
    /// Whether the rotation is committed.
    pub(crate) fn commits(&self) -> bool {
        match self.close {
            Some(Close::Before) => false,
            Some(Close::After) => true,
            None => self.status.is_none() || self.commit,
        }
    }

    /// Whether the client gets something other than the real answer, whole.
    pub(crate) fn spoils_answer(&self) -> bool {
        self.status.is_some() || self.body.is_some() || self.close.is_some() || self.cut_after.is_some()
    }

    /// The real answer (or an empty one, where nothing was committed) as this fault changes it.
    pub(crate) fn apply(&self, mut answer: Answer) -> Answer {
        if let Some(status) = self.status {
            answer = Answer::empty(status);
        }
        match &self.body {
            Some(Value::String(text)) => answer.replace_body("text/plain; charset=utf-8", text.clone()),
            Some(json) => answer.replace_body("application/json", json.to_string()),
            None => {}
        }
        for (name, value) in &self.headers {
            answer.set_header(name, value);
        }
        answer
    }

    fn check(&self) -> Result<(), String> {
        if self.times == 0 {
            return Err("times must be at least 1".into());
        }
        if self.status.is_some_and(|status| status < 200 || StatusCode::from_u16(status).is_err()) {
            return Err("status must be between 200 and 999".into());
        }
        if self.close.is_some() && (self.status.is_some() || self.body.is_some() || self.cut_after.is_some()) {
            return Err("close sends nothing: it goes with no status, body or cut_after".into());
        }
        if self.commit && self.status.is_none() {
            return Err("commit goes with a status; without one the rotation is committed anyway".into());
        }
        for (name, value) in &self.headers {
            let is_framing = ["content-length", "transfer-encoding"].contains(&name.to_ascii_lowercase().as_str());
            if is_framing || HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
                return Err(format!("the header {name:?} cannot be set"));
            }
        }
        Ok(())
    }
}

/// Faults in the order in which requests will meet them.
#[derive(Debug, Default)]
pub(crate) struct FaultQueue(VecDeque<Fault>);

impl FaultQueue {
    /// Appends all of them, or none and says why.
    pub(crate) fn push(&mut self, faults: Faults) -> Result<(), String> {
        faults.0.iter().try_for_each(Fault::check)?;
        self.0.extend(faults.0);
        Ok(())
    }

    /// What the next request meets; an ordinary answer when nothing is queued.
    pub(crate) fn next(&mut self) -> Fault {
        let Some(first) = self.0.front_mut() else {
            return Fault::default();
        };
        first.times -= 1;
        let fault = first.clone();
        if first.times == 0 {
            self.0.pop_front();
        }
        fault
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn queued(&self) -> &VecDeque<Fault> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

    use serde_json::json;

    use super::*;

    fn queue(json: serde_json::Value) -> Result<FaultQueue, String> {
        let mut queue = FaultQueue::default();
        let faults = serde_json::from_value(json).map_err(|error| error.to_string())?;
        queue.push(faults).map(|()| queue)
    }

    #[test]
    fn faults_come_in_order_and_as_often_as_asked() {
        let mut queue = queue(json!([{"status": 503, "times": 2}, {}, {"close": "before"}])).unwrap();
        let met: Vec<Fault> = (0..5).map(|_| queue.next()).collect();
        assert_eq!(met[0].status, Some(503));
        assert_eq!(met[1].status, Some(503));
        assert!(!met[2].spoils_answer());
        assert_eq!(met[3].close, Some(Close::Before));
        assert_eq!(met[4], Fault::default());
    }

    #[test]
    fn what_commits_is_what_the_page_says() {
        let commits = |json| queue(json).unwrap().next().commits();
        assert!(commits(json!({})));
        assert!(commits(json!({"delay": "1s"})));
        assert!(commits(json!({"cut_after": 10})));
        assert!(commits(json!({"close": "after"})));
        assert!(commits(json!({"status": 500, "commit": true})));
        assert!(!commits(json!({"status": 500})));
        assert!(!commits(json!({"close": "before"})));
    }

    #[test]
    fn a_fault_that_makes_no_sense_is_refused() {
        for json in [
            json!({"times": 0}),
            json!({"status": 100}),
            json!({"status": 1000}),
            json!({"close": "before", "status": 500}),
            json!({"commit": true}),
            json!({"headers": {"Content-Length": "5"}}),
            json!({"headers": {"bad name": "5"}}),
            json!({"delay": "soon"}),
            json!({"hold": false}),
            json!({"stauts": 503}),
            json!("503"),
        ] {
            assert!(queue(json.clone()).is_err(), "{json}");
        }
        assert!(queue(json!([{"status": 503}, {"times": 0}])).is_err(), "all or none");
    }

    #[test]
    fn a_hold_needs_no_name() {
        assert_eq!(queue(json!({"hold": true})).unwrap().next().hold, Some(Hold("default".into())));
        assert_eq!(queue(json!({"hold": "a"})).unwrap().next().hold, Some(Hold("a".into())));
    }

    #[test]
    fn the_queue_is_shown_as_it_was_written() {
        let json = json!([{"status": 503, "delay": "2s", "hold": "a", "times": 1}]);
        assert_eq!(serde_json::to_value(queue(json.clone()).unwrap().queued()).unwrap(), json);
    }

    #[test]
    fn a_fault_replaces_status_body_and_headers() {
        let fault = queue(json!({"status": 503, "headers": {"Retry-After": "5"}, "body": "busy"})).unwrap().next();
        let answer = fault.apply(Answer::empty(200));
        assert_eq!((answer.status(), answer.body()), (503, "busy"));
        assert_eq!(answer.header("retry-after"), Some("5"));
    }
}
