//! A token that the agent has at hand, asked for without a runtime: scripts do so thousands of times a day.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use evertoken_core::account::AccountName;
use evertoken_core::api::requests::TokenAnswer;
use evertoken_core::config::paths::Paths;

use crate::calls::path;
use crate::transport::connect_at_once;

/// An agent answers from memory, within a millisecond.
const WITHIN: Duration = Duration::from_secs(2);
/// In bytes. A longer answer is one for the way that knows all cases.
const LONGEST_ANSWER: usize = 128 * 1024;
const MOST_HEADERS: usize = 16;

/// The account's access token, if an agent runs and has one that lasts as long as is usual. `None` says nothing about
/// the login: [`Client`](crate::Client) tells why.
#[must_use]
pub fn token_at_hand(paths: &Paths, account: Option<&AccountName>) -> Option<TokenAnswer> {
    let stream = connect_at_once(&paths.socket).ok()?;
    let answer = ask(stream, &path(account, "token")).ok()?;
    serde_json::from_slice(body_of_success(&answer)?).ok()
}

fn ask(mut stream: UnixStream, path: &str) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(WITHIN))?;
    stream.set_write_timeout(Some(WITHIN))?;
    stream.write_all(format!("GET /v1/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while body_of_success(&answer).is_none() && answer.len() < LONGEST_ANSWER {
        match stream.read(&mut part)? {
            0 => break,
            read => answer.extend_from_slice(&part[..read]),
        }
    }
    Ok(answer)
}

/// The body, once all of it is there; `None` also for an answer that is no success.
fn body_of_success(answer: &[u8]) -> Option<&[u8]> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = response.parse(answer).ok()? else { return None };
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"))?;
    let length: usize = std::str::from_utf8(length.value).ok()?.parse().ok()?;
    (response.code == Some(200)).then(|| answer.get(start..start.checked_add(length)?))?
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;

    #[test]
    fn a_body_is_read_when_all_of_it_is_there() {
        let whole = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(body_of_success(whole), Some(b"{}".as_slice()));
        for end in 0..whole.len() {
            assert_eq!(body_of_success(&whole[..end]), None, "{end}");
        }
        for other in [
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n{}",
            "SSH-2.0-OpenSSH_9.2\r\n",
        ] {
            assert_eq!(body_of_success(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn an_answer_may_come_in_parts_and_an_agent_that_breaks_off_has_none() {
        let body = r#"{"account":"a","access_token":"t","token_type":"Bearer","expires_at":"2030-01-01T00:00:00Z","expires_in":9}"#;
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        for (until, is_answered) in [(answer.len(), true), (answer.len() - 1, false), (0, false)] {
            let folder = tempfile::tempdir().unwrap();
            let socket = folder.path().join("s");
            let listener = UnixListener::bind(&socket).unwrap();
            let paths = Paths { config: folder.path().into(), state: folder.path().into(), socket };
            let parts = answer[..until].to_owned();
            let agent = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 256];
                let read = stream.read(&mut request).unwrap();
                for byte in parts.as_bytes() {
                    stream.write_all(&[*byte]).unwrap();
                }
                String::from_utf8_lossy(&request[..read]).into_owned()
            });
            let token = token_at_hand(&paths, Some(&"a".parse().unwrap()));
            assert_eq!(token.is_some(), is_answered, "{until}");
            assert!(agent.join().unwrap().starts_with("GET /v1/accounts/a/token HTTP/1.1\r\n"));
        }
    }
}
