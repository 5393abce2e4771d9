//! The programs for Windows, run by Wine: Credential Manager, named pipe, locks and processes are Wine's, and what they
//! show is our own logic. The server runs beside Wine.

mod installer;
mod mistakes;
mod sleep;
mod tray;

use std::fs;

use futures_util::future::join_all;
use serde_json::json;

use crate::desktop::{Desktop, Outcome, Sandbox, Scene, eventually, on_drive};
use crate::p1_crash::{ANSWER_IN_HAND, TOKEN_AT_HAND, dies_at};
use crate::proxy::reaches_the_resource_without_the_token;
use crate::restart::twenty_commands_start_one_agent;

async fn logged_in(sandbox_options: &str) -> Scene {
    Scene::logged_in_on(Desktop::of_windows().await, sandbox_options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_command_starts_the_agent_and_a_login_gives_a_token_that_works() {
    let desktop = Desktop::of_windows().await;
    let sandbox = Sandbox::start(&desktop, "--expires-in 1h").await;

    desktop.login("default", &sandbox).await;

    let agent = desktop.status().await.agent_pid();
    let token = desktop.token().await;
    assert_eq!(sandbox.user_info(&token).await, 200);
    assert_eq!(desktop.evertoken("header").await.succeeded(), format!("Authorization: Bearer {token}"));
    assert_eq!(desktop.evertoken("token --min-valid 30m --wait 1s").await.succeeded(), token);
    desktop.evertoken("token --min-valid 2h").await.failed(1);
    let outcome = desktop.evertoken("exec -- cmd /c exit 7").await;
    assert_eq!((outcome.code, outcome.stdout.as_str()), (7, ""), "{outcome:?}");
    let given = desktop.evertoken("exec -- cmd /c echo %VAULT_ACCESS_TOKEN%").await;
    assert_eq!(given.succeeded().trim_end(), token);
    assert_eq!(desktop.status().await.agent_pid(), agent, "one agent serves all commands");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_commands_at_once_start_one_agent() {
    twenty_commands_start_one_agent(&Desktop::of_windows().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_knows_which_program_got_a_token() {
    let scene = logged_in("--expires-in 1h").await;
    let script = r"exec -- cmd /c Z:\mnt\windows\evertoken.exe token";
    assert_eq!(scene.sandbox.user_info(scene.desktop.evertoken(script).await.succeeded()).await, 200);
    let said = scene.desktop.evertoken("access default").await;
    assert!(said.succeeded().contains(" C:/windows/system32/cmd.exe "), "the program that ran evertoken: {said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_accounts_live_side_by_side() {
    let scene = Scene::signed_out(Desktop::of_windows().await, "--expires-in 1h").await;
    for account in ["work", "home"] {
        scene.desktop.login(account, &scene.sandbox).await;
    }
    assert_eq!(scene.desktop.status().await.names(), ["home", "work"]);
    let work = scene.desktop.evertoken("token work").await.succeeded().to_owned();
    let home = scene.desktop.evertoken("token home").await.succeeded().to_owned();
    assert_ne!(work, home);
    assert_eq!(scene.desktop.token().await, work, "the first one is the default");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_alone_refreshes_a_token_and_no_request_is_refused() {
    let scene = logged_in("--expires-in 4s --grace 0").await;
    let rotations = scene.desktop.status().await.rotations("default");
    scene.desktop.until("three more", |status| status.rotations("default") >= rotations + 3).await;
    let requests = scene.sandbox.requests().await;
    assert!(requests.iter().all(|request| request.status == Some(200)), "{requests:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_callers_send_one_request() {
    let scene = logged_in("--expires-in 20s --grace 0").await;
    scene.desktop.until_fewer_seconds_are_left("default", 12).await;
    let before = scene.sandbox.requests().await.len();
    scene.sandbox.fault(json!({ "delay": "500ms" })).await;

    let outcomes = join_all((0..20).map(|_| scene.desktop.evertoken("token --min-valid 12s"))).await;

    let tokens: Vec<_> = outcomes.iter().map(Outcome::succeeded).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    assert_eq!(scene.sandbox.requests().await.len(), before + 1);
    assert_eq!(scene.sandbox.user_info(tokens[0]).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_death_at_any_place_of_a_rotation_keeps_the_login() {
    for place in TOKEN_AT_HAND {
        dies_at(place, 0, Desktop::of_windows().await).await;
    }
    for place in ANSWER_IN_HAND {
        dies_at(place, 1, Desktop::of_windows().await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_finds_tokens_that_no_single_entry_could_hold() {
    let mut scene = logged_in("--expires-in 1h --refresh-token-bytes 6000 --access-token-bytes 6000").await;
    let token = scene.desktop.token().await;
    let before = scene.sandbox.requests().await.len();

    scene.crash_and_restart().await;

    scene.desktop.until_state("default", "valid").await;
    assert_eq!(scene.desktop.token().await, token);
    assert_eq!(scene.sandbox.requests().await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reason_for_no_token_has_its_own_exit_code() {
    let mut scene = Scene::signed_out(Desktop::of_windows().await, "--expires-in 4s --grace 0").await;
    assert!(scene.desktop.evertoken("token").await.failed(3).contains("evertoken login"));
    scene.desktop.evertoken("token --min-valid soon").await.failed(2);
    scene.desktop.login("default", &scene.sandbox).await;

    for _ in 0..20 {
        scene.sandbox.fault(json!({ "status": 503 })).await;
    }
    scene.desktop.until("it has expired", |status| status.has_expired("default")).await;
    scene.desktop.evertoken("token").await.failed(4);

    scene.sandbox.heal().await;
    scene.sandbox.expire().await;
    scene.desktop.until_state("default", "login-required").await;
    assert_eq!(scene.desktop.evertoken("token").await.failed(3).lines().count(), 2);

    // A keychain file without a key cannot be opened.
    scene.agent.kill();
    let file = scene.desktop.environment.configuration();
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("[settings]", "[settings]\nkeychain = \"file\"")).unwrap();
    scene.agent = crate::desktop::Agent::start(&scene.desktop).await;
    let grant = scene.sandbox.sign_in().await;
    scene.desktop.login_with("default", &scene.sandbox, &grant.refresh_token).await.failed(5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_is_for_good() {
    let mut scene = logged_in("--expires-in 1h").await;
    scene.desktop.evertoken("logout default").await.succeeded();
    scene.desktop.evertoken("token").await.failed(3);

    scene.crash_and_restart().await;

    scene.desktop.evertoken("token").await.failed(3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_follows_the_token_and_goes_with_the_login() {
    let scene = logged_in("--expires-in 8s --grace 0").await;
    let file = scene.desktop.environment.path("home/token");
    let arguments = format!("account set default --token-file {}", on_drive(&file));
    scene.desktop.evertoken(&arguments).await.succeeded();
    let first = eventually("the file", async || fs::read_to_string(&file).ok()).await;
    assert_eq!(scene.sandbox.user_info(first.trim_end()).await, 200);
    let next = async || fs::read_to_string(&file).ok().filter(|text| *text != first);
    let next = eventually("the next token", next).await;
    assert_eq!(scene.sandbox.user_info(next.trim_end()).await, 200);

    scene.desktop.evertoken("logout default").await.succeeded();
    eventually("the file goes", async || (!file.exists()).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_reaches_the_resource_through_the_proxy() {
    reaches_the_resource_without_the_token(&logged_in("--expires-in 1h").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_cannot_be_read_is_left_alone_and_named() {
    let desktop = Desktop::of_windows().await;
    desktop.environment.configure("[accounts.a]\nendpoint = 7\n");
    let said = desktop.evertoken("status").await;
    assert!(said.failed(1).contains("config.toml"), "{said:?}");
    assert_eq!(fs::read_to_string(desktop.environment.configuration()).unwrap(), "[accounts.a]\nendpoint = 7\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_first_log_in_the_agent_starts_at_sign_in_and_its_notifications_have_a_name() {
    let scene = logged_in("--expires-in 1h").await;
    let run = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run";
    for (key, value, words) in [
        (run, "evertoken-agent", "evertoken-agent.exe\""),
        (r"HKCU\Software\Classes\AppUserModelId\Evertoken", "DisplayName", "Evertoken"),
    ] {
        let said = scene.desktop.wine(&["reg", "query", key, "/v", value]).await;
        assert!(said.succeeded().trim_end().ends_with(words), "{said:?}");
    }
    let text = fs::read_to_string(scene.desktop.environment.configuration()).unwrap();
    scene.desktop.environment.configure(&text.replace("start_at_login = true", "start_at_login = false"));
    eventually("the entry goes", async || {
        (scene.desktop.wine(&["reg", "query", run, "/v", "evertoken-agent"]).await.code != 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_is_edited_by_hand_applies_at_once() {
    let scene = logged_in("--expires-in 1h").await;
    let text = fs::read_to_string(scene.desktop.environment.configuration()).unwrap();
    let elsewhere = "https://vault.invalid/token";
    scene.desktop.environment.configure(&text.replace(&scene.sandbox.endpoint(), elsewhere));
    scene.desktop.until("the new endpoint", |status| status.account("default")["endpoint"] == elsewhere).await;
}
