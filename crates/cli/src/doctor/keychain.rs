use evertoken_core::api::diagnosis::{Diagnosis, Presence};
use evertoken_core::api::login_problem::{keychain_advice, keychain_problem};
use evertoken_core::api::status::{AccountStatus, State, StatusReport};
use evertoken_core::config::Keychain;
use evertoken_core::keychain::KeychainProblem;

use super::Finding;

const CHECK: &str = "keychain";
const PROBLEMS: [KeychainProblem; 13] = [
    KeychainProblem::Locked,
    KeychainProblem::TimedOut,
    KeychainProblem::PasswordAsked,
    KeychainProblem::Unavailable,
    KeychainProblem::NoDefaultKeyring,
    KeychainProblem::Refused,
    KeychainProblem::Missing,
    KeychainProblem::KeyMissing,
    KeychainProblem::KeyNotPrivate,
    KeychainProblem::KeyMalformed,
    KeychainProblem::FileNotOurs,
    KeychainProblem::FileNotRead,
    KeychainProblem::NoClientSecret,
];

/// By what the agent says: only a program that uses the keychain knows whether it answers.
pub(super) fn verdict(kind: Keychain, report: Option<&StatusReport>, diagnosis: Option<&Diagnosis>) -> Finding {
    if kind == Keychain::Memory {
        let what = "Tokens are kept in the agent's memory alone: a login ends with the agent.";
        return Finding::warn(CHECK, what, "To keep logins, take keychain = \"memory\" out of the configuration.");
    }
    let Some(report) = report else {
        return Finding::warn(CHECK, "Not known while no agent runs.", "Fix the agent problem above first.");
    };
    if let Some(account) = report.accounts.iter().find(|account| account.state == State::KeychainUnavailable) {
        let problem = account.refresh.last_error.as_deref().unwrap_or("the keychain cannot be used");
        return Finding::fail(CHECK, format!("For {}: {problem}.", account.name), cure_of(account));
    }
    let problem = diagnosis.and_then(|diagnosis| diagnosis.keychain_problem);
    if kind == Keychain::File && diagnosis.is_some() {
        let ok = || Finding::ok(CHECK, "The keychain file and its key can be read.");
        return problem.map_or_else(ok, cannot_store);
    }
    if report.accounts.iter().any(|account| account.refresh_token.is_some()) {
        return Finding::ok(CHECK, "It answers and holds the login.");
    }
    if let Some(problem) = problem {
        return cannot_store(problem);
    }
    let on_bus = diagnosis.and_then(|diagnosis| diagnosis.session_bus).map(|bus| bus.keychain);
    if on_bus == Some(Presence::Absent) {
        return Finding::fail(
            CHECK,
            "No keychain is on the session bus (org.freedesktop.secrets), so no login can be kept.",
            "Start GNOME Keyring, KeePassXC or another Secret Service before you log in.",
        );
    }
    Finding::ok(CHECK, "It is asked for the first time when you log in.")
}

fn cannot_store(problem: KeychainProblem) -> Finding {
    Finding::fail(CHECK, format!("No login can be stored: {problem}."), keychain_advice(problem))
}

/// What to do about an account whose keychain cannot be used.
pub(super) fn cure_of(account: &AccountStatus) -> String {
    let said = account.refresh.last_error.as_deref().unwrap_or_default();
    let problem = PROBLEMS.into_iter().find(|problem| problem.to_string() == said);
    keychain_problem(&account.name, problem.unwrap_or(KeychainProblem::Unavailable)).advice
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::super::account::tests::{account, report};
    use super::*;
    use evertoken_core::api::diagnosis::SessionBus;

    #[test]
    fn a_locked_keychain_is_unlocked_and_an_absent_one_started() {
        let of = |problem: KeychainProblem| {
            let account = account(State::KeychainUnavailable, Some(&problem.to_string()));
            verdict(Keychain::Os, Some(&report(vec![account])), None)
        };
        let locked = of(KeychainProblem::Locked);
        assert_eq!(locked.verdict, Verdict::Fail);
        assert!(locked.what.contains("locked"), "{locked:?}");
        assert!(locked.cure.is_some_and(|cure| cure.starts_with("Unlock")));
        assert!(of(KeychainProblem::Unavailable).cure.is_some_and(|cure| cure.starts_with("Start")));
    }

    #[test]
    fn every_problem_has_its_own_cure() {
        for problem in PROBLEMS {
            let account = account(State::KeychainUnavailable, Some(&problem.to_string()));
            assert_eq!(cure_of(&account), keychain_problem(&account.name, problem).advice);
        }
    }

    #[test]
    fn what_stores_the_next_login_is_looked_at_wherever_it_is() {
        let bus = |keychain| {
            let absent = Presence::Absent;
            Some(SessionBus { tray: absent, notifications: absent, keychain })
        };
        let looked = |kind, keychain_problem, keychain, accounts| {
            let diagnosis = Diagnosis { keychain_problem, session_bus: bus(keychain), ..Diagnosis::default() };
            verdict(kind, Some(&report(accounts)), Some(&diagnosis)).verdict
        };
        let key = Some(KeychainProblem::KeyMissing);
        let signed_out = || vec![account(State::SignedOut, None)];
        for accounts in [signed_out(), vec![account(State::Valid, None)]] {
            assert_eq!(looked(Keychain::File, key, Presence::Absent, accounts.clone()), Verdict::Fail);
            assert_eq!(looked(Keychain::File, None, Presence::Absent, accounts), Verdict::Ok, "a file needs no bus");
        }
        let keyring = Some(KeychainProblem::NoDefaultKeyring);
        assert_eq!(looked(Keychain::Os, keyring, Presence::Running, signed_out()), Verdict::Fail);
        assert_eq!(looked(Keychain::Os, None, Presence::Running, signed_out()), Verdict::Ok);
        assert_eq!(looked(Keychain::Os, None, Presence::Absent, signed_out()), Verdict::Fail);
        assert_eq!(looked(Keychain::Memory, None, Presence::Absent, signed_out()), Verdict::Warn);
    }

    #[test]
    fn a_login_that_will_not_survive_the_agent_is_no_secret() {
        assert_eq!(verdict(Keychain::Memory, Some(&report(Vec::new())), None).verdict, Verdict::Warn);
        for kept in [Keychain::Os, Keychain::File] {
            assert_eq!(verdict(kept, Some(&report(Vec::new())), None).verdict, Verdict::Ok);
        }
    }
}
