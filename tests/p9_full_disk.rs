//! P9 while `config.toml` cannot be written: a log-in's server counts for as long as the login lasts, and no longer.

use crate::desktop::{Desktop, Disk, Sandbox, Scene};
use crate::p9_servers::{FORGIVING, configuration, goes_on, got_only_its_own, login_at};

#[tokio::test(flavor = "multi_thread")]
async fn p9_a_log_in_elsewhere_on_a_full_disk_is_kept_and_written_down_when_there_is_space() {
    let desktop = Desktop::without_screen().await;
    let Some(disk) = Disk::over(&desktop, "config/evertoken", 64) else { return };
    let mut scene = Scene::logged_in_on(desktop, FORGIVING).await;
    let other = Sandbox::start(&scene.desktop, FORGIVING).await;
    disk.fill();

    let said = login_at(&scene.desktop, &other, "default").await;

    assert!(said.failed(said.code).contains("config.toml could not be written"), "{said:?}");
    login_at(&scene.desktop, &other, "another").await.failed(said.code);
    scene.desktop.evertoken("account set default --require-approval on").await.failed(1);
    goes_on(&scene.desktop, "default").await;
    scene.crash_and_restart().await;
    goes_on(&scene.desktop, "default").await;
    disk.empty();
    // The next change writes the log-ins first: `another`, while the file names the old server of `default`.
    scene.desktop.evertoken("account set another --require-approval on").await.succeeded();
    scene.desktop.evertoken("account set another --require-approval off").await.succeeded();
    assert_eq!(configuration(&scene.desktop).matches(&other.endpoint()).count(), 2);
    goes_on(&scene.desktop, "another").await;
    goes_on(&scene.desktop, "default").await;
    scene.crash_and_restart().await;
    goes_on(&scene.desktop, "default").await;
    assert!(configuration(&scene.desktop).contains(&other.endpoint()));
    got_only_its_own(&other, "a full disk").await;
    got_only_its_own(&scene.sandbox, "a full disk").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_what_config_toml_was_not_told_of_a_log_in_ends_with_the_login() {
    let desktop = Desktop::without_screen().await;
    let Some(disk) = Disk::over(&desktop, "config/evertoken", 64) else { return };
    let scene = Scene::logged_in_on(desktop, FORGIVING).await;
    let other = Sandbox::start(&scene.desktop, FORGIVING).await;
    disk.fill();
    for account in ["default", "another"] {
        let said = login_at(&scene.desktop, &other, account).await;
        assert!(said.failed(said.code).contains("config.toml could not be written"), "{said:?}");
        scene.desktop.evertoken(&format!("logout {account}")).await.succeeded();
        assert_eq!(scene.desktop.status().await.state(account), "signed-out");
    }
    disk.empty();

    // The file says what it said before: this token is for the server that it names.
    let grant = scene.sandbox.sign_in().await;
    scene.desktop.evertoken_reading(&grant.refresh_token, "login default").await.succeeded();

    goes_on(&scene.desktop, "default").await;
    got_only_its_own(&other, "logged out again").await;
    got_only_its_own(&scene.sandbox, "logged out again").await;
    scene.desktop.evertoken("account remove another").await.succeeded();
    assert_eq!(scene.desktop.status().await.names(), ["default"]);
    assert!(!configuration(&scene.desktop).contains(&other.endpoint()));
}
