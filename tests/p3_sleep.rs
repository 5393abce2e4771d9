//! P3: a machine that slept, or was offline, asks nobody to log in: first the endpoint has to speak.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{interval, timeout};

use crate::desktop::{
    Agent, Behaviour, Desktop, Keyring, Notifications, Sandbox, Status, System, Wire, eventually, procfs,
};

/// A minute: long enough that a refresh may fail for seven seconds before anybody has to hear of it.
const LIFE: &str = "--expires-in 60s --grace 0";

/// The login is one of another server from now on, in the keychain and in `config.toml`.
async fn move_endpoint(desktop: &Desktop, agent: &Agent, from: &str, to: &str) {
    Keyring::move_logins(desktop, &[(from.to_owned(), to.to_owned())]).await;
    let file = desktop.environment.configuration();
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(&file, text.replace(from, to)).unwrap();
    procfs::signal(agent.pid(), Signal::HUP);
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_a_machine_that_wakes_up_without_a_network_tells_nobody_anything_before_the_endpoint_has_spoken() {
    let mut desktop = Desktop::without_screen().await;
    let system = System::start(&mut desktop).await;
    let notifications = Notifications::arrive(&desktop.bus).await;
    let _keyring = Keyring::start(&desktop).await;
    let sandbox = Sandbox::start(&desktop, LIFE).await;
    let agent = Agent::start(&desktop).await;
    desktop.login("default", &sandbox).await;
    let nowhere = "https://vault.invalid/token";
    move_endpoint(&desktop, &agent, &sandbox.endpoint(), nowhere).await;
    desktop.until("the endpoint is gone", |status| status.account("default")["endpoint"] == nowhere).await;
    let token = desktop.token().await;
    let before = sandbox.requests().await.len();

    // Asleep until the token is over. Time goes on, the process does not.
    procfs::signal(agent.pid(), Signal::STOP);
    let is_over = async {
        let mut pace = interval(Duration::from_millis(500));
        while sandbox.user_info(&token).await == 200 {
            pace.tick().await;
        }
    };
    timeout(Duration::from_secs(90), is_over).await.unwrap();
    procfs::signal(agent.pid(), Signal::CONT);
    system.suspend_and_resume().await;
    let words = "the endpoint's name cannot be resolved";
    let is_expired = |status: &Status| {
        status.account("default")["refresh"]["last_error"] == words && status.state("default") == "expired"
    };
    desktop.until("the name is not found", is_expired).await;
    desktop.evertoken("token").await.failed(4);
    assert!(notifications.all().is_empty(), "{:#?}", notifications.all());

    // The first network is a hotel's: its page is no verdict, and after it the agent by itself would wait a minute.
    let hotel = Wire::start(Behaviour::Says(
        b"HTTP/1.1 302 Found\r\nLocation: http://hotel.example/\r\nContent-Length: 0\r\n\r\n".to_vec(),
    ))
    .await;
    move_endpoint(&desktop, &agent, nowhere, &hotel.endpoint()).await;
    system.lose_and_find_network().await;
    let words = "the endpoint answered something unexpected (HTTP 302)";
    desktop.until("the hotel answers", |status| status.account("default")["refresh"]["last_error"] == words).await;
    assert!(notifications.all().is_empty(), "{:#?}", notifications.all());

    move_endpoint(&desktop, &agent, &hotel.endpoint(), &sandbox.endpoint()).await;
    system.lose_and_find_network().await;
    desktop.until_state("default", "valid").await;
    assert_eq!(sandbox.user_info(&desktop.token().await).await, 200);
    assert_eq!(sandbox.requests().await.len(), before + 1, "one request was enough");
    assert!(notifications.all().is_empty(), "{:#?}", notifications.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_after_waking_up_the_endpoints_own_refusal_is_told_once() {
    let mut desktop = Desktop::without_screen().await;
    let system = System::start(&mut desktop).await;
    let notifications = Notifications::arrive(&desktop.bus).await;
    let _keyring = Keyring::start(&desktop).await;
    let sandbox = Sandbox::start(&desktop, "--expires-in 4s").await;
    let agent = Agent::start(&desktop).await;
    desktop.login("default", &sandbox).await;
    let token = desktop.token().await;

    procfs::signal(agent.pid(), Signal::STOP);
    sandbox.expire().await;
    eventually("the token is over", async || (sandbox.user_info(&token).await == 401).then_some(())).await;
    assert!(notifications.all().is_empty(), "{:#?}", notifications.all());
    procfs::signal(agent.pid(), Signal::CONT);
    for _ in 0..3 {
        system.suspend_and_resume().await;
        system.lose_and_find_network().await;
    }

    notifications.shown("Log in to Vault again").await;
    desktop.until_state("default", "login-required").await;
    system.suspend_and_resume().await;
    desktop.evertoken("token").await.failed(3);
    let told: u32 = notifications.all().iter().map(|one| one.shown).sum();
    assert_eq!(told, 1, "one incident, one notification: {:#?}", notifications.all());
}
