//! The command line, run as a person or a script runs it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::Outcome;
use super::sandbox::Sandbox;
use super::{Desktop, eventually};

/// `evertoken`: the keychain is locked or unavailable.
const KEYCHAIN_UNAVAILABLE: i32 = 5;

/// A built program of this workspace: it lies two folders above this test's own, in `target/debug`.
pub(crate) fn built(name: &str) -> PathBuf {
    let path = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join(name);
    assert!(path.exists(), "{name} is not built; run: cargo build -p {name}");
    path
}

/// The folder of the whole source.
pub(crate) fn source() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

impl Desktop {
    /// `evertoken` with these arguments, separated by spaces.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = self.environment.evertoken("evertoken");
        command.args(arguments.split_whitespace());
        command
    }

    /// Runs `evertoken` with these arguments and nothing on standard input.
    pub(crate) async fn evertoken(&self, arguments: &str) -> Outcome {
        self.evertoken_reading("", arguments).await
    }

    /// Runs `evertoken` with this on standard input.
    pub(crate) async fn evertoken_reading(&self, input: &str, arguments: &str) -> Outcome {
        Outcome::of(self.command(arguments), input.as_bytes()).await
    }

    /// Signs in at the sandbox as a person would there, and logs this account in with the refresh token. A keyring
    /// that was just started may not answer in time on a busy disk; like a person, this tries again then.
    pub(crate) async fn login(&self, account: &str, sandbox: &Sandbox) {
        let grant = sandbox.sign_in().await;
        let outcome = eventually("the keychain answers a log-in", async || {
            let outcome = self.login_with(account, sandbox, &grant.refresh_token).await;
            (outcome.code != KEYCHAIN_UNAVAILABLE).then_some(outcome)
        });
        outcome.await.succeeded();
    }

    /// Logs this account in at the sandbox with whatever is given.
    pub(crate) async fn login_with(&self, account: &str, sandbox: &Sandbox, input: &str) -> Outcome {
        let arguments = format!("login {account} --endpoint {}", sandbox.endpoint());
        self.evertoken_reading(input, &arguments).await
    }

    /// The access token, as a script gets it.
    pub(crate) async fn token(&self) -> String {
        self.evertoken("token").await.succeeded().to_owned()
    }
}
