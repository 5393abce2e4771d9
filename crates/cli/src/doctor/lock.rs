use evertoken_core::api::diagnosis::{Diagnosis, HeldLock};

use super::Finding;

const CHECK: &str = "lock";

/// A finding for each account whose lock another process than the agent has.
pub(super) fn verdicts(diagnosis: Option<&Diagnosis>) -> Vec<Finding> {
    let locks = diagnosis.map(|diagnosis| diagnosis.held_locks.as_slice()).unwrap_or_default();
    locks.iter().map(verdict).collect()
}

fn verdict(lock: &HeldLock) -> Finding {
    let HeldLock { account, holder } = lock;
    let what = format!("{holder} holds the lock of {account}: the agent cannot refresh its tokens.");
    Finding::warn(CHECK, what, "Wait until it is done, or end that process.").of(account)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn who_is_in_the_way_of_an_account_is_named() {
        let held = HeldLock { account: "eu".parse().unwrap(), holder: "flock (process 7)".to_owned() };
        let diagnosis = Diagnosis { held_locks: vec![held], ..Diagnosis::default() };
        let finding = verdicts(Some(&diagnosis)).remove(0);
        assert!(finding.what.starts_with("flock (process 7) holds the lock of eu"), "{finding:?}");
        assert_eq!(verdicts(None), []);
    }
}
