//! Tells a client that has said all it has to say from one that has left: both read as the end of its requests.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::UnixStream;
use tokio::sync::oneshot;

/// A connection that tells when its requests end.
pub(super) struct Watched {
    stream: UnixStream,
    at_end: Option<oneshot::Sender<OwnedFd>>,
}

/// The connection, and what resolves once the client can receive no answer any more.
pub(super) fn until_closed(stream: UnixStream) -> (Watched, impl Future<Output = ()>) {
    let (at_end, end) = oneshot::channel();
    let left = async move {
        if let Ok(socket) = end.await
            && has_left(socket).await.is_ok()
        {
            return;
        }
        std::future::pending().await
    };
    (Watched { stream, at_end: Some(at_end) }, left)
}

/// Waits until the other end is closed in both directions.
async fn has_left(socket: OwnedFd) -> io::Result<()> {
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for descriptors that are closed too early: an OwnedFd is not"
    )]
    let socket = AsyncFd::with_interest(socket, Interest::WRITABLE)?;
    loop {
        let mut writable = socket.writable().await?;
        if writable.ready().is_write_closed() {
            return Ok(());
        }
        writable.clear_ready();
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let is_end = room > 0 && matches!(polled, Poll::Ready(Ok(()))) && buffer.filled().len() == before;
        if is_end
            && let Some(at_end) = self.at_end.take()
            && let Ok(socket) = self.stream.as_fd().try_clone_to_owned()
        {
            let _ = at_end.send(socket);
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn the_end_of_the_requests_is_not_the_end_of_the_client() {
        let (mut client, agent) = UnixStream::pair().unwrap();
        let (mut agent, left) = until_closed(agent);
        let mut left = std::pin::pin!(left);
        client.write_all(b"asked").await.unwrap();
        client.shutdown().await.unwrap();
        let mut asked = String::new();
        agent.read_to_string(&mut asked).await.unwrap();
        assert_eq!(asked, "asked");
        assert!(futures_util::poll!(&mut left).is_pending());

        agent.write_all(b"answered").await.unwrap();
        assert!(futures_util::poll!(&mut left).is_pending());
        drop(client);
        left.await;
    }
}
