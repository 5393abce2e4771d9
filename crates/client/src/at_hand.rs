//! A token that the agent has at hand, asked for without a runtime: scripts do so thousands of times a day.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use evertoken_core::account::AccountName;
use evertoken_core::api::problem::Problem;
use evertoken_core::config::paths::Paths;
use evertoken_core::oauth::token::AccessToken;
use hyper::StatusCode;
use serde::Deserialize;

use crate::answer;
use crate::calls::path;
use crate::transport::connect_at_once;
use crate::unavailable::another_version;

/// An agent answers from memory, within a millisecond.
const WITHIN: Duration = Duration::from_secs(2);
/// In bytes. A longer answer is one for the way that knows all cases.
const LONGEST_ANSWER: usize = 128 * 1024;
const MOST_HEADERS: usize = 16;

/// Of an agent's answer, all that is printed.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
}

/// The account's access token, one that lasts as long as is usual, or what the agent says instead. `None`: no agent of this
/// version says anything; [`Client`](crate::Client) tells why.
#[must_use]
pub fn token_at_hand(paths: &Paths, account: Option<&AccountName>) -> Option<Result<AccessToken, Problem>> {
    let stream = connect_at_once(&paths.socket).ok()?;
    let answer = ask(stream, &path(account, "token")).ok()?;
    let Answer { status, content_type, body } = whole(&answer)?;
    match answer::read::<Granted>(status, content_type, body) {
        Ok(Granted { access_token }) => Some(Ok(AccessToken::new(access_token))),
        Err(problem) => (problem != another_version()).then_some(Err(problem)),
    }
}

fn ask(mut stream: UnixStream, path: &str) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(WITHIN))?;
    stream.set_write_timeout(Some(WITHIN))?;
    stream.write_all(format!("GET /v1/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while whole(&answer).is_none() && answer.len() < LONGEST_ANSWER {
        match stream.read(&mut part)? {
            0 => break,
            read => answer.extend_from_slice(&part[..read]),
        }
    }
    Ok(answer)
}

#[derive(Debug, PartialEq, Eq)]
struct Answer<'a> {
    status: StatusCode,
    content_type: Option<&'a str>,
    body: &'a [u8],
}

/// The answer, once all of it is there.
fn whole(answer: &[u8]) -> Option<Answer<'_>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = response.parse(answer).ok()? else { return None };
    let header = |name: &str| {
        let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    let length: usize = header("content-length")?.parse().ok()?;
    Some(Answer {
        status: StatusCode::from_u16(response.code?).ok()?,
        content_type: header("content-type"),
        body: answer.get(start..start.checked_add(length)?)?,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use std::os::unix::net::UnixListener;
    use std::thread;

    use evertoken_core::api::problem::ProblemKind;

    use super::*;

    const TOKEN: &str = r#"{"account":"a","access_token":"t","token_type":"Bearer","expires_at":"2030-01-01T00:00:00Z","expires_in":9}"#;
    const PROBLEM: &str =
        r#"{"type":"urn:evertoken:login-required","status":403,"detail":"Ended.","advice":"Log in."}"#;

    fn answer(status: &str, media_type: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    /// What is said of the token by an agent that writes this, byte by byte, and then keeps the connection or breaks off.
    fn said(answer: &str, keeps: bool) -> Option<Result<AccessToken, Problem>> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        let listener = UnixListener::bind(&socket).unwrap();
        let paths = Paths { config: folder.path().into(), state: folder.path().into(), socket };
        let answer = answer.to_owned();
        let agent = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 256];
            let read = stream.read(&mut request).unwrap();
            assert!(request[..read].starts_with(b"GET /v1/accounts/a/token HTTP/1.1\r\n"));
            answer.as_bytes().chunks(1).for_each(|byte| stream.write_all(byte).unwrap());
            // Until the client has left.
            if keeps { stream.read(&mut request).unwrap() } else { 0 }
        });
        let said = token_at_hand(&paths, Some(&"a".parse().unwrap()));
        assert_eq!(agent.join().unwrap(), 0);
        said
    }

    #[test]
    fn an_answer_is_read_when_all_of_it_is_there_and_not_waited_for_any_longer() {
        let begin = std::time::Instant::now();
        assert_eq!(said(&answer("200 OK", "application/json", TOKEN), true).unwrap().unwrap().expose(), "t");
        let problem = said(&answer("403 Forbidden", "application/problem+json", PROBLEM), true).unwrap().unwrap_err();
        assert_eq!(problem, Problem::new(ProblemKind::LoginRequired, "Ended.", "Log in."));
        assert!(begin.elapsed() < WITHIN);
    }

    #[test]
    fn an_agent_that_breaks_off_or_is_none_sends_the_long_way() {
        let whole = answer("200 OK", "application/json", TOKEN);
        for broken in [
            "",
            &whole[..whole.len() - 1],
            "SSH-2.0-OpenSSH_9.2\r\n",
            "HTTP/1.1 200 OK\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n{}",
            &answer("404 Not Found", "text/plain", "not found"),
            &answer("200 OK", "application/json", "{}"),
        ] {
            assert!(said(broken, false).is_none(), "{broken}");
        }
    }
}
