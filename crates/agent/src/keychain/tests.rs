#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::sync::{Arc, Condvar, Mutex};

use keyring_core::CredentialStore;

use super::worker::{Work, Workers};
use super::*;

fn runtime() -> tokio::runtime::Runtime {
    // Paused time: the 5 seconds pass at once when there is nothing else to do.
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn memory_keeps_what_was_written_and_forgets_what_was_deleted() {
    runtime().block_on(async {
        let keychain = Keychain::memory();
        let same = keychain.clone();
        keychain.write("a/probe", "x".to_owned().into()).await.unwrap();
        assert!(same.read("a/probe").await.unwrap().is_some());
        same.delete("a/probe").await.unwrap();
        same.delete("a/probe").await.unwrap();
        assert!(keychain.read("a/probe").await.unwrap().is_none());
    });
}

static GATE: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

/// A keychain that blocks on its unlock window until the gate opens.
fn blocked() -> keyring_core::Result<Arc<CredentialStore>> {
    let open = GATE.1.wait_while(GATE.0.lock().unwrap(), |open| !*open).unwrap();
    drop(open);
    Ok(keyring_core::mock::Store::new()?)
}

#[test]
fn a_keychain_that_blocks_costs_four_threads_at_most_and_is_used_again_when_it_is_unlocked() {
    runtime().block_on(async {
        tokio::time::pause();
        let workers = Workers::new("evertoken-test", blocked);
        for _ in 0..4 {
            assert_eq!(workers.call("a", Work::Read).await.unwrap_err(), KeychainProblem::TimedOut);
        }
        let before = tokio::time::Instant::now();
        assert_eq!(workers.call("a", Work::Read).await.unwrap_err(), KeychainProblem::TimedOut);
        assert_eq!(before, tokio::time::Instant::now(), "the fifth call is answered without waiting");
        tokio::time::resume();

        *GATE.0.lock().unwrap() = true;
        GATE.1.notify_all();
        let until_threads_ended = async {
            while workers.call("a", Work::Read).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONGEST_CALL, until_threads_ended).await.unwrap();
    });
}
