//! A request as the server behind the proxy reads it: HTTP/1.1 to the letter, or not at all.

use tokio::io::{AsyncRead, AsyncReadExt};

const PIECE: usize = 64 << 10;

/// A request that was read to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    /// As in `GET /x HTTP/1.1`.
    pub(crate) line: String,
    /// Names in lower case, in order.
    pub(crate) headers: Vec<(String, String)>,
    /// Not of an upload, which is only counted.
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// All values of this field.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The access token that came with it.
    pub(crate) fn token(&self) -> String {
        let all = self.all("authorization");
        assert_eq!(all.len(), 1, "one Authorization: {self:?}");
        all[0].strip_prefix("Bearer ").unwrap().to_owned()
    }

    pub(super) fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }
}

/// Why no whole request came.
pub(super) enum Miss {
    /// Nothing at all: the client left between requests.
    Left,
    Broken,
    Malformed(String),
}

/// A request and how long its body was; the body of an upload is not kept.
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    begun: impl FnOnce(&str),
) -> Result<(Received, u64), Miss> {
    let mut request = Received { line: line(stream, buffer).await?, ..Received::default() };
    begun(&request.line);
    loop {
        let field = match line(stream, buffer).await {
            Ok(field) => field,
            Err(Miss::Left) => return Err(Miss::Broken),
            Err(miss) => return Err(miss),
        };
        if field.is_empty() {
            break;
        }
        let Some((name, value)) = field.split_once(": ").filter(|(name, _)| !name.contains([' ', '\t'])) else {
            return Err(Miss::Malformed(field));
        };
        request.headers.push((name.to_lowercase(), value.to_owned()));
    }
    let keeps = request.path() != "/upload";
    let (length, coding) = (request.all("content-length"), request.all("transfer-encoding"));
    let mut counted = 0;
    match (&*length, &*coding) {
        ([], []) => {}
        ([length], []) => {
            let length = length.parse().map_err(|_| Miss::Malformed(format!("Content-Length: {length}")))?;
            take(stream, buffer, length, keeps.then_some(&mut request.body)).await?;
            counted = length;
        }
        ([], ["chunked"]) => loop {
            let size = line(stream, buffer).await.map_err(in_body)?;
            let size = u64::from_str_radix(&size, 16).map_err(|_| Miss::Malformed(format!("chunk {size}")))?;
            take(stream, buffer, size, keeps.then_some(&mut request.body)).await?;
            counted += size;
            let end = line(stream, buffer).await.map_err(in_body)?;
            if !end.is_empty() {
                return Err(Miss::Malformed(format!("after a chunk: {end}")));
            }
            if size == 0 {
                break;
            }
        },
        _ => return Err(Miss::Malformed(format!("two ideas of its length: {request:?}"))),
    }
    Ok((request, counted))
}

async fn fill(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Result<(), Miss> {
    buffer.reserve(PIECE);
    match stream.read_buf(buffer).await {
        Ok(1..) => Ok(()),
        _ if buffer.is_empty() => Err(Miss::Left),
        _ => Err(Miss::Broken),
    }
}

async fn line(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Result<String, Miss> {
    loop {
        if let Some(at) = buffer.windows(2).position(|two| two == b"\r\n") {
            let line: Vec<u8> = buffer.drain(..at + 2).take(at).collect();
            let odd = line.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n'));
            let line = String::from_utf8_lossy(&line).into_owned();
            return if odd { Err(Miss::Malformed(line)) } else { Ok(line) };
        }
        fill(stream, buffer).await?;
    }
}

fn in_body(miss: Miss) -> Miss {
    match miss {
        Miss::Left => Miss::Broken,
        other @ (Miss::Broken | Miss::Malformed(_)) => other,
    }
}

async fn take(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    mut length: u64,
    mut keep: Option<&mut Vec<u8>>,
) -> Result<(), Miss> {
    while length > 0 {
        if buffer.is_empty() {
            fill(stream, buffer).await.map_err(in_body)?;
        }
        let here = usize::try_from(length).unwrap_or(usize::MAX).min(buffer.len());
        if let Some(kept) = keep.as_deref_mut() {
            kept.extend_from_slice(&buffer[..here]);
        }
        buffer.drain(..here);
        length -= here as u64;
    }
    Ok(())
}
