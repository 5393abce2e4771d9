use std::collections::HashMap;

use evertoken_agent::store::keychain::{self, Keychain};
use evertoken_core::keychain::KeychainProblem;
use secrecy::ExposeSecret;
use tokio::sync::mpsc;
use zbus::Connection;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};

use crate::desk::listened_for;

const SERVICE: &str = "evertoken-test";
const SECRETS: &str = "org.freedesktop.secrets";
/// In the last of the rules that the watcher listens by.
const LAST_RULE: &str = "org.freedesktop.Secret.Collection";

async fn read(keychain: &Keychain, user: &str) -> Result<Option<String>, KeychainProblem> {
    Ok(keychain.read(user).await?.map(|value| value.expose_secret().to_owned()))
}

async fn write(keychain: &Keychain, user: &str, value: &str) -> Result<(), KeychainProblem> {
    keychain.write(user, value.to_owned().into()).await
}

async fn call<B: serde::Serialize + zbus::zvariant::DynamicType>(
    connection: &Connection,
    path: &str,
    interface: &str,
    method: &str,
    body: &B,
) -> zbus::Message {
    connection.call_method(Some(SECRETS), path, Some(interface), method, body).await.unwrap()
}

desk_test!(without display: a_login_is_read_as_it_was_written_and_found_by_people, |desk| {
    let _bus = desk.session_bus();
    let _daemon = desk.keychain().await;
    let keychain = Keychain::os(SERVICE);
    assert_eq!(read(&keychain, "Production/probe").await, Ok(None));
    write(&keychain, "Production/probe", "first").await.unwrap();
    write(&keychain, "Production/probe", "second é").await.unwrap();
    write(&keychain, "Sandbox/probe", "other").await.unwrap();
    assert_eq!(read(&keychain, "Production/probe").await, Ok(Some("second é".to_owned())));
    assert_eq!(read(&Keychain::os("another-service"), "Production/probe").await, Ok(None));

    let connection = Connection::session().await.unwrap();
    let attributes = HashMap::from([("service", SERVICE), ("username", "Production/probe")]);
    let interface = "org.freedesktop.Secret.Service";
    let found = call(&connection, "/org/freedesktop/secrets", interface, "SearchItems", &attributes).await;
    let (items, _): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) = found.body().deserialize().unwrap();
    assert_eq!(items.len(), 1);
    let property = ("org.freedesktop.Secret.Item", "Label");
    let label = call(&connection, items[0].as_str(), "org.freedesktop.DBus.Properties", "Get", &property).await;
    let label: OwnedValue = label.body().deserialize().unwrap();
    assert_eq!(String::try_from(label).unwrap(), "Evertoken: Production/probe");

    keychain.delete("Production/probe").await.unwrap();
    keychain.delete("Production/probe").await.unwrap();
    assert_eq!(read(&keychain, "Production/probe").await, Ok(None));
    assert_eq!(read(&keychain, "Sandbox/probe").await, Ok(Some("other".to_owned())));
});

desk_test!(without display: a_keychain_that_appears_later_is_used_and_announced, |desk| {
    let keychain = Keychain::os(SERVICE);
    assert_eq!(read(&keychain, "a").await, Err(KeychainProblem::Unavailable), "no bus");
    assert_eq!(write(&keychain, "a", "x").await, Err(KeychainProblem::Unavailable), "no bus");
    let _bus = desk.session_bus();
    assert_eq!(read(&keychain, "a").await, Err(KeychainProblem::Unavailable), "no service");
    assert_eq!(write(&keychain, "a", "x").await, Err(KeychainProblem::Unavailable), "no service");
    let (sender, mut usable) = mpsc::unbounded_channel();
    tokio::spawn(keychain::watch(sender));
    listened_for(&Connection::session().await.unwrap(), LAST_RULE).await;
    let _daemon = desk.keychain().await;
    usable.recv().await.unwrap();
    write(&keychain, "a", "x").await.unwrap();
    assert_eq!(read(&keychain, "a").await, Ok(Some("x".to_owned())));
    assert!(usable.is_empty(), "what the agent itself does with the keychain is no news");
});

desk_test!(without display: a_keychain_that_was_replaced_still_holds_the_login, |desk| {
    let _bus = desk.session_bus();
    let first = desk.keychain().await;
    let keychain = Keychain::os(SERVICE);
    write(&keychain, "a", "x").await.unwrap();
    drop(first);
    assert_eq!(read(&keychain, "a").await, Err(KeychainProblem::Unavailable));
    let _second = desk.keychain().await;
    assert_eq!(read(&keychain, "a").await, Ok(Some("x".to_owned())));
});

desk_test!(without display: a_locked_keychain_is_locked_and_not_signed_out, |desk| {
    let _bus = desk.session_bus();
    let _daemon = desk.keychain().await;
    let keychain = Keychain::os(SERVICE);
    write(&keychain, "a", "x").await.unwrap();
    let (sender, mut usable) = mpsc::unbounded_channel();
    tokio::spawn(keychain::watch(sender));
    let connection = Connection::session().await.unwrap();
    listened_for(&connection, LAST_RULE).await;

    let service = ("/org/freedesktop/secrets", "org.freedesktop.Secret.Service");
    let alias = call(&connection, service.0, service.1, "ReadAlias", &"default").await;
    let collection: OwnedObjectPath = alias.body().deserialize().unwrap();
    call(&connection, service.0, service.1, "Lock", &vec![collection.clone()]).await;
    assert_eq!(read(&keychain, "a").await, Err(KeychainProblem::Locked));
    assert_eq!(write(&keychain, "a", "y").await, Err(KeychainProblem::Locked));
    assert_eq!(write(&keychain, "b", "y").await, Err(KeychainProblem::Locked));
    while usable.try_recv().is_ok() {}

    let session = call(&connection, service.0, service.1, "OpenSession", &("plain", Value::from(""))).await;
    let (_, session): (OwnedValue, OwnedObjectPath) = session.body().deserialize().unwrap();
    let secret: (ObjectPath<'_>, &[u8], &[u8], &str) = (session.as_ref(), b"", b"password", "text/plain");
    let unlock = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface";
    call(&connection, service.0, unlock, "UnlockWithMasterPassword", &(collection, secret)).await;
    usable.recv().await.unwrap();
    assert_eq!(read(&keychain, "a").await, Ok(Some("x".to_owned())));
});
