use std::collections::VecDeque;
use std::time::Duration;

use evertoken_core::account::AccountName;
use evertoken_core::api::problem::Problem;
use evertoken_core::api::requests::{SignInEvent, SignInRequest};
use evertoken_core::api::status::StatusReport;
use evertoken_core::oauth::server::SignInMethod;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::calls::path;
use crate::connection::{Sender, request};
use crate::{Client, answer, unavailable};

/// The stream begins at once, from the agent's memory.
const BEGINS_WITHIN: Duration = Duration::from_secs(10);
/// The agent asks issuer, keychain and server first, each with bounds of its own; this one is beyond their sum.
const SIGN_IN_BEGINS_WITHIN: Duration = Duration::from_secs(120);
/// In bytes. A report is a kilobyte or two for each account, of which there may be ten thousand.
const LONGEST_EVENT: usize = 64 * 1024 * 1024;

/// The agent's reports: how things are now, then each change. Waiting for the next one costs nothing.
#[derive(Debug)]
pub struct Events {
    stream: Stream,
    /// The report that was told last.
    report: Option<StatusReport>,
}

/// A sign-in under way. Dropping it ends the sign-in.
#[derive(Debug)]
pub struct SignIn(Stream);

/// Events as they come.
#[derive(Debug)]
struct Stream {
    body: Incoming,
    parser: EventParser,
    /// Kept so that the connection stays for as long as somebody listens.
    _connection: Sender,
}

impl Client {
    /// Follows the accounts.
    ///
    /// # Errors
    /// [`AgentUnavailable`](evertoken_core::api::problem::ProblemKind::AgentUnavailable).
    pub async fn events(&self) -> Result<Events, Problem> {
        let request = request(Method::GET, "events?changes=true", None::<&()>)?;
        Ok(Events { stream: self.stream(request, BEGINS_WITHIN).await?, report: None })
    }

    /// Begins a sign-in. It goes on for as long as its events are held.
    ///
    /// # Errors
    /// The [`Problem`] for which there is nothing to do for a person, or
    /// [`AgentUnavailable`](evertoken_core::api::problem::ProblemKind::AgentUnavailable).
    pub async fn sign_in(
        &self,
        account: Option<&AccountName>,
        way: SignInMethod,
        sign_in: &SignInRequest,
    ) -> Result<SignIn, Problem> {
        let way = match way {
            SignInMethod::Browser => "login/browser",
            SignInMethod::Device => "login/device",
            SignInMethod::Command => "login/command",
        };
        let request = request(Method::POST, &path(account, way), Some(sign_in))?;
        Ok(SignIn(self.stream(request, SIGN_IN_BEGINS_WITHIN).await?))
    }

    async fn stream(&self, request: Request<Full<Bytes>>, within: Duration) -> Result<Stream, Problem> {
        let begin = async {
            let (response, connection) = self.send(request).await?;
            if response.status().is_success() {
                return Ok(Stream {
                    body: response.into_body(),
                    parser: EventParser::default(),
                    _connection: connection,
                });
            }
            let (head, body) = response.into_parts();
            let body = body.collect().await.map_err(|_| unavailable::broke_off())?.to_bytes();
            let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
            Err(unavailable::with_version(answer::problem(content_type, &body), &head.headers))
        };
        tokio::time::timeout(within, begin).await.unwrap_or_else(|_| Err(unavailable::no_answer(within)))
    }
}

impl Events {
    /// The next report; `None` when the agent has ended. May be dropped half-way and called again.
    pub async fn next(&mut self) -> Option<Result<StatusReport, Problem>> {
        loop {
            let heard = match self.stream.next().await? {
                Ok((name, data)) => hear(&mut self.report, &name, &data),
                Err(problem) => Err(problem),
            };
            match heard {
                Ok(true) => return self.report.clone().map(Ok),
                Ok(false) => {}
                Err(problem) => return Some(Err(problem)),
            }
        }
    }
}

/// Takes in an event; whether it was about the accounts.
fn hear(report: &mut Option<StatusReport>, name: &[u8], data: &[u8]) -> Result<bool, Problem> {
    match (name, report) {
        (b"change", Some(report)) => {
            report.apply(read(data)?);
            report.count_down(Timestamp::now());
        }
        // An event without a name is one as well, and earlier agents tell whole reports only.
        (b"" | b"status", report) => *report = Some(read(data)?),
        _ => return Ok(false),
    }
    Ok(true)
}

impl SignIn {
    /// What happens next; `None` when the agent has ended.
    pub async fn next(&mut self) -> Option<Result<SignInEvent, Problem>> {
        loop {
            let (name, data) = match self.0.next().await? {
                Ok(event) => event,
                Err(problem) => return Some(Err(problem)),
            };
            return Some(match name.as_slice() {
                b"prompt" => read(&data).map(SignInEvent::Prompt),
                b"done" => read(&data).map(SignInEvent::Done),
                b"problem" => Ok(SignInEvent::Problem(answer::problem(Some("application/problem+json"), &data))),
                _ => continue,
            });
        }
    }
}

fn read<T: DeserializeOwned>(data: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(data).map_err(|_| unavailable::another_version())
}

impl Stream {
    async fn next(&mut self) -> Option<Result<(Vec<u8>, Vec<u8>), Problem>> {
        loop {
            if let Some(event) = self.parser.events.pop_front() {
                return Some(Ok(event));
            }
            let frame = self.body.frame().await?.ok()?;
            if let Some(bytes) = frame.data_ref()
                && self.parser.push(bytes).is_err()
            {
                return Some(Err(unavailable::another_version()));
            }
        }
    }
}

/// Server-sent events (HTML standard, section 9.2), as far as the agent writes them: fields `event` and `data`.
#[derive(Debug, Default)]
struct EventParser {
    line: Vec<u8>,
    data: Option<Vec<u8>>,
    name: Vec<u8>,
    events: VecDeque<(Vec<u8>, Vec<u8>)>,
}

/// An event beyond [`LONGEST_EVENT`].
#[derive(Debug, PartialEq, Eq)]
struct TooLong;

impl EventParser {
    fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + self.data.as_ref().map_or(0, Vec::len) + piece.len() > LONGEST_EVENT {
                return Err(TooLong);
            }
            self.line.extend_from_slice(piece);
            if self.line.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.end_line(line.trim_ascii_end());
            }
        }
        Ok(())
    }

    fn end_line(&mut self, line: &[u8]) {
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            self.events.extend(self.data.take().map(|data| (name, data)));
            return;
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (field, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            },
            b"event" => self.name = value.to_vec(),
            // A comment has an empty field name; other fields are for other clients.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&[u8]]) -> Vec<String> {
        let mut parser = EventParser::default();
        for piece in pieces {
            assert_eq!(parser.push(piece), Ok(()));
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        parser.events.iter().map(|(name, data)| format!("{} {}", text(name), text(data)).trim().to_owned()).collect()
    }

    #[test]
    fn an_event_is_read_the_same_wherever_the_stream_is_cut() {
        let stream = b": hello\n\nevent: status\ndata: {\"a\":1}\n\ndata:{\r\ndata: }\r\n\r\n";
        for cut in 0..stream.len() {
            let (first, second) = stream.split_at(cut);
            assert_eq!(events(&[first, second]), ["status {\"a\":1}", "{\n}"], "cut at {cut}");
        }
    }

    #[test]
    fn an_event_has_its_own_name_and_not_that_of_the_one_before() {
        assert_eq!(events(&[b"event: other\ndata: 1\n\nid: 7\ndata: 2\n\n"]), ["other 1", "2"]);
        assert_eq!(events(&[b"event: status\n\nretry\n\n"]), [""; 0]);
    }

    #[test]
    fn whole_reports_and_changes_make_the_newest_report() {
        let agent = r#""agent":{"version":"0.1.0","pid":1,"started_at":"2026-01-01T00:00:00Z"}"#;
        let status = format!(r#"{{{agent},"accounts":[]}}"#);
        let change = format!(r#"{{{agent},"accounts":[],"account_order":["b"]}}"#);
        let mut report = None;
        assert_eq!(hear(&mut report, b"change", change.as_bytes()), Ok(false), "there is nothing that it could change");
        for (name, data, is_about_accounts) in [
            (b"status".as_slice(), &status, true),
            (b"other", &change, false),
            (b"change", &change, true),
            (b"", &status, true),
        ] {
            let before = report.clone();
            assert_eq!(hear(&mut report, name, data.as_bytes()), Ok(is_about_accounts));
            assert_eq!(report != before, is_about_accounts);
        }
        assert!(hear(&mut report, b"change", b"{}").is_err());
    }

    #[test]
    fn an_unfinished_event_is_not_shown() {
        assert_eq!(events(&[b"data: {\"half\":"]), [""; 0]);
    }

    #[test]
    fn an_endless_line_does_not_eat_the_memory() {
        let mut parser = EventParser::default();
        let piece = vec![b'x'; 1024 * 1024];
        assert!((0..=LONGEST_EVENT / piece.len()).any(|_| parser.push(&piece).is_err()));
    }
}
