//! Addresses of hosts, as the operating system is configured to find them.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use evertoken_core::oauth::endpoint::LOCALHOST;
use hyper_util::client::legacy::connect::dns::Name;
use tower::Service;

/// The addresses of a host, the preferred one first.
///
/// # Errors
/// The name cannot be resolved.
pub async fn addresses(host: &str) -> io::Result<Vec<IpAddr>> {
    if let Ok(address) = host.parse() {
        return Ok(vec![address]);
    }
    if host == "localhost" {
        return Ok(LOCALHOST.to_vec());
    }
    let found = resolve(host).await?;
    if found.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(found) }
}

/// The installed command is a static program, which the C library cannot give the modules of nsswitch.conf. Its own
/// `getent` has them.
#[cfg(target_os = "linux")]
async fn resolve(host: &str) -> io::Result<Vec<IpAddr>> {
    let mut getent = tokio::process::Command::new("getent");
    let answer = getent.args(["ahosts", "--", host]).kill_on_drop(true).output().await?;
    Ok(addresses_in(&String::from_utf8_lossy(&answer.stdout)))
}

#[cfg(not(target_os = "linux"))]
async fn resolve(host: &str) -> io::Result<Vec<IpAddr>> {
    Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
}

/// One line for each address and kind of socket: `127.0.0.1  STREAM localhost`.
#[cfg(target_os = "linux")]
fn addresses_in(lines: &str) -> Vec<IpAddr> {
    let streams = lines.lines().filter(|line| line.split_whitespace().nth(1) == Some("STREAM"));
    streams.filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
}

/// The same for hyper's connector.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names;

impl Service<Name> for Names {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(async move {
            let found = addresses(name.as_str()).await?;
            Ok(found.into_iter().map(|address| SocketAddr::new(address, 0)).collect::<Vec<_>>().into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[tokio::test]
    async fn localhost_is_looked_up_nowhere_and_an_invented_name_is_not_found() {
        assert_eq!(addresses("localhost").await.unwrap(), LOCALHOST);
        // RFC 6761 section 6.4: no name below `invalid` exists.
        assert!(addresses("name.invalid").await.is_err());
        assert!(addresses("-x").await.is_err(), "a name is never an option");
        assert_eq!(addresses("::1").await.unwrap(), ["::1".parse::<IpAddr>().unwrap()]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_address_is_taken_once_of_what_getent_prints() {
        let printed = "192.0.2.7       STREAM vault.example\n192.0.2.7       DGRAM  \n2001:db8::7     STREAM \n";
        assert_eq!(
            addresses_in(printed),
            ["192.0.2.7", "2001:db8::7"].map(|address| address.parse::<IpAddr>().unwrap())
        );
    }
}
