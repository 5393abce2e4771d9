//! What the machine allows a server of one thread: it answers every request on a Unix socket with the same bytes.
//! `cargo xtask bench` holds the agent against it. Arguments: the socket, a file with the answer.

use std::env;
use std::error::Error;
use std::fs;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let (socket, answer) = arguments.next().zip(arguments.next()).ok_or("usage: echo_server SOCKET ANSWER")?;
    let answer: Arc<[u8]> = fs::read(answer)?.into();
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(async {
        let listener = UnixListener::bind(socket)?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(answer_all(stream, Arc::clone(&answer)));
        }
    })
}

/// A request without a body ends with an empty line.
async fn answer_all(mut stream: UnixStream, answer: Arc<[u8]>) {
    let (mut buffer, mut filled) = ([0; 4096], 0);
    while let Ok(read @ 1..) = stream.read(&mut buffer[filled..]).await {
        filled += read;
        if buffer[..filled].ends_with(b"\r\n\r\n") {
            filled = 0;
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        } else if filled == buffer.len() {
            return;
        }
    }
}
