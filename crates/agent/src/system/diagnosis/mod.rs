//! What only the agent can see of its surroundings. Looked at when somebody asks, never by itself.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
use elsewhere as platform;
#[cfg(target_os = "linux")]
use linux as platform;

use std::path::PathBuf;

use evertoken_client::environment;
use evertoken_core::account::AccountName;
use evertoken_core::api::diagnosis::{Diagnosis, HeldLock, Surroundings};

use super::endpoint_clock;
use super::lock_holder::holder;
use super::slow_disk::on_slow_disk;

pub(crate) async fn diagnosis(locks: Vec<(AccountName, PathBuf)>, has_certificates: bool) -> Diagnosis {
    // The table of locks is read from the kernel, but the locks lie where a disk may hang.
    let looked = on_slow_disk(move || held_locks(locks));
    let (held_locks, bus) = tokio::join!(looked, platform::session_bus());
    let (session_bus, keychain_problem) = bus.unzip();
    Diagnosis {
        session_bus,
        keychain_problem: keychain_problem.flatten(),
        endpoint_clock_ahead: endpoint_clock::ahead(),
        held_locks: held_locks.unwrap_or_default(),
        program_replaced: program_was_replaced(),
        surroundings: surroundings(has_certificates),
    }
}

/// Linux marks the file of a program that runs and has no name any more.
fn program_was_replaced() -> bool {
    std::env::current_exe().is_ok_and(|program| program.to_string_lossy().ends_with(" (deleted)"))
}

fn surroundings(has_certificates: bool) -> Option<Surroundings> {
    let paths = environment::paths().ok()?;
    let variable = |name: &str| environment::variable(name).map(|value| value.to_string_lossy().into_owned());
    Some(Surroundings {
        configuration_folder: paths.config,
        state_folder: paths.state,
        variables: Surroundings::variables(variable),
        has_certificates,
    })
}

/// Our own locks are no news.
fn held_locks(locks: Vec<(AccountName, PathBuf)>) -> Vec<HeldLock> {
    let held = |(account, lock): (AccountName, PathBuf)| {
        let holder = holder(&lock).filter(|holder| holder.pid != std::process::id())?;
        Some(HeldLock { account, holder: holder.to_string() })
    };
    locks.into_iter().filter_map(held).collect()
}
