#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::sync::{Arc, Condvar, Mutex};

use keyring_core::CredentialStore;

use super::work::Work;
use super::worker::{Modifiers, Opener, Source, Workers};
use super::*;

fn runtime() -> tokio::runtime::Runtime {
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

/// How many calls have come to the gate, and whether it is open.
static GATE: (Mutex<(usize, bool)>, Condvar) = (Mutex::new((0, false)), Condvar::new());

/// A keychain that blocks on its unlock window until the gate opens.
fn blocked() -> keyring_core::Result<Arc<CredentialStore>> {
    let mut gate = GATE.0.lock().unwrap();
    gate.0 += 1;
    GATE.1.notify_all();
    drop(GATE.1.wait_while(gate, |(_, is_open)| !*is_open).unwrap());
    Ok(keyring_core::mock::Store::new()?)
}

#[test]
fn a_keychain_that_blocks_costs_four_threads_at_most_and_is_used_again_when_it_is_unlocked() {
    runtime().block_on(async {
        // The 5 seconds of each call pass as soon as there is nothing else to do.
        tokio::time::pause();
        let workers = Arc::new(Workers::new(
            "evertoken-test",
            Source::Store(Opener { open: blocked, modifiers: |_label| Modifiers::new(), longest_entry: None }),
        ));
        for number in 1..=4 {
            let same = Arc::clone(&workers);
            let call = tokio::spawn(async move { same.call("a", Work::Read).await });
            tokio::task::yield_now().await;
            drop(GATE.1.wait_while(GATE.0.lock().unwrap(), |(blocked, _)| *blocked < number).unwrap());
            assert_eq!(call.await.unwrap().unwrap_err(), KeychainProblem::TimedOut);
        }
        let before = tokio::time::Instant::now();
        assert_eq!(workers.call("a", Work::Read).await.unwrap_err(), KeychainProblem::TimedOut);
        assert_eq!(before, tokio::time::Instant::now(), "the fifth call is answered without waiting");
        tokio::time::resume();

        GATE.0.lock().unwrap().1 = true;
        GATE.1.notify_all();
        let until_a_thread_has_ended = async {
            while workers.call("a", Work::Read).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONGEST_CALL, until_a_thread_has_ended).await.unwrap();
    });
}

/// How many calls have come to the queue, and how many were let through.
static QUEUE: (Mutex<(usize, usize)>, Condvar) = (Mutex::new((0, 0)), Condvar::new());

/// A keychain that answers each call when it is let through.
fn slow() -> keyring_core::Result<Arc<CredentialStore>> {
    let mut queue = QUEUE.0.lock().unwrap();
    queue.0 += 1;
    let number = queue.0;
    QUEUE.1.notify_all();
    drop(QUEUE.1.wait_while(queue, |(_, through)| *through < number).unwrap());
    Err(keyring_core::Error::NoStorageAccess("not today".into()))
}

#[test]
fn a_long_queue_before_a_slow_keychain_is_not_read_as_a_keychain_that_hangs() {
    runtime().block_on(async {
        tokio::time::pause();
        let workers = Arc::new(Workers::new(
            "evertoken-test",
            Source::Store(Opener { open: slow, modifiers: |_label| Modifiers::new(), longest_entry: None }),
        ));
        let calls: Vec<_> = (0..4)
            .map(|_| {
                let same = Arc::clone(&workers);
                tokio::spawn(async move { same.call("a", Work::Read).await })
            })
            .collect();
        tokio::task::yield_now().await;
        for number in 1..=4 {
            let queue = QUEUE.0.lock().unwrap();
            let (queue, waited) = QUEUE.1.wait_timeout_while(queue, LONGEST_CALL, |(come, _)| *come < number).unwrap();
            assert!(!waited.timed_out(), "call {number} was given up");
            drop(queue);
            tokio::time::advance(LONGEST_CALL * 4 / 5).await;
            // Whoever is to give up now gets the chance to.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            QUEUE.0.lock().unwrap().1 = number;
            QUEUE.1.notify_all();
        }
        tokio::time::resume();
        for call in calls {
            assert_ne!(call.await.unwrap().unwrap_err(), KeychainProblem::TimedOut);
        }
    });
}
