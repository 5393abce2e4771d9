//! The token read that programs make all day long, answered without the HTTP library, which costs several times what the token
//! does. Whatever is written in another way is left to it, with all that was read.

use std::io::Write as _;
use std::pin::pin;
use std::time::Duration;

use axum::http::StatusCode;
use futures_util::FutureExt as _;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep_until};

use super::arguments::account_ref;
use super::origin::is_own_name;
use super::refusal::MEDIA_TYPE;
use super::routes::SERVER;
use crate::request::{AccountRef, Call, OwnerHandle};
use crate::system::peer::Peer;

/// In bytes. What fills the buffer is no usual read: more of it may have come, and this loop is not to turn without waiting.
const ROOM: usize = 512;
const MOST_HEADERS: usize = 8;
/// Who asks, and what kinds of answer it takes: there is only one.
const WITHOUT_EFFECT: [&str; 4] = ["accept", "accept-encoding", "accept-language", "user-agent"];
/// In bytes, what an answer takes beside its token, with room to spare.
const FRAME: usize = 512;

/// A connection whose client says something else.
pub(super) struct Begun {
    /// What was read of its next request.
    pub(super) read: Vec<u8>,
    /// Was there one before?
    pub(super) has_asked: bool,
    /// When its next request must have been said.
    pub(super) until: Instant,
}

/// Answers usual reads until the client says something else, or the agent is `closing`. `None`: the client has left, has got the
/// last answer that it wants, or has said nothing for as long as `patience`.
pub(super) async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    owner: &OwnerHandle,
    peer: &Peer,
    patience: Duration,
    closing: &mut watch::Receiver<bool>,
) -> Option<Begun> {
    let mut begun = Begun { read: Vec::with_capacity(ROOM), has_asked: false, until: Instant::now() + patience };
    // One timer and one look at `closing` for all of a client's requests: each costs as much as a token.
    let (mut closed, mut silent) = (pin!(closing.wait_for(|closing| *closing)), pin!(sleep_until(begun.until)));
    loop {
        tokio::select! {
            biased;
            read = stream.read_buf(&mut begun.read) => read.ok().filter(|&bytes| bytes > 0)?,
            _ = closed.as_mut() => return Some(begun),
            () = silent.as_mut() => return None,
        };
        let Some(UsualRead { account, is_last }) = usual_read(&begun.read) else { return Some(begun) };
        let asked = owner.ask(|reply| Call::Token(account, peer.caller(), None, reply));
        // Only an agent that is ending has no answer at once; a turn that has used up its time has it all the same.
        let Some(token) = unconstrained(asked).now_or_never() else { return Some(begun) };
        let answer = match token {
            Ok(token) => written(200, "application/json\r\ncache-control: no-store", &token, is_last),
            Err(problem) => written(problem.status, MEDIA_TYPE, &problem, is_last),
        };
        stream.write_all(&answer?).await.ok()?;
        // A named pipe that is closed before would be read to its end by another thread.
        stream.flush().await.ok()?;
        if is_last {
            return None;
        }
        begun.read.clear();
        begun.has_asked = true;
        begun.until = Instant::now() + patience;
        silent.as_mut().reset(begun.until);
    }
}

/// What a usual read says.
#[derive(Debug, PartialEq, Eq)]
struct UsualRead {
    account: AccountRef,
    /// The client asks for nothing else on this connection.
    is_last: bool,
}

fn usual_read(begun: &[u8]) -> Option<UsualRead> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let parsed = request.parse(begun).ok().filter(|_| begun.len() < ROOM)?;
    let is_whole = parsed == httparse::Status::Complete(begun.len());
    if !is_whole || request.method != Some("GET") || request.version != Some(1) {
        return None;
    }
    let name = request.path?.strip_prefix("/v1/accounts/")?.strip_suffix("/token")?;
    let (mut hosts, mut is_last) = (0, false);
    for header in &*request.headers {
        let value = str::from_utf8(header.value).ok()?;
        match header.name {
            name if name.eq_ignore_ascii_case("host") && is_own_name(value) => hosts += 1,
            name if name.eq_ignore_ascii_case("connection") && value == "close" => is_last = true,
            name if name.eq_ignore_ascii_case("connection") && value == "keep-alive" => {}
            name if WITHOUT_EFFECT.iter().any(|it| name.eq_ignore_ascii_case(it)) => {}
            _ => return None,
        }
    }
    let account = account_ref(name).ok()?;
    (hosts == 1).then_some(UsualRead { account, is_last })
}

/// An answer as it is sent (RFC 9112).
fn written<T: Serialize>(status: u16, media_type: &str, body: &T, is_last: bool) -> Option<Vec<u8>> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut json = Vec::with_capacity(4 * FRAME);
    serde_json::to_writer(&mut json, body).ok()?;
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&Timestamp::now()).ok()?;
    let connection = if is_last { "connection: close\r\n" } else { "" };
    let mut answer = Vec::with_capacity(FRAME + json.len());
    write!(answer, "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\nserver: {SERVER}\r\n").ok()?;
    write!(answer, "{connection}content-length: {}\r\ndate: {date}\r\n\r\n", json.len()).ok()?;
    answer.extend_from_slice(&json);
    Some(answer)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use evertoken_core::account::DEFAULT_ACCOUNT_PLACEHOLDER;

    use super::*;

    #[test]
    fn only_what_programs_usually_write_is_answered_without_the_library() {
        let asked = |line: &str, headers: &str| usual_read(format!("{line}\r\n{headers}\r\n").as_bytes());
        let host = "Host: localhost\r\n";
        let of = |name: &str, is_last| Some(UsualRead { account: Some(name.parse().unwrap()), is_last });
        let usual = "GET /v1/accounts/a.b/token HTTP/1.1";
        assert_eq!(asked(usual, host), of("a.b", false));
        assert_eq!(asked(usual, "host: evertoken\r\nUser-Agent: curl/8\r\nAccept: */*\r\n"), of("a.b", false));
        let python = "User-Agent: python-requests/2\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n";
        assert_eq!(asked(usual, &format!("{host}{python}connection: keep-alive\r\n")), of("a.b", false));
        assert_eq!(asked(usual, &format!("{host}Connection: close\r\n")), of("a.b", true));
        let default = asked(&format!("GET /v1/accounts/{DEFAULT_ACCOUNT_PLACEHOLDER}/token HTTP/1.1"), host);
        assert_eq!(default, Some(UsualRead { account: None, is_last: false }));
        for line in [
            "POST /v1/accounts/a/token HTTP/1.1",
            "HEAD /v1/accounts/a/token HTTP/1.1",
            "GET /v1/accounts/a/token HTTP/1.0",
            "GET http://localhost/v1/accounts/a/token HTTP/1.1",
            "GET /v1/accounts/a/token?min_valid=60 HTTP/1.1",
            "GET /v1/accounts/a/token? HTTP/1.1",
            "GET /v1/accounts/%61/token HTTP/1.1",
            "GET /v1/accounts/a/token/ HTTP/1.1",
            "GET /v1/accounts/a/b/token HTTP/1.1",
            "GET /v1/accounts//token HTTP/1.1",
            "GET /v2/accounts/a/token HTTP/1.1",
            "GET  /v1/accounts/a/token HTTP/1.1",
            "get /v1/accounts/a/token HTTP/1.1",
        ] {
            assert_eq!(asked(line, host), None, "{line}");
        }
        for headers in [
            "",
            "Host: example.org\r\n",
            "Host: localhost\r\nHost: localhost\r\n",
            "Host: localhost\r\nOrigin: null\r\n",
            "Host: localhost\r\nSec-Fetch-Site: none\r\n",
            "Host: localhost\r\nContent-Length: 0\r\n",
            "Host: localhost\r\nTransfer-Encoding: chunked\r\n",
            "Host: localhost\r\nExpect: 100-continue\r\n",
            "Host: localhost\r\nConnection: upgrade\r\n",
            "Host: localhost\r\nUser-Agent: \u{e4}\r\nX-Other: 1\r\n",
            &host
                .replace("localhost", "localhost\r\nAccept: 1")
                .replace("1", &["1"; MOST_HEADERS].join("\r\nAccept: ")),
            "Host : localhost\r\n",
            "Host: localhost\r\n\r\nGET / HTTP/1.1\r\n",
        ] {
            assert_eq!(asked(usual, headers), None, "{headers}");
        }
        let frame = format!("{usual}\r\n{host}Accept: \r\n\r\n").len();
        let of_length = |length: usize| asked(usual, &format!("{host}Accept: {}\r\n", "x".repeat(length - frame)));
        assert_eq!((of_length(ROOM - 1), of_length(ROOM)), (of("a.b", false), None), "more of it may have come");
        let whole = format!("{usual}\r\n{host}\r\n");
        assert!((0..whole.len()).all(|end| usual_read(&whole.as_bytes()[..end]).is_none()), "a part of it");
    }

    /// What is left to the library of a client that writes this and stays.
    #[cfg(unix)]
    async fn left(written: &str) -> Option<Begun> {
        use crate::request::Life;
        use crate::request::tests::handle;

        let (owner, _life) = handle(std::sync::Arc::new(drop), Life::Ending);
        let (mut client, mut agent) = tokio::net::UnixStream::pair().unwrap();
        client.write_all(written.as_bytes()).await.unwrap();
        let (_closing, mut closed) = watch::channel(false);
        answer(&mut agent, &owner, &Peer::new(None), Duration::from_secs(1), &mut closed).await
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn what_has_no_answer_at_once_is_left_to_the_library() {
        let usual = "GET /v1/accounts/a/token HTTP/1.1\r\nHost: localhost\r\n\r\n";
        for written in [usual, &usual[..40], "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"] {
            assert_eq!(left(written).await.unwrap().read, written.as_bytes());
        }
        assert!(left("").await.is_none(), "it says nothing");
    }
}
