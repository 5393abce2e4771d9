//! P7: an idle agent does not wake up.

use std::time::Duration;

use tokio::time::{Interval, interval};

use crate::desktop::{Agent, Desktop, Notifications, Scene, System, Tray, Watcher, effort, procfs};

/// What a log-in sets going comes to rest: the keychain's thread ends after half a minute without a call.
const SETTLING: Duration = Duration::from_secs(40);
const MOST_SETTLINGS: usize = 3;

/// How long not one of the agent's threads may be put on a processor.
const QUIET_SECONDS: (usize, usize) = (20, 600);

/// How often the agent is put on a processor until the next tick. The sum also falls, when a thread that rested ends.
async fn woken(agent: &Agent, ticks: &mut Interval) -> u64 {
    ticks.reset();
    let before = procfs::context_switches(agent.pid());
    ticks.tick().await;
    procfs::context_switches(agent.pid()).abs_diff(before)
}

async fn comes_to_rest(agent: &Agent) {
    let mut ticks = interval(SETTLING);
    let mut counts = Vec::new();
    while counts.last() != Some(&0) {
        assert!(counts.len() < MOST_SETTLINGS, "woken in spans of {SETTLING:?}: {counts:?} times");
        counts.push(woken(agent, &mut ticks).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_an_idle_agent_on_a_whole_desktop_does_not_wake_up() {
    let mut desktop = Desktop::without_screen().await;
    let _system = System::start(&mut desktop).await;
    let _notifications = Notifications::arrive(&desktop.bus).await;
    let watcher = Watcher::arrive(&desktop.bus).await;
    let scene = Scene::logged_in_on(desktop, "--expires-in 23h").await;
    Tray::appears(&scene.desktop.bus, &watcher).await;
    comes_to_rest(&scene.agent).await;

    let quiet = Duration::from_secs(effort(QUIET_SECONDS.0, QUIET_SECONDS.1).try_into().unwrap());
    let times = woken(&scene.agent, &mut interval(quiet)).await;

    assert_eq!(times, 0, "woken in {quiet:?}");
}
