//! Without a desktop: no bus, no keychain, no screen; tokens in an encrypted file.

pub(crate) mod place;
mod service;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::desktop::{Canary, effort, procfs};
use crate::p1_crash::kill_as_soon_as_a_new_token_is_seen;
use place::Server;

#[tokio::test(flavor = "multi_thread")]
async fn a_login_in_a_file_is_refreshed_and_survives_a_restart_without_a_request() {
    let mut server = Server::logged_in("--expires-in 4s --grace 0").await;
    server.goes_on("default").await;
    server.agent.kill();
    let server = Server::logged_in("--expires-in 1h").await;
    let (token, requests) = (server.desktop.token().await, server.sandbox.requests().await.len());
    let server = server.restarted().await;
    server.desktop.until_state("default", "valid").await;
    assert_eq!(server.desktop.token().await, token);
    assert_eq!(server.sandbox.requests().await.len(), requests, "a restart is no reason to refresh");
    let path = "state/evertoken/keychain.sealed";
    assert_eq!(server.desktop.environment.mode(path), 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_share_the_file_and_one_may_go() {
    let mut server = Server::logged_in("--expires-in 4s --grace 0").await;
    server.desktop.login("other", &server.sandbox).await;
    server.goes_on("default").await;
    server.goes_on("other").await;
    server.desktop.evertoken("account default other").await.succeeded();
    server.desktop.evertoken("logout default").await.succeeded();
    server.desktop.evertoken("account remove default").await.succeeded();
    server = server.restarted().await;
    server.goes_on("other").await;
    let other = server.desktop.environment.account_id("other");
    let users: Vec<String> = server.entries().into_keys().collect();
    assert!(users.len() >= 2 && users.iter().all(|user| user.starts_with(&other)), "{users:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_form_of_a_token_is_in_a_file_of_a_server() {
    let mut server = Server::logged_in("--expires-in 4s --grace 0").await;
    let mut canary = Canary::new();
    for _ in 0..2 {
        server.goes_on("default").await;
        let entries = server.entries();
        assert!(entries.len() >= 2, "{:?}", entries.keys());
        for (user, entry) in entries.iter().filter(|(user, _)| !user.ends_with("/probe")) {
            let entry: serde_json::Value = serde_json::from_str(entry).unwrap();
            let token = entry["refresh_token"].as_str().or(entry["access_token"].as_str()).unwrap();
            canary.add(user, token);
            canary.assert_present("what the file holds", entry.to_string().as_bytes());
        }
    }
    server.agent.terminate().await;
    for (path, bytes) in server.desktop.environment.files() {
        canary.assert_absent(&path.display().to_string(), &bytes);
    }
}

/// One thing that can be wrong, and what people read of it.
struct Trouble {
    name: &'static str,
    words: &'static str,
    make: fn(&Server),
}

const TROUBLES: [Trouble; 9] = [
    Trouble {
        name: "a key that others can read",
        words: "chmod 600",
        make: |server| fs::set_permissions(server.key(), fs::Permissions::from_mode(0o644)).unwrap(),
    },
    Trouble { name: "no key", words: "is not there", make: |server| fs::remove_file(server.key()).unwrap() },
    Trouble { name: "another key", words: "does not open", make: |server| server.put_key(&[0xb5; 32]) },
    Trouble { name: "a password", words: "32 random bytes", make: |server| server.put_key(&[b'x'; 32]) },
    Trouble { name: "an empty file", words: "damaged", make: |server| server.tear(|_| 0) },
    Trouble { name: "a header alone", words: "damaged", make: |server| server.tear(|_| 21) },
    Trouble { name: "half a nonce", words: "damaged", make: |server| server.tear(|_| 27) },
    Trouble { name: "half a file", words: "damaged", make: |server| server.tear(|length| length / 2) },
    Trouble { name: "all but a byte", words: "damaged", make: |server| server.tear(|length| length - 1) },
];

#[tokio::test(flavor = "multi_thread")]
async fn a_file_or_key_in_trouble_is_named_and_nothing_is_sent_or_overwritten() {
    let mut server = Server::logged_in("--expires-in 1h").await;
    let token = server.desktop.token().await;
    let requests = server.sandbox.requests().await.len();
    let (key, sealed) = (fs::read(server.key()).unwrap(), fs::read(server.sealed()).unwrap());
    for Trouble { name, words, make } in TROUBLES {
        server.agent.terminate().await;
        make(&server);
        let damaged = fs::read(server.sealed()).unwrap();
        server = server.restarted().await;

        server.desktop.until_state("default", "keychain-unavailable").await;
        let said = server.desktop.evertoken("token").await.failed(5).to_owned();
        assert!(said.contains(words), "{name}: {said}");
        let grant = server.sandbox.sign_in().await;
        let login = server.desktop.login_with("default", &server.sandbox, &grant.refresh_token).await;
        assert!(login.failed(5).contains(words), "{name}: {login:?}");
        assert_eq!(fs::read(server.sealed()).unwrap(), damaged, "{name}");
        assert_eq!(server.sandbox.requests().await.len(), requests, "{name}: nothing is sent");

        server.put_key(&key);
        fs::write(server.sealed(), &sealed).unwrap();
        procfs::signal(server.agent.pid(), rustix::process::Signal::HUP);
        server.desktop.until_state("default", "valid").await;
        assert_eq!(server.desktop.token().await, token, "{name}");
    }
    assert_eq!(server.sandbox.requests().await.len(), requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_names_a_file_or_key_in_trouble_while_a_login_is_in_it_and_while_none_is() {
    let server = Server::logged_in("--expires-in 1h").await;
    let keychain = async || {
        let report: Value = serde_json::from_str(&server.desktop.evertoken("doctor --json").await.stdout).unwrap();
        let mut findings = report["findings"].as_array().unwrap().iter();
        findings.find(|finding| finding["check"] == "keychain").unwrap().clone()
    };
    for command in ["status", "logout default"] {
        server.desktop.evertoken(command).await.succeeded();
        let (key, sealed) = (fs::read(server.key()).unwrap(), fs::read(server.sealed()).unwrap());
        assert_eq!(keychain().await["verdict"], "ok");
        for Trouble { name, words, make } in TROUBLES {
            make(&server);
            let finding = keychain().await;
            assert!(finding["verdict"] == "fail" && finding.to_string().contains(words), "{name}: {finding}");
            server.put_key(&key);
            fs::write(server.sealed(), &sealed).unwrap();
            assert_eq!(keychain().await["verdict"], "ok", "{name} is mended");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_is_not_read_as_signed_out() {
    let mut server = Server::logged_in("--expires-in 1h").await;
    server.agent.kill();
    fs::remove_file(server.sealed()).unwrap();
    let server = server.restarted().await;
    server.desktop.until_state("default", "keychain-unavailable").await;
    server.desktop.evertoken("token").await.failed(5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_at_any_step_of_a_rotation_into_a_file_loses_no_login() {
    let places = [
        ("before-presented", 0),
        ("after-presented", 0),
        ("after-store", 0),
        ("after-stored", 0),
        ("keychain-file-written", 0),
        ("keychain-file-renamed", 0),
        ("after-answer", 1),
        ("before-store", 1),
    ];
    for (place, grace) in places {
        let mut server = Server::logged_in(&format!("--expires-in 4s --grace {grace}")).await;
        server.agent.kill();
        server.desktop.environment.set("EVERTOKEN_FAIL_POINT", place);
        let mut doomed = server.launch();
        assert!(!doomed.ended().await.success(), "it should have died at {place}");
        server.desktop.environment.set("EVERTOKEN_FAIL_POINT", "");
        let server = server.restarted().await;
        server.goes_on("default").await;
        server.nothing_was_refused(place).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_from_the_moment_a_new_token_can_be_seen_loses_no_login_in_a_file() {
    let mut server = Server::logged_in("--expires-in 4s --grace 0").await;
    let mut token = server.desktop.evertoken("token --wait 30s").await.succeeded().to_owned();
    for attempt in 0..effort(10, 200) {
        token = kill_as_soon_as_a_new_token_is_seen(&server.desktop, &mut server.agent, &token).await;
        server = server.restarted().await;
        server.nothing_was_refused(&format!("kill {attempt}")).await;
    }
    server.goes_on("default").await;
}
