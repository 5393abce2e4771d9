//! logind says when the machine falls asleep and wakes up, NetworkManager when the network is back. Either may be absent:
//! listening to a name that nobody owns costs nothing and starts nothing.

use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::sync::mpsc;
use zbus::names::UniqueName;
use zbus::{Connection, Message, MessageStream};

use super::{SystemSignal, bus};
use crate::system::clock::Clock;

/// `NM_STATE_CONNECTED_SITE` of NetworkManager's D-Bus interface: from here on something beyond the local link answers;
/// 70 is the whole Internet.
const CONNECTED: u32 = 60;

pub(super) async fn watch(sender: mpsc::UnboundedSender<SystemSignal>) {
    while !sender.is_closed() {
        tokio::select! {
            () = sender.closed() => return,
            system_bus = bus::system() => {
                if let Err(error) = listen(&system_bus, &sender).await {
                    tracing::warn!(%error, "the system's signals cannot be received");
                    // Until the bus is another one, asking it again would bring the same answer.
                    tokio::select! {
                        () = sender.closed() => {}
                        () = system_bus.closed() => {}
                    }
                }
            }
        }
    }
}

/// Returns when the bus is gone or nobody listens.
async fn listen(system_bus: &Connection, sender: &mpsc::UnboundedSender<SystemSignal>) -> zbus::Result<()> {
    let mut sleep = signals(system_bus, LOGIND, "PrepareForSleep").await?;
    let mut network = signals(system_bus, NETWORK_MANAGER, "StateChanged").await?;
    let mut last_state = CONNECTED - 1;
    let mut asleep = None;
    loop {
        let signal = tokio::select! {
            () = sender.closed() => return Ok(()),
            message = sleep.next() => {
                let Some(Ok(message)) = message else { return Ok(()) };
                match message.body().deserialize::<bool>() {
                    Ok(true) => {
                        asleep = Some(Asleep::announced(&message));
                        continue;
                    }
                    Ok(false) => SystemSignal::Resumed { since: asleep.take().and_then(|asleep| asleep.ended(&message)) },
                    Err(_) => continue,
                }
            }
            message = network.next() => {
                let Some(Ok(message)) = message else { return Ok(()) };
                let Ok(state) = message.body().deserialize::<u32>() else { continue };
                let better = state >= CONNECTED && state > last_state;
                last_state = state;
                if !better {
                    continue;
                }
                SystemSignal::NetworkReturned
            }
        };
        tracing::debug!(?signal, "the system says");
        if sender.send(signal).is_err() {
            return Ok(());
        }
    }
}

/// A machine that is about to sleep, or sleeps.
struct Asleep {
    since: Timestamp,
    /// A clock that is set meanwhile, as many are when they meet a network again, must not make the sleep any longer.
    clock: Clock,
    logind: Option<UniqueName<'static>>,
}

impl Asleep {
    fn announced(message: &Message) -> Self {
        let clock = Clock::new();
        Self { since: clock.now(), clock, logind: sender(message) }
    }

    /// Since when, by the clock as it is now. A logind that was started meanwhile does not mean this sleep.
    fn ended(mut self, message: &Message) -> Option<Timestamp> {
        let set_by = self.clock.jump().unwrap_or_default();
        self.since.checked_add(set_by).ok().filter(|_| self.logind == sender(message))
    }
}

fn sender(message: &Message) -> Option<UniqueName<'static>> {
    message.header().sender().map(UniqueName::to_owned)
}

struct Source {
    name: &'static str,
    path: &'static str,
    interface: &'static str,
}

const LOGIND: Source = Source {
    name: "org.freedesktop.login1",
    path: "/org/freedesktop/login1",
    interface: "org.freedesktop.login1.Manager",
};

const NETWORK_MANAGER: Source = Source {
    name: "org.freedesktop.NetworkManager",
    path: "/org/freedesktop/NetworkManager",
    interface: "org.freedesktop.NetworkManager",
};

async fn signals(system_bus: &Connection, source: Source, member: &'static str) -> zbus::Result<MessageStream> {
    let rule =
        bus::signal_rule().sender(source.name)?.path(source.path)?.interface(source.interface)?.member(member)?.build();
    MessageStream::for_match_rule(rule, system_bus, None).await
}
