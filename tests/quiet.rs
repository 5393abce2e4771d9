//! An idle agent does not wake up.

use std::time::Duration;

use tokio::time::interval;

use crate::desktop::{Desktop, Notifications, Scene, Tray, Watcher, procfs};

/// How long it has to be quiet, and how many of these spans it may take to become quiet.
const SPAN: Duration = Duration::from_secs(5);
const SPANS: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_agent_with_a_tray_does_not_wake_up() {
    let desktop = Desktop::without_screen().await;
    let _notifications = Notifications::arrive(&desktop.bus).await;
    let watcher = Watcher::arrive(&desktop.bus).await;
    let scene = Scene::logged_in_on(desktop, "--expires-in 23h").await;
    Tray::appears(&scene.desktop.bus, &watcher).await;
    let pid = scene.agent.pid();

    let mut ends = interval(SPAN);
    ends.tick().await;
    let mut woken = Vec::new();
    for _ in 0..SPANS {
        let before = procfs::context_switches(pid);
        ends.tick().await;
        // The sum also falls, when a thread that rested ends.
        woken.push(procfs::context_switches(pid).abs_diff(before));
        if woken.last() == Some(&0) {
            return;
        }
    }
    panic!("put on a processor in spans of {SPAN:?}: {woken:?} times");
}
