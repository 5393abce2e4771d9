//! P10: Evertoken changes or deletes no file that it did not make.

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;

use crate::desktop::{Agent, Scene, eventually, procfs};

const LONG: &str = "--expires-in 23h";
const REFUSED: &str = "something else is there that Evertoken did not make";

fn file_of(scene: &Scene, name: &str) -> PathBuf {
    scene.desktop.environment.path("home").join(name)
}

async fn is_kept(scene: &Scene, file: &PathBuf) -> String {
    scene.desktop.evertoken(&format!("account set default --token-file {}", file.display())).await.succeeded();
    eventually("the token file is there", async || fs::read_to_string(file).ok()).await
}

/// Temporary files beside token files.
fn temporary_files(scene: &Scene) -> Vec<PathBuf> {
    let entries = fs::read_dir(scene.desktop.environment.path("home")).unwrap().flatten();
    let hidden = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".evertoken-"));
    hidden.map(|entry| entry.path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_looks_like_a_token_file_is_refused_at_once_and_kept() {
    let scene = Scene::logged_in(LONG).await;
    let theirs = [
        (".pgpass", "db:5432:*:me:secret\n"),
        (".vault-token", "hvs.abcdefgh\n"),
        (".env", "VAULT_ACCESS_TOKEN=abc\n"),
        ("key", "c2VjcmV0\n"),
        ("empty", ""),
        (".lock", ""),
        ("json", "{\"account\":1,\"access_token\":2,\"token_type\":3,\"expires_at\":4}\n"),
    ];
    for (name, contents) in theirs {
        let file = file_of(&scene, name);
        fs::write(&file, contents).unwrap();
        let said = scene.desktop.evertoken(&format!("account set default --token-file {}", file.display())).await;
        assert!(said.failed(2).contains(REFUSED), "{name}: {said:?}");
        scene.desktop.evertoken("account set default --no-token-file").await.succeeded();
        assert_eq!(fs::read_to_string(&file).unwrap(), contents, "{name}");
    }
    assert!(scene.desktop.status().await.account("default")["token_file"].is_null());
    assert!(temporary_files(&scene).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_agent_knows_its_own_file_and_no_other_at_the_next_start() {
    let mut scene = Scene::logged_in(LONG).await;
    let file = file_of(&scene, "token");
    let token = is_kept(&scene, &file).await;
    scene.crash_and_restart().await;
    scene.desktop.until_state("default", "valid").await;
    eventually("it is kept again", async || fs::read_to_string(&file).ok().filter(|text| *text == token)).await;

    // Somebody else's, with the very contents, while no agent runs.
    scene.agent.kill();
    let copy = file_of(&scene, "copy");
    fs::copy(&file, &copy).unwrap();
    fs::rename(&copy, &file).unwrap();
    scene.agent = Agent::start(&scene.desktop).await;
    let problem = |status: &crate::desktop::Status| status.account("default")["token_file"]["problem"].to_string();
    scene.desktop.until(REFUSED, |status| problem(status).contains(REFUSED)).await;
    scene.agent.terminate().await;
    assert_eq!(fs::read_to_string(&file).unwrap(), token);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_state_folder_costs_no_file() {
    let mut scene = Scene::logged_in(LONG).await;
    let file = file_of(&scene, "token");
    let token = is_kept(&scene, &file).await;
    scene.agent.kill();
    fs::remove_dir_all(scene.desktop.environment.path("state/evertoken/token-files")).unwrap();
    scene.agent = Agent::start(&scene.desktop).await;
    let problem = |status: &crate::desktop::Status| status.account("default")["token_file"]["problem"].to_string();
    scene.desktop.until(REFUSED, |status| problem(status).contains("delete it")).await;
    assert_eq!(fs::read_to_string(&file).unwrap(), token);
    fs::remove_file(&file).unwrap();
    procfs::signal(scene.agent.pid(), Signal::HUP);
    eventually("the token file is there", async || fs::read_to_string(&file).ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_any_two_writes_leaves_no_token_behind() {
    for place in ["token-file-written", "token-file-in-place"] {
        let mut scene = Scene::logged_in(LONG).await;
        let file = file_of(&scene, "token");
        is_kept(&scene, &file).await;
        scene.agent.kill();
        scene.desktop.environment.set("EVERTOKEN_FAIL_POINT", place);
        let mut doomed = Agent::launch(&scene.desktop, &[]);
        assert!(!doomed.ended().await.success(), "it should have died at {place}");
        scene.desktop.environment.set("EVERTOKEN_FAIL_POINT", "");
        // Nobody wants the file any more when the next agent starts.
        let configuration = fs::read_to_string(scene.desktop.environment.configuration()).unwrap();
        let without: String =
            configuration.lines().filter(|line| !line.contains("token_file")).collect::<Vec<_>>().join("\n");
        let without = without.lines().filter(|line| !line.starts_with("path =")).collect::<Vec<_>>().join("\n");
        scene.desktop.environment.configure(&without);
        scene.agent = Agent::start(&scene.desktop).await;
        eventually(&format!("nothing is left after {place}"), async || {
            (!file.exists() && temporary_files(&scene).is_empty()).then_some(())
        })
        .await;
    }
}
