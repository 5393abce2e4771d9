use evertoken_agent::system::power_and_network::{SystemSignal, watch};
use jiff::Timestamp;
use tokio::sync::mpsc;
use zbus::Connection;
use zbus::connection::Builder;

use crate::desk::listened_for;

async fn service(name: &'static str) -> Connection {
    Builder::system().unwrap().name(name).unwrap().build().await.unwrap()
}

async fn watched() {
    listened_for(&Connection::system().await.unwrap(), "StateChanged").await;
}

async fn sleeping(logind: &Connection, asleep: bool) {
    let interface = "org.freedesktop.login1.Manager";
    logind.emit_signal(None::<&str>, "/org/freedesktop/login1", interface, "PrepareForSleep", &asleep).await.unwrap();
}

fn slept_since(signal: Option<SystemSignal>) -> Option<Timestamp> {
    match signal {
        Some(SystemSignal::Resumed { since }) => since,
        other => panic!("{other:?}"),
    }
}

async fn network(manager: &Connection, state: u32) {
    let name = "org.freedesktop.NetworkManager";
    manager.emit_signal(None::<&str>, "/org/freedesktop/NetworkManager", name, "StateChanged", &state).await.unwrap();
}

desk_test!(without display: waking_up_and_a_network_that_returns_are_worth_another_attempt, |desk| {
    let (sender, mut signals) = mpsc::unbounded_channel();
    let _bus = desk.system_bus();
    let watching = tokio::spawn(watch(sender));
    watched().await;

    let logind = service("org.freedesktop.login1").await;
    let before = Timestamp::now();
    sleeping(&logind, true).await;
    sleeping(&logind, false).await;
    let since = slept_since(signals.recv().await).unwrap();
    assert!((before..=Timestamp::now()).contains(&since), "{since}");

    let manager = service("org.freedesktop.NetworkManager").await;
    for state in [20, 40, 50, 60, 60, 70, 50, 20, 70] {
        network(&manager, state).await;
    }
    // 60, then the better 70, then 70 after the network was lost.
    for _ in 0..3 {
        assert_eq!(signals.recv().await, Some(SystemSignal::NetworkReturned));
    }
    sleeping(&logind, false).await;
    assert_eq!(slept_since(signals.recv().await), None);

    drop(signals);
    watching.await.unwrap();
});

desk_test!(without display: a_system_bus_that_comes_later_is_heard, |desk| {
    let (sender, mut signals) = mpsc::unbounded_channel();
    let watching = tokio::spawn(watch(sender));
    tokio::task::yield_now().await;
    let bus = desk.system_bus();
    watched().await;
    sleeping(&service("org.freedesktop.login1").await, false).await;
    assert_eq!(slept_since(signals.recv().await), None);
    drop(bus);
    let _bus = desk.system_bus();
    watched().await;
    sleeping(&service("org.freedesktop.login1").await, false).await;
    assert_eq!(slept_since(signals.recv().await), None);
    drop(signals);
    watching.await.unwrap();
});

desk_test!(without display: a_logind_that_was_started_meanwhile_does_not_say_how_long_the_machine_slept, |desk| {
    let (sender, mut signals) = mpsc::unbounded_channel();
    let _bus = desk.system_bus();
    let watching = tokio::spawn(watch(sender));
    watched().await;

    let logind = service("org.freedesktop.login1").await;
    sleeping(&logind, true).await;
    logind.close().await.unwrap();
    let logind = service("org.freedesktop.login1").await;
    sleeping(&logind, false).await;
    assert_eq!(slept_since(signals.recv().await), None);

    sleeping(&logind, true).await;
    sleeping(&logind, false).await;
    assert!(slept_since(signals.recv().await).is_some());

    drop(signals);
    watching.await.unwrap();
});
