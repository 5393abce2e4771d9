//! The two D-Bus buses, each with one connection that the whole agent shares.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use zbus::address::Address;
use zbus::address::transport::{Transport, UnixSocket};
use zbus::connection::Builder;
use zbus::match_rule;
use zbus::message::Type;
use zbus::{Connection, MatchRule, MessageStream};

/// First pause after a bus that could not be reached.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// How much longer each pause is than the one before: an agent on a machine without a bus shall rest soon.
const PAUSE_GROWTH: u32 = 4;
/// Longest pause: a bus that is absent this long is not about to appear.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);
/// Longest wait for a bus, and for an answer to a call on it. A bus answers in a millisecond or not at all.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Is a bus that is not there looked for again?
static EXPECTED: AtomicBool = AtomicBool::new(true);
static SESSION: Mutex<Option<Connection>> = Mutex::const_new(None);
static SYSTEM: Mutex<Option<Connection>> = Mutex::const_new(None);

/// From now on a bus whose socket does not exist is not looked for again: on a machine without a desktop that would
/// only wake it. A bus that is there, or was reached once, is used and waited for all the same.
pub(crate) fn expect_none() {
    EXPECTED.store(false, Ordering::Relaxed);
}

/// The session bus, as soon as there is one.
pub(crate) async fn session() -> Connection {
    shared(&SESSION, Address::session).await
}

/// The session bus if there is one now, on a connection of its own.
pub(crate) async fn session_now() -> zbus::Result<Connection> {
    connect(Address::session).await
}

/// The system bus, as soon as there is one.
pub(crate) async fn system() -> Connection {
    shared(&SYSTEM, Address::system).await
}

/// All who wait hold on to the same lock, so that one of them tries again for all.
async fn shared(bus: &Mutex<Option<Connection>>, address: fn() -> zbus::Result<Address>) -> Connection {
    let mut connection = bus.lock().await;
    if let Some(open) = connection.as_ref().filter(|connection| !connection.is_closed()) {
        return open.clone();
    }
    let was_reached = connection.take().is_some();
    let mut pause = FIRST_PAUSE;
    loop {
        match connect(address).await {
            Ok(open) => return connection.insert(open).clone(),
            Err(error) if is_absent(&error) && !was_reached && !EXPECTED.load(Ordering::Relaxed) => {
                tracing::debug!(%error, "no D-Bus, and none is waited for");
                return std::future::pending().await;
            }
            Err(error) => tracing::debug!(%error, ?pause, "no D-Bus"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * PAUSE_GROWTH).min(LONGEST_PAUSE);
    }
}

async fn connect(address: fn() -> zbus::Result<Address>) -> zbus::Result<Connection> {
    let address = address()?;
    // zbus would start a thread to find that out.
    if let Transport::Unix(unix) = address.transport()
        && let UnixSocket::File(path) = unix.path()
        && !path.exists()
    {
        return Err(std::io::Error::from(std::io::ErrorKind::NotFound).into());
    }
    let connection = async { Builder::address(address)?.method_timeout(LONGEST_WAIT).build().await };
    tokio::time::timeout(LONGEST_WAIT, connection).await.unwrap_or_else(|_| Err(timed_out()))
}

/// Is there neither an address nor a socket?
fn is_absent(error: &zbus::Error) -> bool {
    let no_socket = matches!(error, zbus::Error::InputOutput(cause) if cause.kind() == std::io::ErrorKind::NotFound);
    no_socket || matches!(error, zbus::Error::Address(_))
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

/// Does the name have an owner now? Once this has answered, every earlier change is in the streams of
/// [`owner_changes`].
pub(crate) async fn has_owner(connection: &Connection, name: &str) -> zbus::Result<bool> {
    call(connection, "NameHasOwner", &name).await?.body().deserialize()
}

/// Asks the bus itself.
pub(crate) async fn call<B>(connection: &Connection, method: &str, body: &B) -> zbus::Result<zbus::Message>
where
    B: serde::Serialize + zbus::zvariant::DynamicType,
{
    const BUS: &str = "org.freedesktop.DBus";
    connection.call_method(Some(BUS), "/org/freedesktop/DBus", Some(BUS), method, body).await
}
