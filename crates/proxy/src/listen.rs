//! Where clients connect: loopback, or a Unix socket of this user.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

#[cfg(not(unix))]
use elsewhere as socket;
#[cfg(unix)]
mod socket;

const UNIX_PREFIX: &str = "unix:";

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// On 127.0.0.1 or ::1; port 0 stands for a free one.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// Why a text is not a [`Listen`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidListen {
    /// Neither of the two forms.
    #[error("not an address: write it like 127.0.0.1:8080, [::1]:8080 or unix:/run/user/1000/vault.sock")]
    NotAnAddress,
    /// Other machines could connect.
    #[error("the proxy listens on 127.0.0.1, ::1 or a Unix socket only: a program that reaches it acts in your name")]
    NotLoopback,
    /// There is none on this system.
    #[error("this system has no Unix sockets for programs: use 127.0.0.1:PORT")]
    NoUnixSockets,
}

impl FromStr for Listen {
    type Err = InvalidListen;

    fn from_str(text: &str) -> Result<Self, InvalidListen> {
        if let Some(path) = text.strip_prefix(UNIX_PREFIX) {
            return match path {
                "" => Err(InvalidListen::NotAnAddress),
                _ if cfg!(unix) => Ok(Self::Unix(path.into())),
                _ => Err(InvalidListen::NoUnixSockets),
            };
        }
        let address: SocketAddr = text.parse().map_err(|_| InvalidListen::NotAnAddress)?;
        let loopback: [std::net::IpAddr; 2] =
            [std::net::Ipv4Addr::LOCALHOST.into(), std::net::Ipv6Addr::LOCALHOST.into()];
        if loopback.contains(&address.ip()) { Ok(Self::Tcp(address)) } else { Err(InvalidListen::NotLoopback) }
    }
}

/// A client's connection.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Something that clients connect to.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(socket::Socket),
}

impl Listener {
    pub(crate) async fn bind(listen: &Listen) -> io::Result<Self> {
        match listen {
            Listen::Tcp(address) => Ok(Self::Tcp(TcpListener::bind(address).await?)),
            Listen::Unix(path) => Ok(Self::Unix(socket::Socket::bind(path)?)),
        }
    }

    /// The next client.
    ///
    /// # Errors
    /// The operating system's; another one may come.
    pub(crate) async fn accept(&self) -> io::Result<Box<dyn Connection>> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // Small pieces of a stream of events go at once.
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            Self::Unix(socket) => Ok(Box::new(socket.accept().await?)),
        }
    }
}

/// Nothing of the kind: `Listen` refuses it.
#[cfg(not(unix))]
mod elsewhere {
    use std::io;
    use std::path::Path;

    #[derive(Debug)]
    pub(crate) enum Socket {}

    impl Socket {
        pub(crate) fn bind(_path: &Path) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(crate) async fn accept(&self) -> io::Result<tokio::net::TcpStream> {
            match *self {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_machine_can_reach_the_proxy() {
        for text in ["0.0.0.0:8080", "[::]:8080", "192.168.1.2:8080", "127.0.0.2:8080", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(text.parse::<Listen>(), Err(InvalidListen::NotLoopback), "{text}");
        }
        for text in ["", "8080", "localhost:8080", "127.0.0.1", "unix:", "/run/vault.sock"] {
            assert_eq!(text.parse::<Listen>(), Err(InvalidListen::NotAnAddress), "{text}");
        }
        assert!(matches!("127.0.0.1:0".parse(), Ok(Listen::Tcp(_))));
        assert!(matches!("[::1]:8080".parse(), Ok(Listen::Tcp(_))));
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_is_named_by_its_path() {
        assert_eq!("unix:/run/x.sock".parse(), Ok(Listen::Unix("/run/x.sock".into())));
    }
}
