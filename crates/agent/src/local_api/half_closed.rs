//! Tells a client that has said all it has to say from one that has left: both read as the end of its requests.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::UnixStream;

/// Files that each connection takes: its own, and one that tells whether the client has left.
pub(super) const FILES_EACH: usize = 2;
/// Most answers come sooner, and then nobody has to watch.
const WATCHED_AFTER: Duration = Duration::from_millis(50);
/// A client that has said all (`nc -N`) still waits for its answer.
pub(super) const ALLOWS_HALF_CLOSE: bool = true;

/// Resolves once the client can receive no answer any more. The connection's own file cannot say so: nobody reads from
/// it while a request is answered.
pub(super) fn until_closed(stream: &UnixStream) -> impl Future<Output = ()> + use<> {
    let socket = stream.as_fd().try_clone_to_owned();
    async move {
        tokio::time::sleep(WATCHED_AFTER).await;
        if let Ok(socket) = socket
            && has_left(socket).await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn the_end_of_the_requests_is_not_the_end_of_the_client() {
        let (mut client, mut agent) = UnixStream::pair().unwrap();
        let mut left = std::pin::pin!(until_closed(&agent));
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

    #[tokio::test]
    async fn a_client_that_leaves_is_noticed_while_nobody_reads() {
        let (client, agent) = UnixStream::pair().unwrap();
        let mut left = std::pin::pin!(until_closed(&agent));
        assert!(futures_util::poll!(&mut left).is_pending());
        drop(client);
        left.await;
    }
}
