//! What outlives its starter holds nothing of it: no open file, no variable of a shell, no session.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use rustix::fs::FlockOperation;

use crate::desktop::{Desktop, Keyring, Outcome, Sandbox, Scene, built, eventually, procfs};

/// A canary in the environment and in the files of whatever starts the agent.
const CANARY: &str = "inherited-canary";

/// Runs a line of shell as cron would: `$1` is `evertoken`.
async fn shell(desktop: &Desktop, line: &str) -> Outcome {
    let mut command = desktop.environment.command("bash");
    command.args(["-c", line, "bash"]).arg(built("evertoken"));
    for name in ["HTTPS_PROXY", "SSL_CERT_FILE", "VAULT_ACCESS_TOKEN", "EVERTOKEN_PROXY_TOKEN", "SOMETHING"] {
        command.env(name, CANARY);
    }
    Outcome::of(command, b"").await
}

/// What a process has open.
fn open_files(pid: procfs::Pid) -> Vec<PathBuf> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    entries.filter_map(|entry| fs::read_link(entry.path()).ok()).collect()
}

fn field(pid: procfs::Pid, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().last().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_under_flock_that_started_the_agent_can_run_again() {
    let desktop = Desktop::without_screen().await;
    let _keyring = Keyring::start(&desktop).await;
    let lock = desktop.environment.path("job.lock");
    let line = format!("flock --nonblock {} \"$1\" status", lock.display());
    shell(&desktop, &line).await.succeeded();
    let agent = desktop.status().await.agent_pid();
    assert!(procfs::is_running(agent));
    rustix::fs::flock(File::open(&lock).unwrap(), FlockOperation::NonBlockingLockExclusive).expect("the lock is free");
    shell(&desktop, &line).await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_a_command_started_holds_nothing_of_that_command() {
    let desktop = Desktop::without_screen().await;
    let _keyring = Keyring::start(&desktop).await;
    let file = desktop.environment.path(CANARY);
    let open: String = (3..=20).map(|number| format!("exec {number}>>{}; ", file.display())).collect();
    shell(&desktop, &format!("{open} \"$1\" status")).await.succeeded();
    let agent = desktop.status().await.agent_pid();

    assert!(file.exists());
    let inherited = open_files(agent).into_iter().find(|path| *path == file);
    assert_eq!(inherited, None);
    let variables = procfs::variables(agent);
    assert!(!variables.contains(CANARY), "{variables}");
    assert!(variables.contains("XDG_STATE_HOME="), "{variables}");
    assert_eq!(field(agent, "NSsid:"), agent.to_string(), "a session of its own");
    assert_eq!(fs::read_link(format!("/proc/{agent}/cwd")).unwrap(), PathBuf::from("/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_run_keeps_the_files_that_its_caller_gave_it() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let file = scene.desktop.environment.path("given");
    let line = format!("exec 7>{}; \"$1\" exec -- sh -c 'echo kept >&7'", file.display());
    let mut command = scene.desktop.environment.command("bash");
    command.args(["-c", &line, "bash"]).arg(built("evertoken"));
    Outcome::of(command, b"").await.succeeded();
    assert_eq!(fs::read_to_string(file).unwrap(), "kept\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_command_gets_no_file_and_no_token_of_the_agents_surroundings() {
    let desktop = Desktop::without_screen().await;
    let _keyring = Keyring::start(&desktop).await;
    let sandbox = Sandbox::start(&desktop, "--expires-in 1h").await;
    let token = sandbox.sign_in().await.refresh_token;
    let seen = desktop.environment.path("seen");
    let script = desktop.environment.path("sign-in");
    let text = format!("#!/bin/sh\nls -l /proc/$$/fd >{0}\nenv >>{0}\necho {token}\n", seen.display());
    fs::write(&script, text).unwrap();
    Command::new("chmod").arg("700").arg(&script).status().unwrap();
    desktop.environment.configure(&format!(
        "version = 1\n[accounts.default]\nendpoint = \"{}\"\nlogin_command = [\"{}\"]\n",
        sandbox.endpoint(),
        script.display()
    ));
    // By hand and not in the background: this agent has the shell's files and variables.
    let file = desktop.environment.path(CANARY);
    let mut agent = desktop.environment.command("bash");
    let line = format!("exec 9>>{}; exec \"$1\"", file.display());
    agent.args(["-c", &line, "bash"]).arg(built("evertoken-agent")).env("VAULT_ACCESS_TOKEN", CANARY);
    let _agent = crate::desktop::Process::spawn(&mut agent);
    eventually("it answers", async || desktop.status_over_the_socket().await).await;

    desktop.evertoken("login default --command").await.succeeded();
    let seen = fs::read_to_string(seen).unwrap();
    assert!(!seen.contains(CANARY), "{seen}");
}
