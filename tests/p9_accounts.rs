//! P9: what an account is called, and a log-in elsewhere that comes to nothing, send no secret to another server.

use std::fs;

use serde_json::json;

use crate::desktop::{Agent, Desktop, Disk, Sandbox, Scene, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn p9_a_new_account_under_a_name_that_was_given_away_has_no_login() {
    let mut scene = Scene::logged_in("--expires-in 4s --grace 0").await;
    let new = json!({ "name": "default", "settings": { "endpoint": scene.sandbox.endpoint() } }).to_string();
    scene.desktop.evertoken("account rename default work").await.succeeded();

    let made = scene.desktop.api("POST /v1/accounts", &new).await.unwrap();

    assert_eq!((made.status, &made.body["state"]), (201, &json!("signed-out")), "{}", made.body);
    scene.crash_and_restart().await;
    let rotations = scene.desktop.until_state("work", "valid").await.rotations("work");
    scene.desktop.until("it goes on", |status| status.rotations("work") >= rotations + 2).await;
    assert_eq!(scene.desktop.status().await.state("default"), "signed-out");
    scene.desktop.evertoken("token default").await.failed(3);
    scene.nothing_was_refused("a new account under the old name").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a_rename_on_a_full_disk_is_none() {
    let desktop = Desktop::without_screen().await;
    let Some(disk) = Disk::over(&desktop, "config/evertoken", 64) else { return };
    let mut scene = Scene::logged_in_on(desktop, "--expires-in 4s --grace 0").await;
    disk.fill();

    scene.desktop.evertoken("account rename default work").await.failed(1);

    for _ in 0..2 {
        assert_eq!(scene.desktop.status().await.names(), ["default"]);
        scene.goes_on().await;
        scene.crash_and_restart().await;
    }
    scene.nothing_was_refused("renamed on a full disk").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a_death_before_a_log_in_elsewhere_has_stored_anything_leaves_the_account_where_it_was() {
    let mut scene = Scene::logged_in("--expires-in 20s --grace 0").await;
    let other = Sandbox::start(&scene.desktop, "").await;
    let configured = fs::read_to_string(scene.desktop.environment.configuration()).unwrap();
    let grant = other.sign_in().await;
    let lock = scene.desktop.environment.account_file("default", "lock");
    let held = fs::File::open(&lock).unwrap();
    eventually("the lock is ours", async || held.try_lock().is_ok().then_some(())).await;
    let options = format!("login default --endpoint {}", other.endpoint());
    let (said, ()) = tokio::join!(scene.desktop.evertoken_reading(&grant.refresh_token, &options), async {
        let files = format!("/proc/{}/fd", scene.agent.pid());
        let is_open = || {
            fs::read_dir(&files).unwrap().flatten().any(|file| fs::read_link(file.path()).is_ok_and(|to| to == lock))
        };
        eventually("the log-in waits for the lock", async || is_open().then_some(())).await;
        scene.agent.kill();
    });
    assert_ne!(said.code, 0);
    assert_eq!(fs::read_to_string(scene.desktop.environment.configuration()).unwrap(), configured);
    drop(held);

    scene.agent = Agent::start(&scene.desktop).await;

    scene.goes_on().await;
    assert!(other.requests().await.is_empty());
    scene.nothing_was_refused("a death before anything was stored").await;
}
