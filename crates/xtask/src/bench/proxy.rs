//! `evertoken proxy` under load: 64 connections that stay open, before a server that answers at once.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use anyhow::{Context as _, Result, bail};

use crate::application::Application;
use crate::command::output;
use crate::private_desktop::PrivateDesktop;
use crate::procfs;
use crate::program::Program;

use super::{ACCOUNT, Line};

const CONNECTIONS: u32 = 64;
const REQUESTS_BOUND: f64 = 2_000.0;
/// In milliseconds, of a machine whose processors the server and the load share.
const LATENCY_BOUND_MS: f64 = 100.0;
/// Of the proxy at rest, and of what 64 busy connections add to it.
const MEMORY_BOUND_MIB: f64 = 32.0;
const GROWTH_BOUND_MIB: f64 = 16.0;
/// What the server says: an answer of an API, small.
const ANSWER: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}";

/// Measures for this many seconds.
pub(super) fn measure(application: &Application<'_>, desktop: &PrivateDesktop, seconds: u64) -> Result<Vec<Line>> {
    let server = serve()?;
    let mut command = application.command("evertoken");
    command.args(["proxy", ACCOUNT, "--json", "--allow", &format!("http://{server}")]);
    let (proxy, announcement) = Program::start_until_line(&mut command, |line| Some(line.to_owned()))?;
    let (url, token) = (member(&announcement, "url")?, member(&announcement, "token")?);
    // Once, so that every connection has its buffers.
    load(desktop, url, token, 1)?;
    let before = procfs::resident_set_size(proxy.id())?;
    let report = load(desktop, url, token, seconds)?;
    let after = procfs::resident_set_size(proxy.id())?;

    #[expect(clippy::cast_precision_loss, reason = "kibibytes far below 2^52")]
    let (memory, growth) = (after as f64 / 1024.0, after.saturating_sub(before) as f64 / 1024.0);
    Ok(vec![
        Line::at_least("proxy, requests", requests(&report)?, "/s", REQUESTS_BOUND),
        Line::new("proxy, 99 % answered within", slowest(&report)?, "ms", LATENCY_BOUND_MS),
        Line::new("proxy, memory (RSS)", memory, "MiB", MEMORY_BOUND_MIB),
        Line::new("proxy, memory that grew", growth, "MiB", GROWTH_BOUND_MIB),
    ])
}

/// A server of threads; it ends with the task.
fn serve() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer_all(&stream));
        }
    });
    Ok(address)
}

/// Requests without a body end with an empty line.
fn answer_all(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut writer = stream;
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        if line == b"\r" && writer.write_all(ANSWER.as_bytes()).is_err() {
            return;
        }
    }
}

/// wrk's report. The run's token is in a file, as it is in no argument elsewhere.
fn load(desktop: &PrivateDesktop, url: &str, token: &str, seconds: u64) -> Result<String> {
    let script = desktop.path("wrk.lua");
    fs::write(&script, format!("wrk.headers[\"Authorization\"] = \"Bearer {token}\"\n"))?;
    let mut wrk = desktop.command("wrk");
    wrk.args(["--latency", "--threads=1", &format!("--connections={CONNECTIONS}"), &format!("--duration={seconds}s")]);
    let report = output(wrk.arg("--script").arg(&script).arg(format!("{url}/v2.0/user/info")))?;
    if let Some(errors) = report.lines().find(|line| line.contains("Non-2xx") || line.contains("Socket errors")) {
        bail!("the proxy failed under load: {}", errors.trim());
    }
    Ok(report)
}

/// A member of a flat JSON object whose strings need no escapes.
fn member<'a>(json: &'a str, name: &str) -> Result<&'a str> {
    let rest = json.split_once(&format!("\"{name}\":\"")).with_context(|| format!("the proxy told no {name}"))?.1;
    Ok(rest.split('"').next().unwrap_or_default())
}

fn requests(report: &str) -> Result<f64> {
    let line = report.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    Ok(line.context("wrk counted nothing")?.trim().parse()?)
}

/// The 99th percentile in milliseconds.
fn slowest(report: &str) -> Result<f64> {
    let line = report.lines().find_map(|line| line.trim().strip_prefix("99%"));
    let text = line.context("wrk measured no latency")?.trim();
    let digits = text.trim_end_matches(char::is_alphabetic);
    let in_milliseconds = match &text[digits.len()..] {
        "us" => 0.001,
        "ms" => 1.0,
        "s" => 1_000.0,
        unit => bail!("wrk measures in {unit:?}"),
    };
    Ok(digits.parse::<f64>()? * in_milliseconds)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn wrks_report_is_read() {
        let report = "  Latency Distribution\n     50%    3.94ms\n     99%    512.00us\n  10 requests\nRequests/sec:   16143.71\n";
        assert!((requests(report).unwrap() - 16_143.71).abs() < 1e-9);
        assert!((slowest(report).unwrap() - 0.512).abs() < 1e-9);
        assert!((slowest("     99%    1.50s").unwrap() - 1_500.0).abs() < 1e-9);
        assert!(slowest("").is_err() && requests("").is_err());
    }

    #[test]
    fn the_announcement_is_read() {
        let json = r#"{"url":"http://127.0.0.1:4000","token":"abc"}"#;
        assert_eq!((member(json, "url").unwrap(), member(json, "token").unwrap()), ("http://127.0.0.1:4000", "abc"));
        assert!(member(json, "socket").is_err());
    }

    #[test]
    fn the_server_answers_each_request_of_a_connection() {
        use std::io::Read as _;
        let mut stream = TcpStream::connect(serve().unwrap()).unwrap();
        for _ in 0..2 {
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            let mut answer = vec![0; ANSWER.len()];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(answer, ANSWER.as_bytes());
        }
    }
}
