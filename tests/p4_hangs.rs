//! P4: a disk, a program or a reader that does not answer holds up the account that it belongs to, and no other.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use crate::desktop::{Agent, Desktop, Hang, Scene, eventually, procfs, within};
use crate::sign_in;

/// Ten seconds lie between two grants.
const LIFE: &str = "--expires-in 40s --grace 0";

/// How long who asks for another account's token waits at most.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Beside `default` there is another account.
async fn with_another(scene: Scene) -> Scene {
    scene.desktop.login("another", &scene.sandbox).await;
    scene
}

async fn two_accounts() -> Scene {
    with_another(Scene::logged_in(LIFE).await).await
}

async fn another_has_its_token(scene: &Scene, meanwhile: &str) {
    within(AT_ONCE, meanwhile, async || {
        let asked = scene.desktop.token_over_the_socket("another");
        tokio::time::timeout(AT_ONCE, asked).await.ok().flatten()
    })
    .await;
}

/// The other account has its token while this work waits for a call about this file.
async fn a_hang_in<T>(scene: &Scene, call: &'static str, file: &Path, work: impl Future<Output = T>) {
    let Some(hang) = Hang::of(&scene.desktop, &scene.agent, call, file).await else { return };
    let meanwhile = async {
        hang.has_begun().await;
        another_has_its_token(scene, &format!("{call} hangs")).await;
        drop(hang);
    };
    tokio::join!(work, meanwhile);
    scene.settled("what hung goes on").await;
}

fn script(desktop: &Desktop, name: &str) -> PathBuf {
    let path = desktop.environment.path(name);
    std::fs::write(&path, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_journal_whose_disk_hangs_keeps_no_token_of_another_account() {
    let scene = two_accounts().await;
    let journal = scene.desktop.environment.account_file("default", "journal");
    a_hang_in(&scene, "fdatasync", &journal, scene.refresh_works("whose line is synced late")).await;
    a_hang_in(&scene, "openat", &journal, scene.refresh_works("whose journal is opened late")).await;
    scene.nothing_was_refused("a disk that hung").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_history_whose_disk_hangs_keeps_no_token_of_another_account() {
    let scene = two_accounts().await;
    let journal = scene.desktop.environment.account_file("default", "journal");
    let Some(hang) = Hang::of(&scene.desktop, &scene.agent, "openat", &journal).await else { return };

    let (said, ()) = tokio::join!(scene.desktop.evertoken("history default"), async {
        hang.has_begun().await;
        another_has_its_token(&scene, "the history's disk hangs").await;
    });

    assert!(said.failed(1).contains("does not answer"), "{said:?}");
    drop(hang);
    scene.desktop.evertoken("history default").await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_hook_that_does_not_start_keeps_no_token() {
    let desktop = Desktop::without_screen().await;
    let hook = script(&desktop, "hook");
    desktop.environment.configure(&format!("version = 1\n[hooks]\non_refreshed = [\"{}\"]\n", hook.display()));
    let scene = with_another(Scene::logged_in_on(desktop, LIFE).await).await;
    a_hang_in(&scene, "execve", &hook, scene.refresh_works("whose hook hangs")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_sign_in_command_or_browser_that_does_not_start_keeps_no_token() {
    let scene = sign_in::logged_in_on(Desktop::without_screen().await, LIFE).await;
    let grant = scene.sandbox.sign_in().await;
    let another = format!("login another {}", sign_in::server(&scene));
    scene.desktop.evertoken_reading(&grant.refresh_token, &another).await.succeeded();
    let grant = scene.sandbox.sign_in().await;
    sign_in::command::configure(&scene, &format!("echo {}", grant.refresh_token)).await;
    let command = scene.desktop.environment.path("sign-in");
    a_hang_in(&scene, "execve", &command, scene.desktop.evertoken("login default --command")).await;

    let Some(hang) =
        Hang::of(&scene.desktop, &scene.agent, "execve", &scene.desktop.environment.path("bin/xdg-open")).await
    else {
        return;
    };
    let login = tokio::spawn({
        let command = scene.desktop.command("login default --browser");
        async move { crate::desktop::Outcome::of(command, b"").await }
    });
    hang.has_begun().await;
    another_has_its_token(&scene, "the browser does not start").await;
    login.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_configuration_whose_disk_hangs_while_it_is_read_again_keeps_no_token() {
    let scene = two_accounts().await;
    let file = scene.desktop.environment.configuration();
    let Some(hang) = Hang::of(&scene.desktop, &scene.agent, "openat", &file).await else { return };

    writeln!(OpenOptions::new().append(true).open(&file).unwrap(), "[settings.notifications]\ncopied = false").unwrap();
    hang.has_begun().await;
    another_has_its_token(&scene, "config.toml hangs").await;

    drop(hang);
    eventually("the change is followed", async || {
        let settings = scene.desktop.api("GET /v1/settings", "").await?;
        (settings.body["notifications"]["copied"] == false).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_an_autostart_entry_whose_disk_hangs_while_somebody_looks_at_the_settings_keeps_no_token() {
    let scene = two_accounts().await;
    let entry = scene.desktop.environment.path("config/autostart/evertoken-agent.desktop");
    std::fs::create_dir_all(entry.parent().unwrap()).unwrap();
    std::fs::write(&entry, "[Desktop Entry]\n").unwrap();
    let looked = async { scene.desktop.api("GET /v1/settings", "").await.unwrap() };
    a_hang_in(&scene, "openat", &entry, looked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_log_that_nobody_reads_stops_nothing() {
    let mut scene = two_accounts().await;
    scene.agent.terminate().await;
    let (_nobody_reads, mut full) = std::io::pipe().unwrap();
    full.write_all(&[b'\n'; 64 << 10]).unwrap();

    scene.agent = Agent::start_saying_to(&scene.desktop, full).await;

    scene.settled("the keychain was read").await;
    scene.refresh_works("with a full log").await;
    another_has_its_token(&scene, "nobody reads the log").await;
    assert!(scene.agent.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_service_manager_that_does_not_listen_stops_nothing() {
    let mut desktop = Desktop::without_screen().await;
    let place = desktop.environment.path("notify");
    let _nobody_reads = UnixDatagram::bind(&place).unwrap();
    desktop.environment.set("NOTIFY_SOCKET", &place.display().to_string());
    let mut scene = with_another(Scene::logged_in_on(desktop, LIFE).await).await;
    let others = UnixDatagram::unbound().unwrap();
    others.set_nonblocking(true).unwrap();
    while others.send_to(b"X=1", &place).is_ok() {}

    for _ in 0..10 {
        procfs::signal(scene.agent.pid(), Signal::HUP);
        another_has_its_token(&scene, "the service manager does not listen").await;
    }
    assert!(scene.agent.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_whose_disk_hangs_keeps_no_agent_from_ending() {
    let mut scene = Scene::logged_in("--expires-in 1h").await;
    let file = scene.desktop.environment.path("home/token");
    let keep = format!("account set default --token-file {}", file.display());
    scene.desktop.evertoken(&keep).await.succeeded();
    let Some(hang) = Hang::of(&scene.desktop, &scene.agent, "statx", &file).await else { return };

    procfs::signal(scene.agent.pid(), Signal::TERM);
    within(Duration::from_secs(10), "the file is not waited for", async || {
        scene.agent.log().contains("its disk does not answer: the next start does it").then_some(())
    })
    .await;

    // The kernel lets go of a process when its tracer does.
    drop(hang);
    assert!(scene.agent.ended().await.success());
    assert!(!scene.agent.log().contains("a rotation could not be finished"));
}
