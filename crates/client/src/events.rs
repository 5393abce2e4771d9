use std::collections::VecDeque;
use std::time::Duration;

use evertoken_core::problem::Problem;
use evertoken_core::status::StatusReport;
use http_body_util::BodyExt;
use hyper::Method;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;

use crate::connection::{Sender, request};
use crate::{Client, answer, unavailable};

/// The stream begins at once, from the agent's memory.
const BEGINS_WITHIN: Duration = Duration::from_secs(10);
/// In bytes. A report is a kilobyte or two for each account.
const LONGEST_EVENT: usize = 8 * 1024 * 1024;

/// The agent's reports: how things are now, then each change. Waiting for the next one costs nothing.
#[derive(Debug)]
pub struct Events {
    body: Incoming,
    parser: EventParser,
    /// Kept so that the connection stays for as long as somebody listens.
    _connection: Sender,
}

impl Client {
    /// Follows the accounts.
    ///
    /// # Errors
    /// [`AgentUnavailable`](evertoken_core::problem::ProblemKind::AgentUnavailable).
    pub async fn events(&self) -> Result<Events, Problem> {
        let request = request(Method::GET, "events", None::<&()>)?;
        let begin = async {
            let (response, connection) = self.send(request).await?;
            if response.status().is_success() {
                return Ok(Events {
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
        tokio::time::timeout(BEGINS_WITHIN, begin).await.unwrap_or_else(|_| Err(unavailable::no_answer(BEGINS_WITHIN)))
    }
}

impl Events {
    /// The next report; `None` when the agent has ended. May be dropped half-way and called again.
    pub async fn next(&mut self) -> Option<Result<StatusReport, Problem>> {
        loop {
            if let Some(data) = self.parser.events.pop_front() {
                return Some(serde_json::from_slice(&data).map_err(|_| unavailable::another_version()));
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
    is_foreign: bool,
    events: VecDeque<Vec<u8>>,
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
            let is_foreign = std::mem::take(&mut self.is_foreign);
            self.events.extend(self.data.take().filter(|_| !is_foreign));
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
            b"event" => self.is_foreign = value != b"status",
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
        parser.events.iter().map(|data| String::from_utf8_lossy(data).into_owned()).collect()
    }

    #[test]
    fn an_event_is_read_the_same_wherever_the_stream_is_cut() {
        let stream = b": hello\n\nevent: status\ndata: {\"a\":1}\n\ndata:{\r\ndata: }\r\n\r\n";
        for cut in 0..stream.len() {
            let (first, second) = stream.split_at(cut);
            assert_eq!(events(&[first, second]), ["{\"a\":1}", "{\n}"], "cut at {cut}");
        }
    }

    #[test]
    fn events_that_are_no_report_are_passed_over() {
        assert_eq!(events(&[b"event: other\ndata: 1\n\nid: 7\ndata: 2\n\n"]), ["2"]);
        assert_eq!(events(&[b"event: status\n\nretry\n\n"]), [""; 0]);
    }

    #[test]
    fn an_unfinished_event_is_not_shown() {
        assert_eq!(events(&[b"data: {\"half\":"]), [""; 0]);
    }

    #[test]
    fn an_endless_line_does_not_eat_the_memory() {
        let mut parser = EventParser::default();
        let piece = vec![b'x'; 1024 * 1024];
        assert!((0..9).any(|_| parser.push(&piece).is_err()));
    }
}
