//! macOS and Windows: a new address means that the network is back. When the machine slept, each tells in a way of its own.

use std::io;

use futures_util::{FutureExt as _, StreamExt as _};
use if_watch::tokio::IfWatcher;
use if_watch::{IfEvent, IpNet};
use tokio::sync::mpsc;

use super::SystemSignal;

pub(super) async fn watch(sender: mpsc::UnboundedSender<SystemSignal>) {
    #[cfg(windows)]
    super::windows::watch(sender.clone());
    #[cfg(target_os = "macos")]
    tokio::spawn(super::macos::watch(sender.clone()));
    tokio::select! {
        () = sender.closed() => return,
        Err(error) = watch_addresses(&sender) => {
            tracing::warn!(%error, "that the network is back cannot be noticed");
        }
    }
    sender.closed().await;
}

async fn watch_addresses(sender: &mpsc::UnboundedSender<SystemSignal>) -> io::Result<()> {
    let mut addresses = IfWatcher::new()?;
    // It begins with the addresses that are there already.
    while addresses.next().now_or_never().is_some() {}
    while let Some(event) = addresses.next().await.transpose()? {
        if leads_elsewhere(&event) && sender.send(SystemSignal::NetworkReturned).is_err() {
            break;
        }
    }
    Ok(())
}

/// Is it a new address by which other machines can be reached?
fn leads_elsewhere(event: &IfEvent) -> bool {
    match event {
        IfEvent::Up(IpNet::V4(net)) => !net.addr().is_loopback() && !net.addr().is_link_local(),
        IfEvent::Up(IpNet::V6(net)) => !net.addr().is_loopback() && !net.addr().is_unicast_link_local(),
        IfEvent::Down(_) => false,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn an_address_that_leads_nowhere_is_no_network() {
        let up = |address: &str| leads_elsewhere(&IfEvent::Up(address.parse().unwrap()));
        assert!(up("192.168.1.7/24") && up("2001:db8::7/64"));
        assert!(!up("127.0.0.1/8") && !up("169.254.3.4/16") && !up("::1/128") && !up("fe80::1/64"));
        assert!(!leads_elsewhere(&IfEvent::Down("192.168.1.7/24".parse().unwrap())));
    }
}
