//! Under systemd, or what stands for it: socket activation, notification, units; and quiet without buses.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tokio::net::UnixDatagram;
use tokio::time::{interval, timeout};

use super::place::{Server, machine};
use crate::desktop::{Agent, Desktop, Outcome, PATIENCE, Process, Sandbox, built, eventually, procfs, source};
use crate::p5_local_api::{as_another_user, open_every_door};

/// How long it has to be quiet, and how many of these spans it may take to become quiet.
const SPAN: Duration = Duration::from_secs(5);
const SPANS: usize = 9;

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_agent_without_any_bus_does_not_wake_up() {
    let server = Server::logged_in("--expires-in 23h").await;
    let pid = server.agent.pid();
    let mut ends = interval(SPAN);
    ends.tick().await;
    let mut woken = Vec::new();
    for _ in 0..SPANS {
        let before = procfs::context_switches(pid);
        ends.tick().await;
        // The sum also falls, when a thread that rested ends.
        woken.push(procfs::context_switches(pid).abs_diff(before));
        if woken.last() == Some(&0) {
            break;
        }
    }
    assert_eq!(woken.last(), Some(&0), "put on a processor in spans of {SPAN:?}: {woken:?} times");
    let log = server.agent.log();
    assert!(log.contains("none is waited for") && !log.contains("pause="), "it looks for a bus again:\n{log}");
}

/// The service manager's end of sd_notify(3).
struct Manager {
    socket: UnixDatagram,
}

impl Manager {
    fn of(desktop: &mut Desktop) -> Self {
        let path = desktop.environment.path("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        desktop.environment.set("NOTIFY_SOCKET", &path.display().to_string());
        Self { socket }
    }

    /// The next message.
    async fn hears(&self) -> String {
        let mut bytes = [0; 4096];
        let length = timeout(PATIENCE, self.socket.recv(&mut bytes)).await.expect("a message").unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    /// Reads on until a message has this line; returns all of them.
    async fn hears_of(&self, line: &str) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            heard.push(self.hears().await);
            if heard.last().is_some_and(|message| message.lines().any(|one| one == line)) {
                return heard;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_manager_hears_that_the_agent_is_ready_how_it_is_and_that_it_ends() {
    let mut desktop = machine().await;
    let manager = Manager::of(&mut desktop);
    let sandbox = Sandbox::start(&desktop, "--expires-in 4s").await;
    let mut agent = Agent::launch(&desktop, &["--no-tray"]);

    assert_eq!(manager.hears().await, "READY=1\nSTATUS=no account\n");
    desktop.login("default", &sandbox).await;
    let heard = manager.hears_of("STATUS=1 account: 1 valid").await;
    assert!(heard.iter().all(|message| !message.contains("eyJ")), "{heard:?}");

    procfs::signal(agent.pid(), rustix::process::Signal::HUP);
    let reloading = manager.hears_of("RELOADING=1").await;
    let last = reloading.last().unwrap();
    assert!(last.lines().any(|line| line.starts_with("MONOTONIC_USEC=")), "{last}");
    assert_eq!(manager.hears().await, "READY=1\n");

    sandbox.expire().await;
    manager.hears_of("STATUS=1 account: 1 log in").await;
    let log = agent.log();
    assert!(log.contains("WARN") && log.contains("Log in to Vault again: default: the login expired at"), "{log}");

    assert!(agent.terminate().await.success());
    manager.hears_of("STOPPING=1").await;

    let mut agent = Agent::launch(&desktop, &["--no-tray"]);
    let first = manager.hears().await;
    assert!(first.starts_with("READY=1\nSTATUS=1 account: "), "ready before the keychain was asked: {first}");
    assert!(!first.contains("refreshing"), "{first}");
    assert!(agent.terminate().await.success());
}

/// `systemd-socket-activate` listens for the agent and becomes it when the first client comes.
fn activated(desktop: &Desktop) -> Process {
    let socket = desktop.socket();
    fs::create_dir_all(socket.parent().unwrap()).unwrap();
    let log = fs::File::create(desktop.environment.path("logs/activated.log")).unwrap();
    let mut command = desktop.environment.command("systemd-socket-activate");
    command.arg("--listen").arg(&socket);
    for name in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "EVERTOKEN_LOG"] {
        command.args(["--setenv", name]);
    }
    command.arg(built("evertoken-agent")).arg("--no-tray").env("EVERTOKEN_LOG", "debug").stderr(log);
    Process::spawn(&mut command)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_systemd_opened_is_served_guarded_and_left_behind() {
    let desktop = machine().await;
    let sandbox = Sandbox::start(&desktop, "--expires-in 1h").await;
    let mut agent = activated(&desktop);
    eventually("systemd listens", async || procfs::is_listening(&desktop.socket()).then_some(())).await;
    assert_eq!(procfs::command_line(agent.pid()).split(' ').next(), Some("systemd-socket-activate"));

    desktop.login("default", &sandbox).await;
    assert_eq!(desktop.status().await.agent_pid(), agent.pid(), "the first client started it");
    assert_eq!(sandbox.user_info(&desktop.token().await).await, 200);

    let mut second = Agent::launch(&desktop, &["--no-tray"]);
    assert!(!second.ended().await.success());
    assert!(second.log().contains("another agent already serves"), "{}", second.log());

    open_every_door(&desktop);
    if let Some(outcome) = as_another_user(&desktop).await {
        assert!(outcome.code != 0 && outcome.stdout.is_empty(), "{outcome:?}");
        let log = fs::read_to_string(desktop.environment.path("logs/activated.log")).unwrap();
        assert!(log.contains("another user was refused"), "{log}");
    }

    assert!(agent.terminate().await.success());
    assert!(desktop.socket().exists(), "the socket is systemd's");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_does_not_take_a_socket_away_from_whoever_listens_on_it() {
    let desktop = machine().await;
    fs::create_dir_all(desktop.socket().parent().unwrap()).unwrap();
    let systemd = UnixListener::bind(desktop.socket()).unwrap();
    let mut agent = Agent::launch(&desktop, &["--no-tray"]);
    assert!(!agent.ended().await.success());
    assert!(agent.log().contains("is served by another program"), "{}", agent.log());
    systemd.accept().unwrap();
    std::os::unix::net::UnixStream::connect(desktop.socket()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_for_another_process_is_not_taken() {
    let mut desktop = machine().await;
    desktop.environment.set("LISTEN_FDS", "1");
    for pid in ["", "1"] {
        desktop.environment.set("LISTEN_PID", pid);
        let mut agent = Agent::launch(&desktop, &["--no-tray"]);
        agent.is_ready(&desktop).await;
        assert!(agent.terminate().await.success());
        assert!(!desktop.socket().exists(), "its own socket goes with it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_needs_three_variables_and_a_key() {
    let desktop = machine().await;
    let sandbox = Sandbox::start(&desktop, "--expires-in 1h").await;
    let secrets = desktop.environment.path("secrets");
    fs::create_dir(&secrets).unwrap();
    fs::copy(desktop.environment.path("key"), secrets.join("evertoken-key")).unwrap();
    desktop.environment.configure("version = 1\n[settings]\nkeychain = \"file\"\n");
    let bare = |program: &str| {
        let mut command = desktop.environment.command(built(program));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("EVERTOKEN_SOCKET", desktop.socket());
        command.env("XDG_CONFIG_HOME", desktop.environment.path("config"));
        command.env("XDG_STATE_HOME", desktop.environment.path("state"));
        command
    };
    let log = fs::File::create(desktop.environment.path("logs/container.log")).unwrap();
    let mut agent = bare("evertoken-agent");
    let mut agent = Process::spawn(agent.arg("--no-tray").env("CREDENTIALS_DIRECTORY", &secrets).stderr(log));
    eventually("it listens", async || procfs::is_listening(&desktop.socket()).then_some(())).await;

    let mut login = bare("evertoken");
    login.args(["login", "app", "--endpoint", &sandbox.endpoint()]);
    Outcome::of(login, sandbox.sign_in().await.refresh_token.as_bytes()).await.succeeded();
    let mut token = bare("evertoken");
    token.arg("token");
    let token = Outcome::of(token, b"").await.succeeded().to_owned();

    assert_eq!(sandbox.user_info(&token).await, 200);
    assert!(desktop.environment.path("state/evertoken/keychain.sealed").exists());
    assert!(agent.terminate().await.success());
}

/// The units as they are shipped, with the built agent in the place of the installed one.
fn units(kind: &str, desktop: &Desktop) -> Vec<PathBuf> {
    let from = source().join("packaging/systemd").join(kind);
    let agent = built("evertoken-agent").display().to_string();
    ["evertoken-agent.service", "evertoken-agent.socket"]
        .map(|name| {
            let text = fs::read_to_string(from.join(name)).unwrap();
            let to = desktop.environment.path(name);
            fs::write(&to, text.replace("/usr/bin/evertoken-agent", &agent)).unwrap();
            to
        })
        .to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn systemd_finds_no_fault_with_the_units_and_little_exposure() {
    let desktop = machine().await;
    for kind in ["user", "system"] {
        let units = units(kind, &desktop);
        let mut verify: Command = desktop.environment.command("systemd-analyze");
        verify.arg(format!("--{kind}")).args(["verify", "--man=no"]).args(&units);
        let outcome = Outcome::of(verify, b"").await;
        assert_eq!((outcome.succeeded(), outcome.stderr.as_str()), ("", ""), "{kind}");
    }
    let mut security = desktop.environment.command("systemd-analyze");
    security.args(["security", "--offline=true", "--threshold=15"]).arg(&units("system", &desktop)[0]);
    let outcome = Outcome::of(security, b"").await;
    let verdict = outcome.stdout.lines().last().unwrap_or_default().to_owned();
    assert_eq!(outcome.code, 0, "more exposed than 1.5 of 10: {verdict}");
}

#[test]
fn a_service_that_never_starts_is_given_up_in_the_end() {
    for kind in ["user", "system"] {
        let unit = source().join("packaging/systemd").join(kind).join("evertoken-agent.service");
        let unit = fs::read_to_string(unit).unwrap();
        let number =
            |name: &str| -> u32 { unit.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse().unwrap() };
        let tries = number("StartLimitBurst=") * number("RestartSec=");
        assert!(tries < number("StartLimitIntervalSec="), "{kind}: {tries} s of tries never reach the limit");
    }
}
