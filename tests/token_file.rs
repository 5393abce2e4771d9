//! A token file holds a valid token, or is not there.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::desktop::{Scene, eventually, procfs};

/// Access tokens of 8 s are renewed every 6 s or so.
const SHORT: &str = "--expires-in 8s --grace 0";

fn file_of(scene: &Scene, name: &str) -> PathBuf {
    scene.desktop.environment.path("home").join(name)
}

async fn keep(scene: &Scene, file: &Path, form: &str) {
    let arguments = format!("account set default --token-file {} --form {form}", file.display());
    scene.desktop.evertoken(&arguments).await.succeeded();
}

async fn text_of(file: &Path) -> String {
    eventually("the file is there", async || fs::read_to_string(file).ok()).await
}

async fn is_gone(file: &Path) {
    eventually("the file is gone", async || (!file.exists()).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_finds_a_valid_token_in_each_form_at_any_time() {
    let scene = Scene::logged_in(SHORT).await;
    let file = file_of(&scene, "token");
    keep(&scene, &file, "raw").await;
    let first = text_of(&file).await;
    assert_eq!(scene.desktop.environment.mode("home/token"), 0o600);

    // Two rotations long, every read is a whole token that the server takes.
    let mut seen = vec![first];
    while seen.len() < 3 {
        let text = text_of(&file).await;
        let token = text.strip_suffix('\n').unwrap();
        assert_eq!(scene.sandbox.user_info(token).await, 200);
        if seen.last() != Some(&text) {
            seen.push(text);
        }
    }

    keep(&scene, &file, "env").await;
    let text = eventually("the other form", async || {
        fs::read_to_string(&file).ok().filter(|text| text.starts_with("VAULT_ACCESS_TOKEN="))
    })
    .await;
    let token = text.trim_end().split_once('=').unwrap().1;
    assert_eq!(scene.sandbox.user_info(token).await, 200);
    keep(&scene, &file, "json").await;
    let json: Value = eventually("the third form", async || {
        fs::read_to_string(&file).ok().and_then(|text| serde_json::from_str(&text).ok())
    })
    .await;
    assert_eq!(json["account"], "default");
    assert_eq!(scene.sandbox.user_info(json["access_token"].as_str().unwrap()).await, 200);

    scene.desktop.evertoken("account set default --no-token-file").await.succeeded();
    is_gone(&file).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_says_done_has_done_it() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let file = file_of(&scene, "token");
    let now = |what: &str| fs::read_to_string(&file).unwrap_or_else(|error| panic!("{what}: {error}"));
    for _ in 0..3 {
        keep(&scene, &file, "raw").await;
        assert_eq!(now("a new file"), format!("{}\n", scene.desktop.token().await));
        keep(&scene, &file, "env").await;
        assert!(now("another form").starts_with("VAULT_ACCESS_TOKEN="));
        let grant = scene.sandbox.sign_in().await.refresh_token;
        scene.desktop.login_with("default", &scene.sandbox, &grant).await.succeeded();
        assert!(now("another login").contains(&scene.desktop.token().await));
        scene.desktop.evertoken("account set default --no-token-file").await.succeeded();
        assert!(!file.exists(), "no file any more");
    }
    keep(&scene, &file, "raw").await;
    scene.desktop.evertoken("logout default").await.succeeded();
    assert!(!file.exists(), "logged out");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_goes_with_the_token_the_login_and_the_agent() {
    let mut scene = Scene::logged_in(SHORT).await;
    let file = file_of(&scene, "token");
    keep(&scene, &file, "raw").await;
    text_of(&file).await;

    scene.sandbox.fault(json!({ "status": 503, "times": 1000 })).await;
    scene.desktop.until_state("default", "expired").await;
    is_gone(&file).await;
    scene.sandbox.heal().await;
    text_of(&file).await;

    scene.agent.terminate().await;
    assert!(!file.exists(), "nobody keeps it any more");
    scene.agent = crate::desktop::Agent::start(&scene.desktop).await;
    text_of(&file).await;

    scene.desktop.evertoken("logout default").await.succeeded();
    is_gone(&file).await;
    scene.desktop.login("default", &scene.sandbox).await;
    text_of(&file).await;
    scene.desktop.evertoken("logout default").await.succeeded();
    scene.desktop.evertoken("account remove default").await.succeeded();
    is_gone(&file).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_persons_own_is_written_over_or_removed() {
    let scene = Scene::logged_in("--expires-in 23h").await;
    let file = file_of(&scene, "notes");
    keep(&scene, &file, "raw").await;
    text_of(&file).await;
    fs::remove_file(&file).unwrap();
    fs::write(&file, "my own notes\n").unwrap();
    let refused = "something else is there";
    let problem = |status: &crate::desktop::Status| status.account("default")["token_file"]["problem"].to_string();
    scene.desktop.evertoken("account set default --no-token-file").await.succeeded();
    scene.desktop.until("no file is kept", |status| status.account("default")["token_file"].is_null()).await;
    let configuration = fs::read_to_string(scene.desktop.environment.configuration()).unwrap();
    let kept = format!("token_file = {{ path = {:?} }}\n", file.display().to_string());
    scene
        .desktop
        .environment
        .configure(&configuration.replace("[accounts.default]\n", &format!("[accounts.default]\n{kept}")));
    procfs::signal(scene.agent.pid(), Signal::HUP);
    scene.desktop.until(refused, |status| problem(status).contains(refused)).await;
    assert_eq!(fs::read_to_string(&file).unwrap(), "my own notes\n");

    fs::remove_file(&file).unwrap();
    procfs::signal(scene.agent.pid(), Signal::HUP);
    text_of(&file).await;
    fs::write(&file, "my own notes again\n").unwrap();
    let said = scene.desktop.evertoken("account set default --no-token-file").await;
    assert!(said.succeeded().contains("was changed by another program and is left there"), "{said:?}");
    scene.desktop.until("no file is kept", |status| status.account("default")["token_file"].is_null()).await;
    assert_eq!(fs::read_to_string(&file).unwrap(), "my own notes again\n");

    let folder = file_of(&scene, "folder");
    fs::create_dir(&folder).unwrap();
    let said = scene.desktop.evertoken(&format!("account set default --token-file {}", folder.display())).await;
    assert!(said.failed(2).contains("it is a folder"), "{said:?}");
    assert!(folder.is_dir());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_cannot_hold_a_file_is_refused_in_words() {
    let scene = Scene::logged_in("--expires-in 23h").await;
    let said = scene.desktop.evertoken("account set default --token-file /tmp/").await;
    assert!(said.failed(2).contains("not an absolute path of a file"));
    let file = file_of(&scene, "token");
    let both = format!("account set default --token-file {} --require-approval on", file.display());
    assert!(scene.desktop.evertoken(&both).await.failed(2).contains("turn one of the two off"));
    let said = scene.desktop.evertoken("account set default --token-file /nowhere/token").await;
    assert!(said.failed(2).contains("it cannot be written"), "{said:?}");
    assert!(scene.desktop.status().await.account("default")["token_file"].is_null());
}
