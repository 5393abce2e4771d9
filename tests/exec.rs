//! What scripts and shells hold on to: `exec` gives a command a token that works and nothing else, completions, manual
//! pages, and JSON where it was asked for.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;

use crate::desktop::{Desktop, Outcome, Process, Scene, eventually, procfs};

/// `evertoken exec` with these words after it, each as it is.
async fn exec(desktop: &Desktop, words: &[&str], input: &str) -> Outcome {
    let mut command = desktop.command("exec");
    command.args(words);
    Outcome::of(command, input.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_gets_a_token_that_works_and_nothing_between_it_and_the_caller() {
    let scene = Scene::logged_in("--expires-in 1h").await;

    let words =
        ["--", "sh", "-c", "cat; printf '%s' \"$1 $VAULT_ACCESS_TOKEN\"; echo said >&2; exit 7", "x", "$HOME *"];
    let outcome = exec(&scene.desktop, &words, "typed ").await;

    assert_eq!((outcome.code, outcome.stderr.as_str()), (7, "said\n"), "{outcome:?}");
    let token = outcome.stdout.strip_prefix("typed $HOME * ").expect("input and arguments pass through as they are");
    assert_eq!(scene.sandbox.user_info(token).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_finds_the_token_where_it_looks_for_it() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let words = ["--env", "API_TOKEN", "--min-valid", "10", "--", "sh", "-c", "echo $API_TOKEN$VAULT_ACCESS_TOKEN"];
    assert_eq!(exec(&scene.desktop, &words, "").await.succeeded(), scene.desktop.token().await);
    exec(&scene.desktop, &["--env", "A=B", "--", "true"], "").await.failed(2);
    let header = scene.desktop.evertoken("header --min-valid 10 --wait 1s").await;
    assert_eq!(header.succeeded(), format!("Authorization: Bearer {}", scene.desktop.token().await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_reads_what_a_token_says_of_itself_without_the_token() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let token = scene.desktop.token().await;
    let user = scene.desktop.status().await.account("default")["user_id"].as_str().unwrap().to_owned();

    let page = scene.desktop.evertoken("token --inspect").await;
    let json = scene.desktop.evertoken("token --inspect --json").await;
    let whoami = scene.desktop.evertoken("whoami").await;

    assert!(page.succeeded().contains("JWT, ") && page.stdout.contains("exp "), "{page:?}");
    for part in token.split('.') {
        assert!(!page.stdout.contains(part) && !json.stdout.contains(part), "no part of the token is shown");
    }
    let json: serde_json::Value = serde_json::from_str(json.succeeded()).unwrap();
    assert!(json["claims"]["exp"].is_i64() && json["header"]["alg"].is_string(), "{json}");
    assert!(whoami.succeeded().starts_with(&format!("{user} (account default, http")), "{whoami:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_told_to_stop_has_ended_when_the_command_has() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let token = scene.desktop.token().await;
    let pid = scene.agent.pid();

    assert!(scene.desktop.evertoken("agent stop").await.succeeded().starts_with("The agent has stopped."));
    eventually("its process is gone", async || procfs::command_line(pid).is_empty().then_some(())).await;
    assert_eq!(scene.desktop.evertoken("agent stop").await.succeeded(), "No agent is running.");

    assert_eq!(scene.desktop.token().await, token, "the next command starts it again, with the login");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_reaches_the_command_and_its_end_reaches_the_caller() {
    let scene = Scene::logged_in("--expires-in 1h").await;

    let mut process = Process::spawn(&mut scene.desktop.command("exec default -- sleep 1000"));
    let command_line = eventually("the command has taken the place", async || {
        Some(procfs::command_line(process.pid())).filter(|line| line.starts_with("sleep"))
    })
    .await;

    assert_eq!(command_line, "sleep 1000", "no token is in it");
    assert_eq!(process.terminate().await.signal(), Some(15));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_would_not_last_is_renewed_before_the_command_runs() {
    let scene = Scene::logged_in("--expires-in 20s").await;
    let first = scene.desktop.token().await;
    let before = scene.sandbox.requests().await.len();
    scene.desktop.until_fewer_seconds_are_left("default", 14).await;

    let outcome = exec(&scene.desktop, &["--min-valid", "14s", "--", "printenv", "VAULT_ACCESS_TOKEN"], "").await;

    assert_ne!(outcome.succeeded(), first);
    assert_eq!(scene.sandbox.user_info(outcome.succeeded()).await, 200);
    assert_eq!(scene.sandbox.requests().await.len(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_cannot_be_run_ends_as_in_a_shell() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let file = scene.desktop.environment.path("home/not-a-program");
    std::fs::write(&file, "text").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();

    let missing = exec(&scene.desktop, &["--", "no-such-command"], "").await;
    let text = exec(&scene.desktop, &["--", file.to_str().unwrap()], "").await;

    assert!(missing.failed(127).contains("no-such-command"));
    assert!(text.failed(126).contains("not-a-program"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_the_command_does_not_run() {
    let scene = Scene::signed_out(Desktop::without_screen().await, "").await;
    let witness = scene.desktop.environment.path("home/ran");

    let touch = ["--", "touch", witness.to_str().unwrap()];
    exec(&scene.desktop, &touch, "").await.failed(3);
    exec(&scene.desktop, &["nobody", "--", "touch", witness.to_str().unwrap()], "").await.failed(2);

    assert!(!witness.exists());
    for words in [["echo", "hi"].as_slice(), &["ls", "-l"], &["./report.sh"], &["true"]] {
        let said = exec(&scene.desktop, words, "").await;
        let advice = format!("Put -- before the command: evertoken exec -- {}", words.join(" "));
        assert!(said.failed(2).contains(&advice), "{said:?}");
    }
    assert!(exec(&scene.desktop, &[], "").await.failed(2).contains("No command was given."));
}

#[tokio::test(flavor = "multi_thread")]
async fn shells_complete_commands_options_and_the_names_of_accounts() {
    let desktop = Desktop::without_screen().await;
    desktop.environment.configure("version = 1\n[accounts.work-eu]\nendpoint = \"https://vault.example/token\"\n");
    let script = desktop.evertoken("completions bash").await.succeeded().to_owned();
    assert!(script.contains("complete "), "{script}");

    let complete = async |words: &[&str]| {
        // As the script asks; the program is called by its path here and by its name there.
        let mut command = desktop.command("-- evertoken");
        command.args(words).env("EVERTOKEN_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", words.len().to_string());
        Outcome::of(command, b"").await.succeeded().to_owned()
    };

    assert_eq!(complete(&["stat"]).await, "status");
    assert_eq!(complete(&["token", "w"]).await, "work-eu");
    assert_eq!(complete(&["account", "rename", "w"]).await, "work-eu");
    assert_eq!(complete(&["token", "--min"]).await, "--min-valid");
    assert_eq!(complete(&["exec", "--", "cu"]).await, "", "what follows is the shell's own business");
    assert!(!desktop.socket().exists(), "the Tab key starts no agent");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_has_a_manual_page() {
    let desktop = Desktop::without_screen().await;
    let folder = desktop.environment.path("home/man");

    desktop.evertoken(&format!("man --dir {}", folder.display())).await.succeeded();

    let page = std::fs::read_to_string(folder.join("evertoken-exec.1")).unwrap();
    assert!(page.contains("VAULT_ACCESS_TOKEN"), "{page}");
    assert!(desktop.evertoken("man exec").await.succeeded().contains("VAULT_ACCESS_TOKEN"));
    desktop.evertoken("man nonsense").await.failed(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_json_where_json_was_asked_for() {
    let scene = Scene::signed_out(Desktop::with_screen().await, "--expires-in 1h").await;
    let json = |outcome: Outcome| {
        let text = outcome.succeeded().to_owned();
        serde_json::from_str::<serde_json::Value>(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    let grant = scene.sandbox.sign_in().await;
    let login = format!("login work --json --endpoint {}", scene.sandbox.endpoint());
    assert_eq!(json(scene.desktop.evertoken_reading(&grant.refresh_token, &login).await)["state"], "valid");
    assert_eq!(json(scene.desktop.evertoken("refresh --json").await)["name"], "work");
    assert!(json(scene.desktop.evertoken("copy --json").await)["cleared_after"].is_u64());
    assert_eq!(json(scene.desktop.evertoken("account rename work eu --json").await)["name"], "eu");
    assert_eq!(json(scene.desktop.evertoken("account list --json").await)["accounts"][0]["name"], "eu");
    assert_eq!(json(scene.desktop.evertoken("logout eu --json").await)["state"], "signed-out");
    assert_eq!(json(scene.desktop.evertoken("account remove eu --json").await)["removed"], "eu");

    let refused = scene.desktop.evertoken("logout eu --json").await;
    let problem: serde_json::Value = serde_json::from_str(&refused.stderr).unwrap();
    assert_eq!((refused.code, problem["type"].as_str()), (2, Some("urn:evertoken:unknown-account")));
}
