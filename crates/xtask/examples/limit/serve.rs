//! A server of one thread that answers every request on a Unix socket with the same bytes, those of a file.

use std::error::Error;
use std::fs;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

pub(crate) fn serve(socket: &str, answer: &str) -> Result<(), Box<dyn Error>> {
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
