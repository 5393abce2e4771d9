//! Clients that ask as fast as they are answered, each on a connection that it keeps, or on a new one for each request. Prints
//! the requests a second, and within how many microseconds 99 % of them were answered.
#![expect(clippy::print_stdout, reason = "what it measured")]

use std::error::Error;
use std::time::{Duration, Instant};
use std::{io, str};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinSet;

pub(crate) fn load(socket: &str, path: &str, clients: u32, keeps: bool, seconds: u64) -> Result<(), Box<dyn Error>> {
    let connection = if keeps { "keep-alive" } else { "close" };
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: {connection}\r\n\r\n");
    let begin = Instant::now();
    let end = begin + Duration::from_secs(seconds);
    let mut taken = tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(async {
        let mut running = JoinSet::new();
        for _ in 0..clients {
            running.spawn(ask(socket.to_owned(), request.clone(), keeps, end));
        }
        let mut taken = Vec::new();
        while let Some(of_one) = running.join_next().await {
            taken.extend(of_one??);
        }
        Ok::<_, Box<dyn Error>>(taken)
    })?;
    taken.sort_unstable();
    let slowest = taken.get(taken.len() * 99 / 100).ok_or("nothing was answered")?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let rate = taken.len() as f64 / begin.elapsed().as_secs_f64();
    println!("{rate:.0} {}", slowest.as_micros());
    Ok(())
}

async fn ask(socket: String, request: String, keeps: bool, end: Instant) -> io::Result<Vec<Duration>> {
    let mut taken = Vec::new();
    let mut kept = None;
    while Instant::now() < end {
        let begin = Instant::now();
        let mut stream = match kept.take() {
            Some(stream) => stream,
            None => UnixStream::connect(&socket).await?,
        };
        stream.write_all(request.as_bytes()).await?;
        read_answer(&mut stream).await?;
        taken.push(begin.elapsed());
        kept = keeps.then_some(stream);
    }
    Ok(taken)
}

/// Reads an answer with a `Content-Length` to its end.
async fn read_answer(stream: &mut UnixStream) -> io::Result<()> {
    let (mut buffer, mut filled, mut length) = ([0; 8192], 0, None);
    while length.is_none_or(|length| filled < length) {
        match stream.read(&mut buffer[filled..]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => filled += read,
        }
        length = length.or_else(|| length_of(&buffer[..filled]));
    }
    Ok(())
}

/// The length of an answer whose head has arrived.
fn length_of(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let mut lines = str::from_utf8(&answer[..head]).ok()?.split("\r\n");
    let body = lines.find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse().ok())?
    });
    Some(head + body.unwrap_or(0))
}
