//! P1 and P9 across the upgrade from a version whose keychain entries named no server and whose accounts had no ids: the
//! programs of today go on from what that version itself wrote (`earlier_version/README.md`).

mod recording;

use std::fs::{self, File};
use std::path::PathBuf;

use evertoken_core::account::AccountId;
use serde_json::{Value, json};

use crate::desktop::wire::grant;
use crate::desktop::{Agent, Desktop, Grant, Keyring, Sandbox, Wire, eventually, fingerprint};
use crate::server::place::open_keychain_file;
use recording::{OFFICE, Recording, VAULT};

/// What the recorded client authenticates with.
const SECRET: &str = "a-secret-of-the-sandbox\n";

/// A sandbox of that client.
async fn office(desktop: &Desktop) -> Sandbox {
    let secret = desktop.environment.path("secret");
    fs::write(&secret, SECRET).unwrap();
    let client = format!("--encoding both --client-id me --client-secret-file {}", secret.display());
    Sandbox::start(desktop, &format!("--expires-in 1h --grace 0 {client}")).await
}

/// A desktop on which two logins of the earlier version lie: `default`, and `office` of a client that authenticates. The
/// servers know the newest refresh token of each, and no other. Both access tokens have ended.
struct TwoLogins {
    recording: Recording,
    vault: Sandbox,
    office: Sandbox,
    _keyring: Keyring,
    desktop: Desktop,
}

impl TwoLogins {
    async fn laid_down() -> Self {
        Self::laid_down_with(|_, _| {}).await
    }

    /// The access token of `office` lasts for an hour.
    async fn one_of_them_valid() -> Self {
        Self::laid_down_with(|recording, grant| recording.access_token_is("office/access-token", grant)).await
    }

    async fn laid_down_with(change: impl Fn(&mut Recording, &Grant)) -> Self {
        let desktop = Desktop::without_screen().await;
        let keyring = Keyring::start(&desktop).await;
        let vault = Sandbox::start(&desktop, "--expires-in 1h --grace 0").await;
        let office = office(&desktop).await;
        let mut recording = Recording::of("two-accounts");
        recording.replace(VAULT, &vault.url(""));
        recording.replace(OFFICE, &office.url(""));
        recording.refresh_token_is("default/refresh-token.a", &vault.sign_in().await.refresh_token);
        let grant = office.sign_in().await;
        recording.refresh_token_is("office/refresh-token.b", &grant.refresh_token);
        change(&mut recording, &grant);
        recording.lay_down(&desktop).await;
        Self { recording, vault, office, _keyring: keyring, desktop }
    }

    fn newest(&self, user: &str) -> String {
        fingerprint(self.recording.entry(user)["refresh_token"].as_str().unwrap())
    }

    async fn are_valid(&self) {
        for account in ["default", "office"] {
            self.desktop.until_state(account, "valid").await;
        }
    }

    /// Each server was presented its newest token this often, and nothing else.
    async fn presented(&self, to_office: usize) {
        for (server, user, count) in
            [(&self.vault, "default/refresh-token.a", 1), (&self.office, "office/refresh-token.b", to_office)]
        {
            let requests = server.requests().await;
            let presented: Vec<_> =
                requests.iter().map(|it| (it.fingerprint.clone().unwrap(), it.outcome.as_str())).collect();
            assert_eq!(presented, vec![(self.newest(user), "granted"); count], "{user}");
        }
    }
}

async fn ids_are_written(desktop: &Desktop, count: usize) {
    eventually("the accounts have ids", async || {
        (configuration(desktop).lines().filter(|line| is_id(line)).count() == count).then_some(())
    })
    .await;
}

fn configuration(desktop: &Desktop) -> String {
    fs::read_to_string(desktop.environment.configuration()).unwrap()
}

fn is_id(line: &str) -> bool {
    line.starts_with("id = ")
}

/// Every entry is called by an account's id, and each refresh token names its server.
async fn entries_are_of_today(desktop: &Desktop, servers: &[(&str, &Sandbox)]) {
    for (user, entry) in Keyring::logins(desktop).await {
        let account = servers.iter().find(|(name, _)| user.starts_with(&desktop.environment.account_id(name)));
        let (_, server) = account.unwrap_or_else(|| panic!("left of the earlier version: {user}"));
        if user.contains("/refresh-token.") {
            let entry: Value = serde_json::from_str(&entry).unwrap();
            assert_eq!((&entry["v"], &entry["origins"]), (&json!(2), &json!([server.url("")])), "{user}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_recorded_logins_go_on_and_the_newest_token_alone_is_presented_when_it_is_due() {
    let two = TwoLogins::one_of_them_valid().await;
    let recorded = two.recording.entry("office/access-token")["access_token"].as_str().unwrap().to_owned();
    let mut agent = Agent::start(&two.desktop).await;
    two.are_valid().await;

    assert_eq!(two.vault.user_info(&two.desktop.token().await).await, 200);
    assert_eq!(two.desktop.evertoken("token office").await.succeeded(), recorded);
    two.presented(0).await;
    agent.kill();
    let _agent = Agent::start(&two.desktop).await;
    two.are_valid().await;
    two.presented(0).await;

    // With the client secret.
    two.desktop.evertoken("logout office").await.succeeded();
    let revocations = two.office.revocations().await;
    let revoked: Vec<_> = revocations.iter().map(|it| (it.fingerprint.clone().unwrap(), it.status)).collect();
    assert_eq!(revoked, [(two.newest("office/refresh-token.b"), Some(200))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_recorded_entries_name_their_servers_and_the_configuration_says_what_the_person_wrote() {
    let two = TwoLogins::one_of_them_valid().await;
    let _agent = Agent::start(&two.desktop).await;
    two.are_valid().await;
    ids_are_written(&two.desktop, 2).await;

    entries_are_of_today(&two.desktop, &[("default", &two.vault), ("office", &two.office)]).await;
    let now = configuration(&two.desktop);
    let without_ids: String = now.split_inclusive('\n').filter(|line| !is_id(line)).collect();
    assert_eq!(without_ids, two.recording.configuration());
    for account in ["default", "office"] {
        let journal = fs::read_to_string(two.desktop.environment.account_file(account, "journal")).unwrap();
        let before = two.recording.journal(account);
        assert!(journal.starts_with(before), "the history is kept:\n{before}\n{journal}");
        assert!(!two.desktop.environment.path(format!("state/evertoken/{account}.journal")).exists());
    }
}

/// Keeps an agent from taking over what this account has.
fn hold(desktop: &Desktop, account: &str) -> File {
    let id = AccountId::derived(&desktop.environment.path("config/evertoken"), &account.parse().unwrap(), 0);
    let held = File::create(desktop.environment.path(format!("state/evertoken/{id}.lock"))).unwrap();
    held.lock().unwrap();
    held
}

async fn dies_at(place: &str, other_account: &str) {
    let mut two = TwoLogins::laid_down().await;
    let held = hold(&two.desktop, other_account);
    two.desktop.environment.set("EVERTOKEN_FAIL_POINT", place);
    let mut doomed = Agent::launch(&two.desktop, &[]);
    assert!(!doomed.ended().await.success(), "it should have died at {place}");
    two.desktop.environment.set("EVERTOKEN_FAIL_POINT", "");
    drop(held);

    let _agent = Agent::start(&two.desktop).await;

    two.are_valid().await;
    two.presented(1).await;
    ids_are_written(&two.desktop, 2).await;
    entries_are_of_today(&two.desktop, &[("default", &two.vault), ("office", &two.office)]).await;
}

/// The newest token of one account lies in the first slot, and that of the other in the second.
#[tokio::test(flavor = "multi_thread")]
async fn p1_a_death_while_recorded_entries_are_taken_over_loses_no_login() {
    for place in ["one-entry-taken-over", "entries-taken-over", "old-tokens-deleted"] {
        tokio::join!(dies_at(place, "office"), dies_at(place, "default"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_before_recorded_entries_are_taken_over_deletes_them() {
    let two = TwoLogins::one_of_them_valid().await;
    let held = hold(&two.desktop, "office");
    let mut agent = Agent::start(&two.desktop).await;
    two.are_valid().await;
    let user = |(user, _): (String, String)| user;
    let users = Keyring::logins(&two.desktop).await.into_iter().map(user);
    assert!(users.filter(|user| user.starts_with("office/")).count() > 2, "nothing was taken over yet");

    drop(held);
    two.desktop.evertoken("logout office").await.succeeded();

    assert_eq!(two.office.revocations().await.len(), 1);
    agent.kill();
    let _agent = Agent::start(&two.desktop).await;
    two.desktop.until_state("office", "signed-out").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a_recorded_client_secret_that_a_log_out_left_is_for_its_own_server() {
    let desktop = Desktop::without_screen().await;
    let _keyring = Keyring::start(&desktop).await;
    let (office, elsewhere) = (office(&desktop).await, Wire::start(grant("a", "r", 3600)).await);
    let mut recording = Recording::of("signed-out");
    recording.replace(OFFICE, &office.url(""));
    recording.lay_down(&desktop).await;
    let held = hold(&desktop, "office");
    let mut agent = Agent::start(&desktop).await;
    desktop.until_state("office", "signed-out").await;
    drop(held);

    let settings = json!({ "endpoint": elsewhere.endpoint(), "token_endpoint_auth_method": "none" });
    let change = json!({ "settings": settings }).to_string();
    let answer = desktop.api("PATCH /v1/accounts/office", &change).await.unwrap();
    assert!(
        answer.body["detail"].as_str().unwrap_or_default().contains("its server changes with a log-in"),
        "{answer:?}"
    );

    // Without the secret being given again.
    let grant = office.sign_in().await;
    desktop.evertoken_reading(&grant.refresh_token, "login office").await.succeeded();
    agent.kill();
    let _agent = Agent::start(&desktop).await;
    desktop.until_state("office", "valid").await;
    ids_are_written(&desktop, 1).await;
    entries_are_of_today(&desktop, &[("office", &office)]).await;
}

/// One recorded login, of a sandbox with these options.
async fn one_login(name: &str, options: &str) -> (Recording, Sandbox, Keyring, Desktop) {
    let desktop = Desktop::without_screen().await;
    let keyring = Keyring::start(&desktop).await;
    let sandbox = Sandbox::start(&desktop, options).await;
    let mut recording = Recording::of(name);
    recording.replace(VAULT, &sandbox.url(""));
    (recording, sandbox, keyring, desktop)
}

/// What the server was asked, once the login is valid and its entries are of today.
async fn outcomes(desktop: &Desktop, sandbox: &Sandbox) -> Vec<(String, String)> {
    let _agent = Agent::start(desktop).await;
    desktop.until_state("default", "valid").await;
    assert_eq!(sandbox.user_info(&desktop.token().await).await, 200);
    ids_are_written(desktop, 1).await;
    entries_are_of_today(desktop, &[("default", sandbox)]).await;
    let requests = sandbox.requests().await;
    requests.into_iter().map(|request| (request.fingerprint.unwrap(), request.outcome)).collect()
}

fn said(token: &str, outcome: &str) -> (String, String) {
    (fingerprint(token), outcome.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_rotation_whose_answer_was_lost_with_the_earlier_version_is_repeated_once() {
    let (mut recording, sandbox, _keyring, desktop) = one_login("after-answer", "--expires-in 1h --grace 1").await;
    let token = sandbox.sign_in().await.refresh_token;
    sandbox.present(&token).await;
    recording.refresh_token_is("default/refresh-token.b", &token);
    recording.lay_down(&desktop).await;

    let outcomes = outcomes(&desktop, &sandbox).await;

    assert_eq!(outcomes, [said(&token, "granted"), said(&token, "replayed-within-grace")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_token_that_the_earlier_version_stored_and_did_not_write_down_is_the_login() {
    let (mut recording, sandbox, _keyring, desktop) = one_login("after-store", "--expires-in 1h --grace 0").await;
    let token = sandbox.sign_in().await.refresh_token;
    recording.refresh_token_is("default/refresh-token.a", &token);
    recording.lay_down(&desktop).await;

    assert_eq!(outcomes(&desktop, &sandbox).await, [said(&token, "granted")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_log_in_that_the_earlier_version_died_in_costs_the_login_before_it_nothing() {
    let (mut recording, sandbox, _keyring, desktop) = one_login("log-in", "--expires-in 1h --grace 0").await;
    let token = sandbox.sign_in().await.refresh_token;
    recording.refresh_token_is("default/refresh-token.b", &token);
    // No server takes the candidate.
    let candidate = recording.entry("default/refresh-token.a")["refresh_token"].as_str().unwrap().to_owned();
    recording.lay_down(&desktop).await;

    let outcomes = outcomes(&desktop, &sandbox).await;

    assert_eq!(outcomes, [said(&candidate, "refused"), said(&token, "granted")]);
}

/// The file is as it was written: its server is the only thing that is of today.
#[tokio::test(flavor = "multi_thread")]
async fn p1_a_recorded_keychain_file_opens_and_the_newest_tokens_are_presented() {
    let mut desktop = Desktop::without_screen().await;
    let server = Wire::start(grant("a", "r", 3600)).await;
    let mut recording = Recording::of("keychain-file");
    recording.replace(VAULT, &server.url(""));
    recording.lay_down(&desktop).await;
    recording.lay_down_key(&mut desktop);
    let sealed = desktop.environment.path("state/evertoken/keychain.sealed");
    let before = recorded_entries(&sealed, &recording);
    let newest = |account: &str| {
        let slots = ["a", "b"].map(|slot| &before[&format!("{account}/refresh-token.{slot}")]);
        let newest = slots.into_iter().max_by_key(|entry| entry["generation"].as_u64()).unwrap();
        newest["refresh_token"].as_str().unwrap().to_owned()
    };

    let mut agent = Agent::launch(&desktop, &["--no-tray"]);
    agent.is_ready(&desktop).await;
    for account in ["default", "reports"] {
        desktop.until_state(account, "valid").await;
    }

    let mut presented = server.presented();
    presented.sort();
    let mut expected = ["default", "reports"].map(newest);
    expected.sort();
    assert_eq!(presented, expected);
    ids_are_written(&desktop, 2).await;
    let ids = ["default", "reports"].map(|account| desktop.environment.account_id(account));
    for user in recorded_entries(&sealed, &recording).keys() {
        assert!(ids.iter().any(|id| user.starts_with(id)), "left of the earlier version: {user}");
    }
}

fn recorded_entries(sealed: &PathBuf, recording: &Recording) -> serde_json::Map<String, Value> {
    let digits = recording.text("evertoken-key").trim_end();
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    let key: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
    let entries = open_keychain_file(&key, fs::read(sealed).unwrap());
    let read = |text: String| serde_json::from_str(&text).unwrap_or_default();
    entries.into_iter().map(|(user, text)| (user, read(text))).collect()
}
