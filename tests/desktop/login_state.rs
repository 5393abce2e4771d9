//! Where a login is at this moment: at the server, in the keychain, in the journal, in the agent.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::deadline::eventually;
use super::keyring::Keyring;
use super::process::Outcome;
use super::sandbox::Sandbox;
use super::status::Status;
use super::{Desktop, Scene};

/// What logs and the sandbox call a token.
pub(crate) fn fingerprint(token: &str) -> String {
    Sha256::digest(token.as_bytes())[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Sandbox {
    /// Waits until no request is under way.
    pub(crate) async fn is_idle(&self) {
        eventually("the sandbox has answered everything", async || (self.in_flight().await == 0).then_some(())).await;
    }

    /// Whether the server takes the refresh token of this fingerprint.
    pub(crate) async fn takes(&self, fingerprint: &str) -> bool {
        self.token(fingerprint).await["state"] == "live"
    }
}

impl Desktop {
    /// The status as a program reads it from the socket: faster than the command, which starts a process.
    pub(crate) async fn status_over_the_socket(&self) -> Option<Status> {
        let answer = self.api("GET /v1/status", "").await?;
        (answer.status == 200).then_some(Status(answer.body))
    }

    /// The fingerprints of all refresh tokens in the keychain.
    pub(crate) async fn stored_refresh_tokens(&self) -> Vec<String> {
        let entries = Keyring::entries(self).await;
        let secrets = entries.lines().filter_map(|line| line.strip_prefix("secret = "));
        let entries = secrets.filter_map(|secret| serde_json::from_str::<Value>(secret).ok());
        entries.filter_map(|entry| entry["refresh_token"].as_str().map(fingerprint)).collect()
    }

    /// The lines of the account's journal that can be read.
    pub(crate) fn journal(&self, account: &str) -> Vec<Value> {
        let path = self.environment.account_file(account, "journal");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

impl Scene {
    /// Waits until the agent holds the token that the server takes, and nothing is under way.
    pub(crate) async fn settled(&self, what: &str) -> Status {
        eventually(what, async || {
            let status = self.desktop.status_over_the_socket().await?;
            (status.state("default") == "valid" && self.sandbox.takes(&status.fingerprint("default")).await)
                .then_some(status)
        })
        .await
    }

    /// Waits for two more rotations: the login does not only look alive.
    pub(crate) async fn goes_on(&self) {
        let rotations = self.desktop.status().await.rotations("default");
        let what = "two more rotations";
        self.desktop
            .until(what, |status| status.state("default") == "valid" && status.rotations("default") >= rotations + 2)
            .await;
    }

    /// Asks for refreshes, as soon as one is due and allowed, until one fails; says how.
    pub(crate) async fn refresh_fails(&self, why: &str) -> Outcome {
        eventually(&format!("a refresh fails: {why}"), async || {
            // As long as it is too early for another grant, the agent answers that all is well.
            let answer = self.desktop.api("POST /v1/accounts/default/refresh", "{}").await?;
            (answer.status != 200).then_some(())
        })
        .await;
        eventually(&format!("the command fails: {why}"), async || {
            let outcome = self.desktop.evertoken("refresh").await;
            (outcome.code != 0).then_some(outcome)
        })
        .await
    }

    /// Asks for refreshes until there is another refresh token.
    pub(crate) async fn refresh_works(&self, when: &str) {
        let before = self.desktop.status().await.fingerprint("default");
        eventually(&format!("a refresh {when}"), async || {
            let answer = self.desktop.api("POST /v1/accounts/default/refresh", "{}").await?;
            let now = &answer.body["refresh_token"]["fingerprint"];
            (now.is_string() && *now != before.as_str()).then_some(())
        })
        .await;
    }

    /// Panics when the endpoint refused anything.
    pub(crate) async fn nothing_was_refused(&self, when: &str) {
        let refused = self.sandbox.requests().await.into_iter().find(|one| matches!(one.status, Some(400..=499)));
        assert!(refused.is_none(), "{when}: {refused:?}; the journal: {:#?}", self.desktop.journal("default"));
    }
}
