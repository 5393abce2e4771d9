//! HTTP/2 from a client that takes it for granted (RFC 9113 section 3.3), as gRPC does: told in its own frames that this
//! proxy speaks HTTP/1.1. A client that asks first (`Upgrade: h2c`) is simply answered in HTTP/1.1.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};

/// What such a connection begins with, as far as it is told apart (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";
/// An empty SETTINGS frame on stream 0 (section 6.5), which has to come first.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
const GOAWAY: u8 = 7;
/// Section 7.
const HTTP_1_1_REQUIRED: u32 = 0xd;
/// No stream was looked at.
const LAST_STREAM: u32 = 0;
const WORDS: &str =
    "evertoken proxy speaks HTTP/1.1 only: set the client to HTTP/1.1 (gRPC needs HTTP/2 and cannot pass)";

/// Looks at the first bytes and takes none. Does the client speak HTTP/2?
pub(crate) async fn is_http_2(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<bool> {
    Ok(stream.fill_buf().await?.starts_with(PREFACE))
}

/// Refuses the connection with the reason.
pub(crate) async fn refuse(stream: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    stream.write_all(&[&SETTINGS[..], &goaway()].concat()).await?;
    stream.shutdown().await
}

/// Section 6.8.
fn goaway() -> Vec<u8> {
    let length = u32::try_from(8 + WORDS.len()).unwrap_or_default().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], GOAWAY, 0, 0, 0, 0, 0];
    frame.extend(LAST_STREAM.to_be_bytes());
    frame.extend(HTTP_1_1_REQUIRED.to_be_bytes());
    frame.extend(WORDS.as_bytes());
    frame
}
