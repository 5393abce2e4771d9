//! The proxy as a program: its command, signals, its end, wrong usage.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use reqwest::Method;
use rustix::process::Signal;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::Stage;
use crate::desktop::{Desktop, Outcome, Process, Scene, Upstream, built, eventually, procfs, throughout};

/// `evertoken proxy` before this server, with a shell script as the command.
fn with_command(scene: &Scene, upstream: &Upstream, script: &str) -> Command {
    let mut command = scene.desktop.command(&format!("proxy --allow {} --", upstream.origin()));
    command.args(["sh", "-c", script]);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_finds_the_proxy_in_its_environment_and_its_exit_code_passes() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let upstream = Upstream::start().await;
    let script = "cat; curl --silent --noproxy '*' --oauth2-bearer \"$EVERTOKEN_PROXY_TOKEN\" --data given \
                  \"$EVERTOKEN_PROXY_URL/echo\"; env | grep -c VAULT_ACCESS_TOKEN; exit 7";

    let outcome = Outcome::of(with_command(&scene, &upstream, script), b"typed ").await;

    assert_eq!((outcome.code, outcome.stdout.as_str()), (7, "typed given0\n"), "{outcome:?}");
    assert_eq!(upstream.take_one().token(), scene.desktop.token().await);
    let killed = Outcome::of(with_command(&scene, &upstream, "kill -9 $$"), b"").await;
    assert_eq!(killed.code, 128 + 9);
    let missing = format!("proxy --allow {} -- no-such-command", upstream.origin());
    assert!(scene.desktop.evertoken(&missing).await.failed(127).contains("no-such-command"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_reaches_the_command_and_the_proxy_ends_with_it() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let upstream = Upstream::start().await;
    for (signal, name) in [(Signal::TERM, "TERM"), (Signal::INT, "INT"), (Signal::HUP, "HUP")] {
        let script = format!("trap 'exit 9' {name}; echo ready; while :; do sleep 0.05; done");
        let mut command = with_command(&scene, &upstream, &script);
        // Of its own, away from the foreground of a terminal in which the tests may run.
        command.process_group(0);
        let (mut process, ()) = Process::spawn_until_line(&mut command, |line| (line == "ready").then_some(()));
        procfs::signal(process.pid(), signal);
        assert_eq!(process.ended().await.code(), Some(9), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_nohup_or_a_shell_has_ignored_stays_ignored() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let upstream = Upstream::start().await;
    let proxy = format!("{} proxy --allow {}", built("evertoken").display(), upstream.origin());
    let waiting = "echo ready; while [ ! -e done ]; do sleep 0.05; done; exit 9";
    let mut command = scene.desktop.environment.command("sh");
    command.args(["-c", &format!("trap '' HUP INT; exec {proxy} -- sh -c '{waiting}'")]);
    let (mut process, ()) = Process::spawn_until_line(&mut command, |line| (line == "ready").then_some(()));

    procfs::signal(process.pid(), Signal::HUP);
    procfs::signal(process.pid(), Signal::INT);

    throughout(Duration::from_millis(300), "it goes on", async || process.is_running()).await;
    std::fs::write(scene.desktop.environment.path("home/done"), "").unwrap();
    assert_eq!(process.ended().await.code(), Some(9));
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_in_a_terminal_reaches_the_command_once() {
    ctrl_c_reaches_the_command_once("").await;
    ctrl_c_reaches_the_command_once("< /dev/null").await;
}

async fn ctrl_c_reaches_the_command_once(redirection: &str) {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let upstream = Upstream::start().await;
    let home = scene.desktop.environment.path("home");
    // Not a shell: it would look at its signals only now and then, and take two for one.
    let program = "sub note { open(my $said, '>>', 'said'); print $said \"@_\\n\" }\n\
                   $SIG{INT} = sub { note('INT') };\nnote('ready');\nsleep 1 while 1;\n";
    std::fs::write(home.join("command.pl"), program).unwrap();
    let line = format!("{} proxy --allow {} -- perl command.pl", built("evertoken").display(), upstream.origin());
    let line = format!("{line} {redirection}");
    let mut terminal = scene.desktop.environment.command("script");
    terminal.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    let mut terminal =
        tokio::process::Command::from(terminal).stdin(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let said = || std::fs::read_to_string(home.join("said")).unwrap_or_default();
    eventually("the command runs", async || (said() == "ready\n").then_some(())).await;

    // Several times, because the kernel takes two signals at nearly the same moment for one.
    let mut expected = "ready\n".to_owned();
    for _ in 0..10 {
        // The key, which the terminal turns into a signal for everybody in its foreground.
        terminal.stdin.as_mut().unwrap().write_all(b"\x03").await.unwrap();
        expected += "INT\n";
        eventually("the signal arrives", async || (said().len() >= expected.len()).then_some(())).await;
        throughout(Duration::from_millis(50), "it arrives once", async || said() == expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_is_finished_and_nothing_new_begins() {
    let Stage { scene: _scene, upstream, mut proxy } = Stage::set("--expires-in 1h").await;
    let held = tokio::spawn(proxy.request(Method::GET, "/hold").send());
    eventually("it is under way", async || (!upstream.received().is_empty()).then_some(())).await;

    procfs::signal(proxy.pid(), Signal::TERM);
    eventually("nobody is let in", async || TcpStream::connect(proxy.address()).await.is_err().then_some(())).await;
    upstream.go_on();

    assert_eq!(held.await.unwrap().unwrap().text().await.unwrap(), "held");
    assert_eq!(proxy.terminate().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once() {
    let Stage { scene: _scene, upstream, mut proxy } = Stage::set("--expires-in 1h").await;
    let _held = tokio::spawn(proxy.request(Method::GET, "/hold").send());
    eventually("it is under way", async || (!upstream.received().is_empty()).then_some(())).await;
    procfs::signal(proxy.pid(), Signal::INT);
    eventually("the first is heeded", async || TcpStream::connect(proxy.address()).await.is_err().then_some(())).await;
    let start = std::time::Instant::now();
    assert_eq!(proxy.terminate().await.code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_is_said_before_anything_runs() {
    let desktop = Desktop::without_screen().await;
    for (options, says) in [
        ("", "--allow"),
        ("--allow http://api.vault.ist", "without encryption"),
        ("--allow api.vault.ist", "not an origin"),
        ("--allow https://api.vault.ist/v2.0", "as a whole"),
        ("--allow https://api.vault.ist --listen 0.0.0.0:8080", "127.0.0.1"),
        ("--allow https://api.vault.ist --listen 8080", "not an address"),
    ] {
        let outcome = desktop.evertoken(&format!("proxy {options}")).await;
        assert_eq!(outcome.code, 2, "{options}: {outcome:?}");
        assert!(outcome.stderr.contains(says), "{options}: {}", outcome.stderr);
    }
    assert!(!desktop.socket().exists(), "no agent was started for it");

    let scene = Scene::signed_out(desktop, "").await;
    let allow = "--allow https://api.vault.ist";
    scene.desktop.evertoken(&format!("proxy {allow}")).await.failed(3);
    scene.desktop.login("default", &scene.sandbox).await;
    // A command without `--` before it is taken for an account.
    assert!(scene.desktop.evertoken(&format!("proxy {allow} curl")).await.failed(2).contains("curl"));
    let taken = scene.sandbox.url("").replace("http://", "");
    assert!(scene.desktop.evertoken(&format!("proxy {allow} --listen {taken}")).await.failed(1).contains("--listen"));
}
