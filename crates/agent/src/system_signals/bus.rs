//! The two D-Bus buses, each with one connection that the whole agent shares.

use std::time::Duration;

use tokio::sync::Mutex;
use zbus::connection::Builder;
use zbus::match_rule;
use zbus::message::Type;
use zbus::{Connection, MatchRule, MessageStream};

/// First pause after a bus that could not be reached.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause: a bus that is absent this long is not about to appear.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);
/// Longest wait for a bus, and for an answer to a call on it. A bus answers in a millisecond or not at all.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

static SESSION: Mutex<Option<Connection>> = Mutex::const_new(None);
static SYSTEM: Mutex<Option<Connection>> = Mutex::const_new(None);

/// The session bus, as soon as there is one.
pub(crate) async fn session() -> Connection {
    shared(&SESSION, Builder::session).await
}

/// The system bus, as soon as there is one.
pub(crate) async fn system() -> Connection {
    shared(&SYSTEM, Builder::system).await
}

/// All who wait hold on to the same lock, so that one of them tries again for all.
async fn shared(bus: &Mutex<Option<Connection>>, builder: fn() -> zbus::Result<Builder<'static>>) -> Connection {
    let mut connection = bus.lock().await;
    if let Some(open) = connection.as_ref().filter(|connection| !connection.is_closed()) {
        return open.clone();
    }
    *connection = None;
    let mut pause = FIRST_PAUSE;
    loop {
        match connect(builder).await {
            Ok(open) => return connection.insert(open).clone(),
            Err(error) => tracing::debug!(%error, ?pause, "no D-Bus"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn connect(builder: fn() -> zbus::Result<Builder<'static>>) -> zbus::Result<Connection> {
    let connection = async { builder()?.method_timeout(LONGEST_WAIT).build().await };
    tokio::time::timeout(LONGEST_WAIT, connection).await.unwrap_or_else(|_| Err(timed_out()))
}

fn timed_out() -> zbus::Error {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

/// The beginning of a rule for signals.
pub(crate) fn signal_rule() -> match_rule::Builder<'static> {
    MatchRule::builder().msg_type(Type::Signal)
}

/// Every change of who owns `name`. Unlike a proxy for the name, it asks for nothing and starts nothing.
pub(crate) async fn owner_changes(connection: &Connection, name: &'static str) -> zbus::Result<MessageStream> {
    let rule = signal_rule()
        .sender("org.freedesktop.DBus")?
        .path("/org/freedesktop/DBus")?
        .interface("org.freedesktop.DBus")?
        .member("NameOwnerChanged")?
        .arg(0, name)?
        .build();
    MessageStream::for_match_rule(rule, connection, None).await
}

/// Does the message of an [`owner_changes`] say that the name has an owner now?
pub(crate) fn has_new_owner(message: &zbus::Message) -> bool {
    message.body().deserialize::<(&str, &str, &str)>().is_ok_and(|(_name, _old_owner, new_owner)| !new_owner.is_empty())
}
