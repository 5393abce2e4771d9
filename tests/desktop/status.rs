//! What `evertoken status --json` says, now and as it changes.

use std::process::Stdio;

use jiff::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::{Instant, timeout_at};

use super::Desktop;
use super::deadline::{PATIENCE, eventually};
use super::procfs::Pid;

/// One snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Status(pub(crate) Value);

impl Status {
    fn parse(line: &str) -> Self {
        Self(serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}")))
    }

    /// The account of this name; `null` when there is none.
    pub(crate) fn account(&self, name: &str) -> &Value {
        let accounts = self.0["accounts"].as_array().unwrap();
        accounts.iter().find(|account| account["name"] == name).unwrap_or(&Value::Null)
    }

    /// The names of all accounts, in the order given.
    pub(crate) fn names(&self) -> Vec<&str> {
        let accounts = self.0["accounts"].as_array().unwrap();
        accounts.iter().map(|account| account["name"].as_str().unwrap()).collect()
    }

    /// The account's state; empty when there is no such account.
    pub(crate) fn state(&self, name: &str) -> &str {
        self.account(name)["state"].as_str().unwrap_or_default()
    }

    /// How often the account's refresh token was rotated.
    pub(crate) fn rotations(&self, name: &str) -> u64 {
        self.account(name)["refresh_token"]["rotations"].as_u64().unwrap_or_default()
    }

    /// Seconds left to the access token.
    pub(crate) fn expires_in(&self, name: &str) -> i64 {
        self.account(name)["access_token"]["expires_in"].as_i64().unwrap_or_default()
    }

    /// Whether the access token is of no more use, to the last part of a second.
    pub(crate) fn has_expired(&self, name: &str) -> bool {
        let expires_at = self.account(name)["access_token"]["expires_at"].as_str();
        expires_at.is_none_or(|at| at.parse::<Timestamp>().unwrap() <= Timestamp::now())
    }

    /// Fingerprint of the refresh token that is stored.
    pub(crate) fn fingerprint(&self, name: &str) -> String {
        let value = &self.account(name)["refresh_token"]["fingerprint"];
        value.as_str().unwrap_or_default().to_owned()
    }

    /// The agent that answered.
    pub(crate) fn agent_pid(&self) -> Pid {
        self.0["agent"]["pid"].as_u64().and_then(|pid| pid.try_into().ok()).unwrap()
    }
}

/// A running `evertoken status --watch --json`: misses no change from the moment it was made.
pub(crate) struct Follower {
    lines: Lines<BufReader<ChildStdout>>,
    last: Option<Status>,
    _program: Child,
}

impl Follower {
    /// Reads on until a snapshot fits, and returns it.
    pub(crate) async fn until(&mut self, what: &str, fits: impl Fn(&Status) -> bool) -> Status {
        let end = Instant::now() + PATIENCE;
        loop {
            let line = match timeout_at(end, self.lines.next_line()).await {
                Ok(Ok(Some(line))) => line,
                Ok(other) => panic!("`status --watch` ended ({other:?}) before: {what}; last: {:#?}", self.last),
                Err(_) => panic!("not within {PATIENCE:?}: {what}; last status: {:#?}", self.last),
            };
            let status = Status::parse(&line);
            if fits(&status) {
                return status;
            }
            self.last = Some(status);
        }
    }
}

impl Desktop {
    /// The status now.
    pub(crate) async fn status(&self) -> Status {
        Status::parse(self.evertoken("status --json").await.succeeded())
    }

    /// Follows the status from now on.
    pub(crate) fn follow(&self) -> Follower {
        let command = self.command("status --watch --json");
        let mut program =
            tokio::process::Command::from(command).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let lines = BufReader::new(program.stdout.take().unwrap()).lines();
        Follower { lines, last: None, _program: program }
    }

    /// Waits until the status fits.
    pub(crate) async fn until(&self, what: &str, fits: impl Fn(&Status) -> bool) -> Status {
        self.follow().until(what, fits).await
    }

    /// Waits until the account's access token has fewer seconds left. It asks again and again: that time passes is no
    /// change that [`until`](Self::until) would hear of.
    pub(crate) async fn until_fewer_seconds_are_left(&self, account: &str, seconds: i64) {
        let fewer = async || (self.status().await.expires_in(account) < seconds).then_some(());
        eventually(&format!("{account} has fewer than {seconds} s left"), fewer).await;
    }

    /// Waits until the account is in this state.
    pub(crate) async fn until_state(&self, account: &str, state: &str) -> Status {
        let what = format!("{account} is {state}");
        self.until(&what, |status| status.state(account) == state).await
    }
}
