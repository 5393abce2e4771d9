//! What the window was opened for is what it shows, whatever happens meanwhile.

use crate::desktop::{Agent, Desktop, Sandbox, Scene, Window, built, fingerprint};

const OPENED: &str = "[...document.querySelectorAll('.card:not(.closed)')].map((card) => card.dataset.account).join()";
const TROUBLE: &str = r#"form [data-field="trouble"]:not([hidden])"#;

async fn scene_with(accounts: &[&str]) -> Scene {
    let scene = Scene::signed_out(Desktop::with_screen().await, "--expires-in 24h").await;
    for name in accounts {
        scene.desktop.login(name, &scene.sandbox).await;
    }
    scene
}

async fn opened_with(desktop: &Desktop, arguments: &str) {
    let mut command = desktop.environment.command(built("evertoken-desktop"));
    command.args(arguments.split(' '));
    crate::desktop::Outcome::of(command, b"").await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_start_shows_the_account_that_it_names_and_its_history_or_log_in() {
    let scene = scene_with(&["alpha", "beta"]).await;
    scene.desktop.evertoken("open beta").await.succeeded();
    let window = Window::appears(&scene.desktop).await;
    window.until(&format!("{OPENED} === 'beta'")).await;

    opened_with(&scene.desktop, "--account alpha").await;
    window.until(&format!("{OPENED} === 'alpha'")).await;

    opened_with(&scene.desktop, "--account beta --history").await;
    window.text_until(r#"dialog [data-field="title"]"#, |text| text.contains("beta")).await;
    window.until(&format!("{OPENED} === 'beta'")).await;

    opened_with(&scene.desktop, "--account alpha --login").await;
    window.find(r#"dialog[data-view="login"][data-for="alpha"]"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_open_account_stays_open_over_the_agents_death() {
    let mut scene = scene_with(&["alpha", "beta"]).await;
    scene.desktop.evertoken("open beta").await.succeeded();
    let window = Window::appears(&scene.desktop).await;
    window.until(&format!("{OPENED} === 'beta'")).await;

    scene.agent.kill();
    window.find(r#"[data-view="agent-unavailable"]"#).await;
    scene.agent = Agent::start(&scene.desktop).await;

    window.until(&format!("{OPENED} === 'beta'")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a_log_in_that_was_opened_for_an_account_goes_to_the_server_that_was_shown_or_nowhere() {
    let scene = scene_with(&["alpha", "beta"]).await;
    let elsewhere = Sandbox::start(&scene.desktop, "--expires-in 24h").await;
    scene.desktop.login("gamma", &elsewhere).await;
    let grant = scene.sandbox.sign_in().await;
    scene.desktop.evertoken("open beta --login").await.succeeded();
    let window = Window::appears(&scene.desktop).await;
    window.find(r#"dialog[data-view="login"][data-for="beta"]"#).await;

    for (change, words) in [
        ("account rename beta old", "There is no account beta"),
        ("account rename gamma beta", "this log-in was for another server"),
    ] {
        scene.desktop.evertoken(change).await.succeeded();
        window.log_in(&grant.refresh_token).await;
        window.text_until(TROUBLE, |text| text.contains(words)).await;
    }

    let sent = elsewhere.requests().await;
    assert_eq!(sent.len(), 1, "its own log-in alone: {sent:?}");
    assert!(scene.sandbox.takes(&fingerprint(&grant.refresh_token)).await, "it was not presented");
}
