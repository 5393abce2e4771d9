//! P1 with KeePassXC, the other Secret Service that people have.

use crate::desktop::{Agent, Desktop, KeePassXc, Sandbox, Status};

/// Waits for a token that is stored and more than `rotations` away from the log-in; how far it is.
async fn renewed_after(desktop: &Desktop, rotations: u64) -> u64 {
    let is_renewed = |status: &Status| status.state("default") == "valid" && status.rotations("default") > rotations;
    desktop.until("the token is renewed", is_renewed).await.rotations("default")
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_keepassxc_keeps_a_login_over_refreshes_crashes_and_its_own_death() {
    let desktop = Desktop::with_screen().await;
    let keychain = KeePassXc::start(&desktop).await;
    let sandbox = Sandbox::start(&desktop, "--expires-in 8s --grace 0").await;
    let mut agent = Agent::start(&desktop).await;
    desktop.login("default", &sandbox).await;
    let rotations = renewed_after(&desktop, 1).await;

    keychain.kill().await;
    desktop.until_state("default", "keychain-unavailable").await;
    let sent = sandbox.requests().await.len();
    desktop.evertoken("refresh").await.failed(5);
    assert_eq!(sandbox.requests().await.len(), sent, "nothing is sent without a keychain");

    let _keychain = KeePassXc::start(&desktop).await;
    let rotations = renewed_after(&desktop, rotations + 1).await;
    agent.kill();
    let _agent = Agent::start(&desktop).await;
    renewed_after(&desktop, rotations + 1).await;
    assert_eq!(sandbox.user_info(&desktop.token().await).await, 200);
    let requests = sandbox.requests().await;
    assert!(requests.iter().all(|request| request.status == Some(200)), "no token was lost or replayed: {requests:#?}");
}
