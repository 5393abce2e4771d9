//! What a person sees on a real panel and from a real notification daemon; the pictures are kept as artefacts.

use crate::desktop::{Desktop, Dunst, Panel, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn the_icon_is_drawn_in_a_real_panel_and_changes_with_the_login() {
    let desktop = Desktop::with_screen().await;
    let mut panel = Panel::start(&desktop).await;
    let scene = Scene::signed_out(desktop, "--expires-in 16s").await;
    let Scene { desktop, sandbox, .. } = &scene;
    panel.picture(desktop, "panel-signed-out").await;

    desktop.login("Production", sandbox).await;
    panel.picture(desktop, "panel-valid").await;

    sandbox.expire().await;
    panel.picture(desktop, "panel-login-required").await;
    assert!(desktop.status().await.state("Production").starts_with("login-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_notification_is_drawn_by_a_real_daemon() {
    let desktop = Desktop::with_screen().await;
    let scene = Scene::logged_in_on(desktop, "--expires-in 4s").await;
    let dunst = Dunst::start(&scene.desktop).await;

    scene.sandbox.expire().await;

    dunst.picture("notification-log-in").await;
}
