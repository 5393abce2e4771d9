//! A command of the person's own that prints a login.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::logged_in;
use crate::desktop::{Scene, eventually};

/// Makes this the account's `login_command`, and waits until the agent knows.
pub(crate) async fn configure(scene: &Scene, script: &str) {
    let path = scene.desktop.environment.path("sign-in");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let text = fs::read_to_string(scene.desktop.environment.configuration()).unwrap();
    if !text.contains("login_command") {
        let line = format!("[accounts.default]\nlogin_command = [\"{}\", \"two words\"] # ours", path.display());
        scene.desktop.environment.configure(&text.replace("[accounts.default]", &line));
    }
    eventually("the account has its command", async || {
        let status = scene.desktop.status_over_the_socket().await?;
        status.account("default")["sign_in"].as_array()?.iter().any(|way| way == "command").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_plugs_in_its_own_sign_in() {
    let scene = logged_in("--expires-in 4s").await;
    let grant = scene.sandbox.sign_in().await;
    let response = scene.sandbox.sign_in_response().await.to_string();
    let argument = "test \"$1\" = 'two words' || exit 9; read line && exit 8;";
    configure(&scene, &format!("{argument} echo {}", grant.refresh_token)).await;
    scene.desktop.evertoken("login default --command").await.succeeded();
    scene.goes_on().await;
    configure(&scene, &format!("echo '{response}'")).await;
    scene.desktop.evertoken("login --command").await.succeeded();
    scene.goes_on().await;
    scene.nothing_was_refused("logged in with a command").await;
    let text = fs::read_to_string(scene.desktop.environment.configuration()).unwrap();
    assert!(text.contains("# ours"), "the person's line stays as it was: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_does_not_bring_a_login_is_told_apart_and_changes_nothing() {
    let scene = logged_in("--expires-in 4s").await;
    const SAID: &str = "a-secret-on-standard-error-0123456789";
    for (script, reason) in [
        ("exit 7".to_owned(), "failed with the exit code 7"),
        (format!("echo {SAID} >&2; exit 1"), "failed with the exit code 1"),
        ("kill -9 $$".to_owned(), "was ended by a signal"),
        ("true".to_owned(), "printed no login: no refresh token was given"),
        ("echo two words".to_owned(), "printed no login"),
        ("echo '{\"access_token\":\"a\"}'".to_owned(), "has no refresh_token in it"),
        ("head -c 70000 /dev/zero | tr '\\0' x".to_owned(), "printed more than 64 KiB"),
        ("trap '' PIPE; head -c 70000 /dev/zero | tr '\\0' x; sleep 1000".to_owned(), "printed more than 64 KiB"),
        ("printf '\\377\\376'".to_owned(), "not text"),
        (format!("echo {}", "wrong-token"), "cannot log in"),
    ] {
        configure(&scene, &script).await;
        let said = scene.desktop.evertoken("login default --command").await;
        assert!(said.code == 1 || said.code == 3, "{script}: {said:?}");
        assert!(said.stderr.contains(reason) && said.stderr.contains("nothing was changed"), "{script}: {said:?}");
        assert!(!said.stderr.contains(SAID), "{said:?}");
    }
    assert!(!scene.agent.log().contains(SAID), "what it says may be a secret");
    fs::remove_file(scene.desktop.environment.path("sign-in")).unwrap();
    let said = scene.desktop.evertoken("login default --command").await;
    assert!(said.code == 1 && said.stderr.contains("cannot be run"), "{said:?}");
    scene.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_gives_up_ends_the_command_and_what_it_started() {
    let scene = logged_in("").await;
    configure(&scene, "sleep 1000 & sleep 1000").await;
    let login = super::login(&scene, "--command");
    let sleepers = || {
        let processes = scene.desktop.environment.processes().into_iter();
        processes.filter(|pid| crate::desktop::procfs::command_line(*pid) == "sleep 1000").count()
    };
    eventually("the command runs", async || (sleepers() == 2).then_some(())).await;
    login.abort();
    eventually("nothing of it is left", async || (sleepers() == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_has_ended_is_not_waited_for_because_of_what_it_leaves_running() {
    let scene = logged_in("--expires-in 4s").await;
    let grant = scene.sandbox.sign_in().await;
    configure(&scene, &format!("echo {}; sleep 1000 &", grant.refresh_token)).await;
    scene.desktop.evertoken("login default --command").await.succeeded();
    let command_line = |pid: &u32| crate::desktop::procfs::command_line(*pid) == "sleep 1000";
    assert!(scene.desktop.environment.processes().iter().any(command_line), "a browser that it opened goes on");
    scene.goes_on().await;
}
