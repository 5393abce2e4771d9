//! Mistakes end in the same sentences and exit codes as on Linux, where each is explained.

use super::logged_in;
use crate::desktop::{Desktop, Scene, on_drive};
use crate::mistakes;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_logged_in_hears_of_each_mistake_and_loses_nothing() {
    let scene = logged_in("--expires-in 1h").await;
    // First, because half a minute later a refresh would be allowed.
    mistakes::a_refresh_that_was_not_needed(&scene).await;
    mistakes::a_token_that_is_to_last_longer_than_any(&scene).await;
    mistakes::errors_as_json(&scene).await;
    mistakes::a_refused_token(&scene).await;
    mistakes::unknown_accounts_and_options(&scene).await;
    mistakes::wrong_input_to_login(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_logged_in_hears_how_to_log_in_and_what_is_wrong_with_an_endpoint() {
    let scene = Scene::signed_out(Desktop::of_windows().await, "").await;
    mistakes::commands_before_the_first_login(&scene).await;
    mistakes::a_plain_http_endpoint(&scene).await;
    mistakes::wrong_endpoints(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_does_wrong_is_said_and_the_login_is_kept() {
    mistakes::of_a_server(&logged_in("--expires-in 1h --grace 0").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_asks_for_in_vain_is_said_and_the_login_is_kept() {
    mistakes::of_a_person(&logged_in("--expires-in 1h").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keychain_file_without_its_key_is_named() {
    let desktop = Desktop::of_windows().await;
    let key = on_drive(&desktop.environment.path("home/no-such-key"));
    desktop
        .environment
        .configure(&format!("version = 1\n[settings]\nkeychain = \"file\"\n[settings.keychain_file]\nkey = '{key}'\n"));
    let scene = Scene::signed_out(desktop, "").await;
    let grant = scene.sandbox.sign_in().await;
    let said = scene.desktop.login_with("default", &scene.sandbox, &grant.refresh_token).await;
    assert!(said.failed(5).contains("the key of the keychain file"), "{said:?}");
}
