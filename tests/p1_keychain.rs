//! P1: the keychain fails in the middle of a rotation. The new token waits in memory until the keychain has it; and
//! when it cannot be written, nothing is sent in the first place.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::desktop::{Agent, Desktop, Disk, Keyring, Notifications, Scene, eventually, procfs, within};

/// A keychain that does not answer is given up after 5 s; reads of the token must not notice.
const AT_ONCE: Duration = Duration::from_secs(3);

/// So long the agent waits for a keychain before it says that it cannot end.
const GOODBYE: Duration = Duration::from_secs(40);

/// The keyring's process.
fn daemon(desktop: &Desktop) -> procfs::Pid {
    let all = desktop.environment.processes();
    all.into_iter().find(|pid| procfs::command_line(*pid).contains("gnome-keyring-daemon")).unwrap()
}

/// The next request is answered only when it is released.
async fn hold_an_answer(scene: &Scene) {
    scene.sandbox.fault(json!({ "hold": "answer" })).await;
    scene.sandbox.holds("answer").await;
}

/// A new token is granted to a keychain that has stopped answering; its process.
async fn hangs_behind_an_answer(scene: &Scene) -> procfs::Pid {
    hold_an_answer(scene).await;
    let daemon = daemon(&scene.desktop);
    procfs::signal(daemon, Signal::STOP);
    scene.sandbox.release("answer").await;
    daemon
}

/// The new token is only in memory; the old access token is given out at once as long as it lasts.
async fn waits_in_memory(scene: &Scene) {
    scene.desktop.until_state("default", "keychain-unavailable").await;
    let begin = Instant::now();
    scene.desktop.api("GET /v1/accounts/default/token?min_valid=0", "").await.unwrap();
    assert!(begin.elapsed() < AT_ONCE, "a read waited for the keychain: {:?}", begin.elapsed());
}

/// The token that waited is stored, and everything goes on.
async fn is_stored(scene: &mut Scene) {
    scene.settled("the new token is stored").await;
    scene.crash_and_restart().await;
    scene.settled("it is still there after a crash").await;
    scene.goes_on().await;
    scene.nothing_was_refused("the keychain failed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_keychain_that_is_locked_before_it_could_take_the_new_token_gets_it_when_it_is_unlocked() {
    let desktop = Desktop::without_screen().await;
    let notifications = Notifications::arrive(&desktop.bus).await;
    let mut scene = Scene::logged_in_on(desktop, "--expires-in 8s --grace 0").await;
    hold_an_answer(&scene).await;
    scene.keyring.lock().await;
    scene.sandbox.release("answer").await;

    waits_in_memory(&scene).await;
    let refused = notifications.shown("Unlock your keychain").await;
    notifications.click(&scene.desktop.bus, &refused, "Retry").await;
    notifications.shown("Unlock your keychain").await;
    let sent = scene.sandbox.requests().await.len();
    scene.desktop.evertoken("refresh").await.failed(5);
    assert_eq!(scene.sandbox.requests().await.len(), sent, "nothing more is sent while a token waits");
    scene.keyring.unlock().await;

    scene.settled("stored").await;
    notifications.gone().await;
    is_stored(&mut scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_keychain_that_is_replaced_before_it_could_take_the_new_token_gets_it_from_the_new_one() {
    let mut scene = Scene::logged_in("--expires-in 8s --grace 0").await;
    hold_an_answer(&scene).await;
    let Scene { keyring, .. } = scene;
    keyring.kill();
    let keyring = Keyring::start(&scene.desktop).await;
    scene = Scene { keyring, ..scene };
    scene.sandbox.release("answer").await;

    is_stored(&mut scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_keychain_that_hangs_before_it_could_take_the_new_token_gets_it_when_it_wakes_up() {
    let mut scene = Scene::logged_in("--expires-in 8s --grace 0").await;
    let daemon = hangs_behind_an_answer(&scene).await;

    waits_in_memory(&scene).await;
    procfs::signal(daemon, Signal::CONT);

    is_stored(&mut scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_keychain_that_hangs_for_ever_and_is_replaced_in_the_end_gets_the_new_token() {
    let mut scene = Scene::logged_in("--expires-in 8s --grace 0").await;
    hangs_behind_an_answer(&scene).await;

    waits_in_memory(&scene).await;
    let Scene { keyring, .. } = scene;
    keyring.kill();
    let keyring = Keyring::start(&scene.desktop).await;
    scene = Scene { keyring, ..scene };

    is_stored(&mut scene).await;
}

/// A new token is only in memory when the agent is told to end.
async fn a_quit_waits_for_the_keychain(told_to_end: impl AsyncFn(&Scene)) {
    let mut scene = Scene::logged_in("--expires-in 8s --grace 0").await;
    let daemon = hangs_behind_an_answer(&scene).await;
    waits_in_memory(&scene).await;

    told_to_end(&scene).await;

    // A person is told that a second signal loses the login; none before that does.
    within(2 * GOODBYE, "the log says what quitting loses", async || {
        scene.agent.log().contains("a second signal ends the agent and loses it").then_some(())
    })
    .await;
    assert!(!scene.agent.log().contains("could not be finished"));
    procfs::signal(daemon, Signal::CONT);
    assert!(scene.agent.ended().await.success());
    assert!(!scene.agent.log().contains("ended before the keychain took the new login"), "{}", scene.agent.log());
    scene.agent = Agent::start(&scene.desktop).await;
    is_stored(&mut scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_an_agent_that_is_told_to_end_waits_until_a_hanging_keychain_has_the_new_token() {
    a_quit_waits_for_the_keychain(async |scene| scene.agent.is_told_to_end().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_who_is_impatient_and_was_not_told_yet_what_quitting_loses_loses_nothing() {
    a_quit_waits_for_the_keychain(async |scene| {
        scene.agent.is_told_to_end().await;
        procfs::signal(scene.agent.pid(), Signal::TERM);
        procfs::signal(scene.agent.pid(), Signal::INT);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_an_account_that_is_edited_by_hand_while_its_new_token_is_in_memory_is_still_waited_for() {
    a_quit_waits_for_the_keychain(async |scene| {
        let environment = &scene.desktop.environment;
        let text = std::fs::read_to_string(environment.configuration()).unwrap();
        let edited = text.replace("[accounts.default]\n", "[accounts.default]\nheaders = { X-Test = \"1\" }\n");
        assert_ne!(text, edited);
        environment.configure(&edited);
        eventually("the agent has read it", async || {
            scene.agent.log().contains("the configuration was changed").then_some(())
        })
        .await;
        scene.agent.is_told_to_end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_of_two_keyrings_with_the_login_the_newest_token_is_presented() {
    let mut scene = Scene::logged_in("--expires-in 4s --grace 0").await;
    let older = Keyring::logins(&scene.desktop).await;
    scene.goes_on().await;
    scene.agent.kill();
    Keyring::put_into_another(&scene.desktop, &older).await;

    scene.agent = Agent::start(&scene.desktop).await;

    scene.goes_on().await;
    scene.crash_and_restart().await;
    scene.goes_on().await;
    scene.nothing_was_refused("an older login lies in another keyring").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_keychain_that_hangs_before_the_request_means_no_request() {
    let mut scene = Scene::logged_in("--expires-in 40s --grace 0").await;
    let token = scene.desktop.token().await;
    let sent = scene.sandbox.requests().await.len();
    let daemon = daemon(&scene.desktop);
    procfs::signal(daemon, Signal::STOP);

    scene.refresh_fails("the keychain hangs").await.failed(5);

    assert_eq!(scene.sandbox.requests().await.len(), sent, "an unwritable keychain means zero requests");
    assert_eq!(scene.desktop.token().await, token);
    procfs::signal(daemon, Signal::CONT);
    scene.refresh_works("once the keychain answers").await;
    scene.crash_and_restart().await;
    scene.settled("the login lives").await;
    scene.nothing_was_refused("the keychain hung").await;
}

/// The keyring's files are on a disk of their own, which `break_it` spoils: nothing may be sent from then on.
async fn zero_requests_when(break_it: impl Fn(&Disk), mend_it: impl Fn(&Disk)) {
    let desktop = Desktop::without_screen().await;
    let Some(disk) = Disk::over(&desktop, "data/keyrings", 256) else { return };
    let mut scene = Scene::logged_in_on(desktop, "--expires-in 40s --grace 0").await;
    let token = scene.desktop.token().await;
    let sent = scene.sandbox.requests().await.len();
    break_it(&disk);

    scene.refresh_fails("the keychain cannot be written").await.failed(5);

    assert_eq!(scene.sandbox.requests().await.len(), sent, "an unwritable keychain means zero requests");
    assert_eq!(scene.desktop.token().await, token);
    let fresh = scene.sandbox.sign_in().await;
    scene.desktop.login_with("default", &scene.sandbox, &fresh.refresh_token).await.failed(5);
    assert_eq!(scene.sandbox.requests().await.len(), sent, "nor is a token spent that a person gives");
    mend_it(&disk);
    scene.refresh_works("once the keychain can be written").await;
    scene.crash_and_restart().await;
    scene.settled("the login lives").await;
    scene.nothing_was_refused("the keychain could not be written").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_keychain_that_refuses_to_write_means_no_request() {
    zero_requests_when(Disk::make_read_only, Disk::make_writable).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_full_keychain_means_no_request() {
    zero_requests_when(Disk::fill, Disk::empty).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_keychain_that_was_emptied_under_a_running_agent_gets_the_login_back() {
    let mut scene = Scene::logged_in("--expires-in 8s --grace 0").await;
    let Scene { keyring, .. } = scene;
    keyring.kill();
    let keyrings = scene.desktop.environment.path("data/keyrings");
    let aside = scene.desktop.environment.path("data/aside");
    std::fs::rename(&keyrings, &aside).unwrap();
    let keyring = Keyring::start(&scene.desktop).await;
    scene = Scene { keyring, ..scene };

    scene.goes_on().await;
    is_stored(&mut scene).await;

    // The old keychain returns, with a token that is spent.
    let Scene { keyring, .. } = scene;
    keyring.kill();
    std::fs::remove_dir_all(&keyrings).unwrap();
    std::fs::rename(&aside, &keyrings).unwrap();
    let keyring = Keyring::start(&scene.desktop).await;
    scene = Scene { keyring, ..scene };

    scene.goes_on().await;
    is_stored(&mut scene).await;
}

/// As KeePassXC does, which saves a moment after it has confirmed a write.
#[tokio::test(flavor = "multi_thread")]
async fn p1_a_keychain_that_loses_the_newest_token_in_a_crash_gets_it_again() {
    let mut scene = Scene::logged_in("--expires-in 8s --grace 0").await;
    let keyring = scene.desktop.environment.path("data/keyrings/login.keyring");
    let before = std::fs::read(&keyring).unwrap();
    scene.goes_on().await;
    let Scene { keyring: daemon, .. } = scene;
    daemon.kill();
    std::fs::write(&keyring, before).unwrap();
    let daemon = Keyring::start(&scene.desktop).await;
    scene = Scene { keyring: daemon, ..scene };

    scene.goes_on().await;
    is_stored(&mut scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_very_long_token_is_stored_like_any_other() {
    let options = "--expires-in 4s --grace 0 --refresh-token-bytes 60000 --access-token-bytes 60000";
    let mut scene = Scene::logged_in(options).await;
    scene.goes_on().await;
    is_stored(&mut scene).await;
}
