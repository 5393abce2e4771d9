//! Secret Service (gnome-keyring, KWallet, KeePassXC), over an encrypted session on the D-Bus session bus.

use std::error::Error;
use std::sync::{Arc, Once};
use std::time::Duration;

use evertoken_core::keychain::KeychainProblem;
use futures_util::StreamExt;
use keyring_core::CredentialStore;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tokio::sync::mpsc;
use zbus::{Connection, MessageStream};
use zbus_secret_service_keyring_store::Store;

use super::worker::{Modifiers, Opener};
use crate::system::power_and_network::bus;

/// Items have labels.
pub(super) const OPENER: Opener =
    Opener { open, modifiers: |label| Modifiers::from([("label", label)]), longest_entry: None };

/// In the words of the store's library for "there is no such collection".
const NO_RESULT: &str = "result not returned";
/// The name on the bus.
const SECRETS: &str = "org.freedesktop.secrets";
/// Longest wait for the service to say whether it is locked, which it knows without asking anybody.
const LONGEST_QUESTION: Duration = Duration::from_millis(250);

/// Opens a session. Blocks, and must not be called from an asynchronous task.
fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    static RUNTIME: Once = Once::new();
    RUNTIME.call_once(start_small_runtime);
    Ok(Store::new()?)
}

/// Starts the runtime that zbus makes for its blocking calls, and keeps it: with one worker thread instead of one for
/// each CPU. The number of CPUs that its maker may run on is the only thing it can be told by.
fn start_small_runtime() {
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let Some(first) = (0..CpuSet::MAX_CPU).find(|&cpu| allowed.is_set(cpu)) else { return };
    let mut one = CpuSet::new();
    one.set(first);
    if sched_setaffinity(None, &one).is_err() {
        return;
    }
    let widen = move || {
        if let Err(error) = sched_setaffinity(None, &allowed) {
            tracing::debug!(%error, "a thread stays on one CPU");
        }
    };
    // The worker inherited the narrow set; it widens it for itself.
    zbus::block_on(async move {
        let _joined = tokio::spawn(async move { widen() }).await;
    });
    widen();
}

/// What it means that there is no access to an entry. A service without a default collection answers with nothing, which the
/// store takes for a lock.
pub(super) fn no_access(cause: &(dyn Error + Send + Sync + 'static)) -> KeychainProblem {
    if cause.to_string().contains(NO_RESULT) { KeychainProblem::NoDefaultKeyring } else { KeychainProblem::Locked }
}

/// What a failure of the bus or of the service means; `None` when it is not the absence of either.
pub(super) fn failure(error: &(dyn Error + Send + Sync + 'static)) -> Option<KeychainProblem> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<zbus::Error>() {
            return bus_failure(error);
        }
        if let Some(error) = error.downcast_ref::<zbus::fdo::Error>() {
            return answer_failure(error);
        }
        cause = error.source();
    }
    None
}

fn bus_failure(error: &zbus::Error) -> Option<KeychainProblem> {
    if let zbus::Error::FDO(error) = error {
        return answer_failure(error);
    }
    if let zbus::Error::MethodError(name, description, reply) = error {
        if name.as_str() == "org.freedesktop.Secret.Error.IsLocked" {
            return Some(KeychainProblem::Locked);
        }
        // The standard errors are told apart by zbus itself.
        let is_standard = name.as_str().starts_with("org.freedesktop.DBus.Error.");
        let error = || zbus::Error::MethodError(name.clone(), description.clone(), reply.clone());
        return is_standard.then(|| answer_failure(&error().into())).flatten();
    }
    let is_absent = matches!(
        error,
        zbus::Error::Address(_) | zbus::Error::Connection(..) | zbus::Error::InputOutput(_) | zbus::Error::Handshake(_)
    );
    is_absent.then_some(KeychainProblem::Unavailable)
}

fn answer_failure(error: &zbus::fdo::Error) -> Option<KeychainProblem> {
    use zbus::fdo::Error as Fdo;
    if let Fdo::ZBus(error) = error {
        // What zbus could not tell apart is no absence.
        return if matches!(error, zbus::Error::MethodError(..)) { None } else { bus_failure(error) };
    }
    let is_absent = matches!(
        error,
        Fdo::ServiceUnknown(_)
            | Fdo::NameHasNoOwner(_)
            | Fdo::NoReply(_)
            | Fdo::NoServer(_)
            | Fdo::Disconnected(_)
            | Fdo::IOError(_)
            | Fdo::TimedOut(_)
            | Fdo::Timeout(_)
            | Fdo::SpawnExecFailed(_)
            | Fdo::SpawnForkFailed(_)
            | Fdo::SpawnChildExited(_)
            | Fdo::SpawnChildSignaled(_)
            | Fdo::SpawnFailed(_)
            | Fdo::SpawnFailedToSetup(_)
            | Fdo::SpawnServiceNotFound(_)
    );
    is_absent.then_some(KeychainProblem::Unavailable)
}

/// Is the default collection locked, so that a call which does not return waits for a password? The service answers
/// others meanwhile.
pub(super) async fn asks_for_its_password() -> bool {
    const COLLECTION: &str = "org.freedesktop.Secret.Collection";
    let asked = async {
        let session_bus = bus::session_now().await?;
        let property = (COLLECTION, "Locked");
        let (path, interface) = ("/org/freedesktop/secrets/aliases/default", "org.freedesktop.DBus.Properties");
        let answer = session_bus.call_method(Some(SECRETS), path, Some(interface), "Get", &property).await?;
        zbus::Result::Ok(bool::try_from(answer.body().deserialize::<zbus::zvariant::OwnedValue>()?)?)
    };
    tokio::time::timeout(LONGEST_QUESTION, asked).await.is_ok_and(|locked| locked.unwrap_or(false))
}

pub(super) async fn watch(sender: mpsc::UnboundedSender<()>) {
    let mut first = true;
    while !sender.is_closed() {
        tokio::select! {
            () = sender.closed() => return,
            session_bus = bus::session() => {
                // A bus that came back brings another keychain.
                if !first && sender.send(()).is_err() {
                    return;
                }
                first = false;
                if let Err(error) = listen(&session_bus, &sender).await {
                    tracing::warn!(%error, "changes of the keychain cannot be received");
                    tokio::select! {
                        () = sender.closed() => {}
                        () = session_bus.closed() => {}
                    }
                }
            }
        }
    }
}

/// Returns when the bus is gone or nobody listens.
async fn listen(session_bus: &Connection, sender: &mpsc::UnboundedSender<()>) -> zbus::Result<()> {
    let mut owners = bus::owner_changes(session_bus, SECRETS).await?;
    let mut collections = service_signals(session_bus, "CollectionCreated").await?;
    let mut changed = service_signals(session_bus, "CollectionChanged").await?;
    let mut locks = lock_changes(session_bus).await?;
    loop {
        let usable = tokio::select! {
            () = sender.closed() => return Ok(()),
            message = owners.next() => {
                let Some(Ok(message)) = message else { return Ok(()) };
                bus::has_new_owner(&message)
            }
            message = collections.next() => matches!(message, Some(Ok(_))),
            message = changed.next() => matches!(message, Some(Ok(_))),
            message = locks.next() => {
                let Some(Ok(message)) = message else { return Ok(()) };
                is_unlocked(&message)
            }
        };
        if usable && sender.send(()).is_err() {
            return Ok(());
        }
    }
}

async fn service_signals(session_bus: &Connection, member: &'static str) -> zbus::Result<MessageStream> {
    let rule = bus::signal_rule()
        .sender(SECRETS)?
        .path("/org/freedesktop/secrets")?
        .interface("org.freedesktop.Secret.Service")?
        .member(member)?
        .build();
    MessageStream::for_match_rule(rule, session_bus, None).await
}

async fn lock_changes(session_bus: &Connection) -> zbus::Result<MessageStream> {
    let rule = bus::signal_rule()
        .sender(SECRETS)?
        .path_namespace("/org/freedesktop/secrets")?
        .interface("org.freedesktop.DBus.Properties")?
        .member("PropertiesChanged")?
        .arg(0, "org.freedesktop.Secret.Collection")?
        .build();
    MessageStream::for_match_rule(rule, session_bus, None).await
}

fn is_unlocked(message: &zbus::Message) -> bool {
    type Changed<'a> = (&'a str, std::collections::HashMap<&'a str, zbus::zvariant::Value<'a>>, Vec<&'a str>);
    let body = message.body();
    body.deserialize::<Changed<'_>>().is_ok_and(|(_interface, changed, invalidated)| {
        matches!(changed.get("Locked"), Some(zbus::zvariant::Value::Bool(false))) || invalidated.contains(&"Locked")
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn blocking_calls_cost_one_worker_thread_and_no_thread_stays_on_one_cpu() {
        let allowed = sched_getaffinity(None).unwrap();
        start_small_runtime();
        assert_eq!(sched_getaffinity(None).unwrap(), allowed);
        let (workers, worker_allowed) = zbus::block_on(async {
            let workers = tokio::runtime::Handle::current().metrics().num_workers();
            (workers, tokio::spawn(async { sched_getaffinity(None) }).await.unwrap().unwrap())
        });
        assert_eq!(workers, 1);
        assert_eq!(worker_allowed, allowed);
    }
}
