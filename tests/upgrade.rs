//! The agent's program is replaced while it runs, as package managers do it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::desktop::{Desktop, Keyring, Outcome, Process, Sandbox, built, eventually, procfs, throughout};

/// An agent that would go has gone after this.
const CALM: Duration = Duration::from_secs(2);

/// The programs in a folder of their own, an agent that runs from there, and a login.
struct Installed {
    agent: Process,
    sandbox: Sandbox,
    _keyring: Keyring,
    desktop: Desktop,
}

impl Installed {
    async fn logged_in() -> Self {
        Self::logged_in_on(Desktop::without_screen().await, "--expires-in 1h --grace 0").await
    }

    async fn logged_in_on(desktop: Desktop, sandbox_options: &str) -> Self {
        let keyring = Keyring::start(&desktop).await;
        let sandbox = Sandbox::start(&desktop, sandbox_options).await;
        let program = bin(&desktop).join("evertoken-agent");
        fs::create_dir(bin(&desktop)).unwrap();
        fs::copy(built("evertoken-agent"), &program).unwrap();
        let agent = Process::spawn(&mut desktop.environment.command(program));
        eventually("the agent listens", async || desktop.api("GET /v1/status", "").await).await;
        desktop.login("default", &sandbox).await;
        Self { agent, sandbox, _keyring: keyring, desktop }
    }

    /// As dpkg and rpm do it: written beside and renamed.
    fn put_in_place(&self, content: &Path) {
        let program = bin(&self.desktop).join("evertoken-agent");
        let beside = program.with_extension("dpkg-new");
        fs::copy(content, &beside).unwrap();
        fs::rename(beside, program).unwrap();
    }

    fn runs_what_was_replaced(&self) -> bool {
        program_of(self.agent.pid()).to_string_lossy().ends_with("(deleted)")
    }

    async fn is_upgraded(&self) {
        eventually("the new program runs", async || (!self.runs_what_was_replaced()).then_some(())).await;
    }
}

fn bin(desktop: &Desktop) -> PathBuf {
    desktop.environment.path("bin")
}

fn program_of(pid: procfs::Pid) -> PathBuf {
    fs::read_link(format!("/proc/{pid}/exe")).unwrap()
}

/// Reads the token until it is told to stop; all answers.
async fn poll(mut command: impl FnMut() -> Command + Send + 'static, stop: Arc<AtomicBool>) -> Vec<Outcome> {
    let mut answers = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        answers.push(Outcome::of(command(), b"").await);
    }
    answers
}

fn curl(desktop: &Desktop) -> Command {
    let mut curl = desktop.environment.command("curl");
    curl.args(["--silent", "--show-error", "--fail", "--max-time", "20", "--unix-socket"]).arg(desktop.socket());
    curl.arg("http://evertoken/v1/accounts/-/token");
    curl
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_token_is_there_at_every_moment_of_an_upgrade_and_no_login_is_spent() {
    let installed = Arc::new(Installed::logged_in().await);
    let desktop = &installed.desktop;
    let (token, pid) = (desktop.token().await, installed.agent.pid());
    let sent = installed.sandbox.requests().await.len();
    let stop = Arc::new(AtomicBool::new(false));
    let pollers = [true, true, false, false].map(|is_curl| {
        let (desktop, stop) = (Arc::clone(&installed), Arc::clone(&stop));
        let command = move || if is_curl { curl(&desktop.desktop) } else { desktop.desktop.command("token") };
        tokio::spawn(poll(command, stop))
    });

    for _ in 0..5 {
        installed.put_in_place(&built("evertoken-agent"));
        installed.is_upgraded().await;
        desktop.until_state("default", "valid").await;
    }

    stop.store(true, Ordering::Relaxed);
    for poller in pollers {
        let answers = poller.await.unwrap();
        assert!(answers.len() > 5, "{}", answers.len());
        for answer in answers {
            assert!(answer.succeeded().contains(&token), "{answer:?}");
        }
    }
    assert_eq!(desktop.status().await.agent_pid(), pid, "systemd goes on to know it");
    assert_eq!(installed.sandbox.requests().await.len(), sent, "nothing was refreshed for it");
    desktop.evertoken("agent stop").await.succeeded();
    eventually("the last one takes its socket away", async || (!desktop.socket().exists()).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_would_not_start_is_not_changed_to() {
    let installed = Installed::logged_in().await;
    let token = installed.desktop.token().await;
    let goes_on = async || installed.runs_what_was_replaced() && installed.desktop.token().await == token;
    for other in ["/bin/false".into(), "/bin/true".into(), built("evertoken")] {
        installed.put_in_place(&other);
        throughout(CALM, "the old program serves", goes_on).await;
    }
    let doctor = installed.desktop.evertoken("doctor").await;
    assert!(doctor.stdout.contains("was replaced or removed"), "{doctor:?}");

    installed.put_in_place(&built("evertoken-agent"));
    installed.is_upgraded().await;
    assert_eq!(installed.desktop.token().await, token);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_configuration_is_broken_or_gone_the_old_program_serves() {
    let installed = Installed::logged_in().await;
    let token = installed.desktop.token().await;
    let file = installed.desktop.environment.configuration();
    let written = fs::read_to_string(&file).unwrap();
    let goes_on = async || installed.runs_what_was_replaced() && installed.desktop.token().await == token;

    fs::write(&file, "half a line =").unwrap();
    installed.put_in_place(&built("evertoken-agent"));
    throughout(CALM, "the old program serves", goes_on).await;
    fs::remove_file(&file).unwrap();
    installed.put_in_place(&built("evertoken-agent"));
    throughout(CALM, "the old program serves", goes_on).await;

    fs::write(&file, written).unwrap();
    installed.is_upgraded().await;
    assert_eq!(installed.desktop.token().await, token);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_is_there_all_the_time() {
    let installed = Installed::logged_in().await;
    let file = installed.desktop.environment.path("token");
    let set = format!("account set default --token-file {}", file.display());
    installed.desktop.evertoken(&set).await.succeeded();
    let token = fs::read_to_string(&file).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let (watched, stopped) = (file.clone(), Arc::clone(&stop));
    let reader = std::thread::spawn(move || {
        let mut reads = 0_u64;
        while !stopped.load(Ordering::Relaxed) {
            assert_eq!(fs::read_to_string(&watched).ok().as_deref(), Some(token.as_str()));
            reads += 1;
        }
        reads
    });

    installed.put_in_place(&built("evertoken-agent"));
    installed.is_upgraded().await;
    installed.desktop.until_state("default", "valid").await;

    stop.store(true, Ordering::Relaxed);
    assert!(reader.join().unwrap() > 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_refresh_that_has_begun_is_finished_by_the_program_that_began_it() {
    let installed = Installed::logged_in_on(Desktop::without_screen().await, "--expires-in 12s --grace 0").await;
    let desktop = &installed.desktop;
    let before = desktop.status().await.rotations("default");
    installed.sandbox.fault(serde_json::json!({ "delay": "2s" })).await;
    desktop.until_state("default", "refreshing").await;
    installed.put_in_place(&built("evertoken-agent"));

    installed.is_upgraded().await;
    installed.sandbox.heal().await;
    desktop.until("the next program refreshes too", |status| status.rotations("default") >= before + 2).await;
    assert_eq!(installed.sandbox.user_info(&desktop.token().await).await, 200);
    assert!(installed.sandbox.requests().await.iter().all(|request| request.status == Some(200)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_only_in_memory_is_not_lost_to_an_upgrade() {
    let desktop = Desktop::without_screen().await;
    desktop.environment.configure("version = 1\n[settings]\nkeychain = \"memory\"\n");
    let installed = Installed::logged_in_on(desktop, "--expires-in 1h --grace 0").await;
    let token = installed.desktop.token().await;
    installed.put_in_place(&built("evertoken-agent"));
    let is_there = async || installed.runs_what_was_replaced() && installed.desktop.token().await == token;
    throughout(CALM, "the login is there", is_there).await;
}
