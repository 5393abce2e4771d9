//! Hundreds of accounts at once, as a person writes them into `config.toml`.

use std::fmt::Write as _;
use std::fs;

use crate::desktop::{Agent, Desktop, eventually, note, procfs};

const ACCOUNTS: usize = 400;
/// Beside a start that has nothing to write. Written for each account, the file takes more than a hundred times that.
const COSTS_AT_MOST: f64 = 10.0;

/// How long the agent of this desktop is on a processor until every account is open, in seconds.
async fn opening(desktop: &Desktop) -> f64 {
    let mut agent = Agent::start(desktop).await;
    eventually("every account is open and has an id", async || {
        let opened = agent.log().matches("Refreshing -> SignedOut").count();
        let configuration = fs::read_to_string(desktop.environment.configuration()).unwrap();
        (opened == ACCOUNTS && configuration.matches("\nid = ").count() == ACCOUNTS).then_some(())
    })
    .await;
    let spent = procfs::processor_seconds(agent.pid());
    agent.terminate().await;
    spent
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_accounts_that_a_person_has_written_cost_no_more_than_their_number() {
    let desktop = Desktop::without_screen().await;
    let mut text = "version = 1\n[settings]\nkeychain = \"memory\"\n".to_owned();
    for number in 0..ACCOUNTS {
        writeln!(text, "[accounts.merchant-{number}]\nendpoint = \"https://{number}.example/token\"").unwrap();
    }
    desktop.environment.configure(&text);

    let first = opening(&desktop).await;
    let later = opening(&desktop).await;

    note(&format!("seconds on a processor: {first:.2} at the first start, {later:.2} later"));
    assert!(first <= later * COSTS_AT_MOST, "{first:.2} s, and {later:.2} s at the second start");
}
