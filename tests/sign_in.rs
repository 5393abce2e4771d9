//! Signing in with a browser, with a code on another device, with a command of one's own; and as another user.

mod another_user;
mod browser;
mod callback_attacks;
pub(crate) mod command;
mod device;
mod redirect_uri;
mod secrecy;
mod standard_server;

use tokio::task::JoinHandle;

use crate::desktop::{Browser, Desktop, Outcome, Page, Scene};

/// A sandbox of the public client `me`, a browser, and nobody logged in.
async fn signed_out(options: &str) -> Scene {
    signed_out_on(Desktop::without_screen().await, options).await
}

/// The same on this desktop.
pub(crate) async fn signed_out_on(mut desktop: Desktop, options: &str) -> Scene {
    desktop.install_browser();
    Scene::signed_out(desktop, &format!("--encoding both --client-id me --device-interval 1s {options}")).await
}

/// The same, and logged in with a pasted refresh token.
async fn logged_in(options: &str) -> Scene {
    logged_in_on(Desktop::without_screen().await, options).await
}

/// The same on this desktop.
pub(crate) async fn logged_in_on(desktop: Desktop, options: &str) -> Scene {
    let scene = signed_out_on(desktop, options).await;
    let grant = scene.sandbox.sign_in().await;
    let login = format!("login default {}", server(&scene));
    scene.desktop.evertoken_reading(&grant.refresh_token, &login).await.succeeded();
    scene
}

/// The options that name the sandbox.
pub(crate) fn server(scene: &Scene) -> String {
    format!("--issuer {} --client-id me", scene.sandbox.url(""))
}

/// `evertoken login default` with these options, while the test goes on.
fn login(scene: &Scene, options: &str) -> JoinHandle<Outcome> {
    let command = scene.desktop.command(&format!("login default {options}"));
    tokio::spawn(async move { Outcome::of(command, b"").await })
}

/// The browser as the person sees it at the server: the page there, and the address of the page before.
pub(crate) async fn at_the_server(scene: &Scene, browser: &Browser) -> (String, Page) {
    let opened = scene.desktop.opened().await;
    let asked = browser.get(&opened).await;
    let at = asked.location().to_owned();
    assert!(at.starts_with(&scene.sandbox.url("/oauth/authorize?")), "{at}");
    let page = browser.get(&at).await;
    (opened, page)
}

/// The value of a hidden field.
pub(crate) fn hidden(page: &Page, name: &str) -> String {
    let (_, rest) = page.html.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}
