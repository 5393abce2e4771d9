//! The port of this machine that the browser comes back to.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use evertoken_core::oauth::redirect_uri::{LoopbackHost, RedirectUri};
use tokio::net::TcpListener;

/// What listens on the port.
pub(super) struct Listeners {
    pub(super) first: TcpListener,
    /// `localhost` is two addresses, and browsers try both.
    pub(super) other: Option<TcpListener>,
}

impl Listeners {
    /// On the redirect URI's own port, or on any.
    pub(super) async fn bind(redirect_uri: &RedirectUri) -> io::Result<Self> {
        let port = redirect_uri.port().unwrap_or(0);
        let first = match redirect_uri.host() {
            LoopbackHost::V4 | LoopbackHost::Localhost => TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?,
            LoopbackHost::V6 => TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await?,
        };
        let other = match redirect_uri.host() {
            // Another program on the second address would get what the browser brings.
            LoopbackHost::Localhost => match TcpListener::bind((Ipv6Addr::LOCALHOST, first.local_addr()?.port())).await
            {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
                // A machine without IPv6 has one address.
                other => other.ok(),
            },
            LoopbackHost::V4 | LoopbackHost::V6 => None,
        };
        Ok(Self { first, other })
    }

    pub(super) fn port(&self) -> io::Result<u16> {
        Ok(self.first.local_addr()?.port())
    }
}
