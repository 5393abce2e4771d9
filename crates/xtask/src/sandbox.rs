//! The sandbox as a program beside the task.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::program::Program;

/// Where its token endpoint is.
const TOKEN_PATH: &str = "/v2.0/reference/gettoken";
/// A call that gives a first token response.
const SIGN_IN: &str = "/sandbox/sign-in";
/// It answers from memory.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A running sandbox on a free port.
#[derive(Debug)]
pub(crate) struct Sandbox {
    origin: String,
    _program: Program,
}

impl Sandbox {
    /// Starts it with these options. Its standard input stays open: with `--exit-with-parent` it ends with the task,
    /// whatever ends the task.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        command.args(["--listen", "127.0.0.1:0", "--exit-with-parent"]).stdin(Stdio::piped());
        let (program, origin) = Program::start_until_line(command, |line| {
            Some(line.strip_prefix("listening on ")?.trim_end_matches('/').to_owned())
        })?;
        Ok(Self { origin, _program: program })
    }

    /// Its address, as in `http://127.0.0.1:8787`.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The token endpoint's URL.
    pub(crate) fn endpoint(&self) -> String {
        format!("{}{TOKEN_PATH}", self.origin)
    }

    /// The URL that gives a first token response.
    pub(crate) fn sign_in_url(&self) -> String {
        format!("{}{SIGN_IN}", self.origin)
    }

    /// A first token response as JSON; for a sandbox without TLS.
    pub(crate) fn sign_in(&self) -> Result<String> {
        let Some(address) = self.origin.strip_prefix("http://") else { bail!("{} is not plain http", self.origin) };
        let mut stream = TcpStream::connect(address).context("the sandbox does not answer")?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        write!(stream, "POST {SIGN_IN} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        body(&answer).map(str::to_owned)
    }
}

/// The body of a 200 that was sent in one piece.
fn body(answer: &str) -> Result<&str> {
    let (head, body) = answer.split_once("\r\n\r\n").context("the sandbox's answer has no body")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status != "200" {
        bail!("the sandbox answered {status} to a sign-in");
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn only_a_granted_sign_in_is_a_token_response() {
        assert_eq!(body("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap(), "{}");
        assert!(body("HTTP/1.1 500 Oh\r\n\r\n{}").unwrap_err().to_string().contains("500"));
        assert!(body("HTTP/1.1 200 OK\r\n").is_err());
    }
}
