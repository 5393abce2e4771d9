use evertoken_core::api::diagnosis::{Diagnosis, Presence};
use evertoken_core::api::login_problem::{keychain_advice, keychain_problem};
use evertoken_core::api::problem::Problem;
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
    match kind {
        Keychain::Memory => {
            let what = "Tokens are kept in the agent's memory alone: a login ends with the agent.";
            return Finding::warn(CHECK, what, "To keep logins, take keychain = \"memory\" out of the configuration.");
        }
        Keychain::Os | Keychain::File => {}
    }
    let Some(report) = report else {
        return Finding::warn(CHECK, "Not known while no agent runs.", "Fix the agent problem above first.");
    };
    if let Some(account) = report.accounts.iter().find(|account| account.state == State::KeychainUnavailable) {
        let Problem { detail, advice, .. } = keychain_problem(&account.name, problem_of(account));
        return Finding::fail(CHECK, format!("For {detail}"), advice);
    }
    if report.accounts.iter().any(|account| account.refresh_token.is_some()) {
        return Finding::ok(CHECK, "It answers and holds the login.");
    }
    if let Some(problem) = diagnosis.and_then(|diagnosis| diagnosis.keychain_problem) {
        return Finding::fail(CHECK, format!("No login can be kept: {problem}."), keychain_advice(problem));
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

/// What to do about an account whose keychain cannot be used.
pub(super) fn cure_of(account: &AccountStatus) -> String {
    keychain_problem(&account.name, problem_of(account)).advice
}

fn problem_of(account: &AccountStatus) -> KeychainProblem {
    let said = account.refresh.last_error.as_deref().unwrap_or_default();
    let problem = PROBLEMS.into_iter().find(|problem| problem.to_string() == said);
    problem.unwrap_or(KeychainProblem::Unavailable)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::super::account::tests::{account, report};
    use super::*;

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
    fn a_login_that_will_not_survive_the_agent_is_no_secret() {
        assert_eq!(verdict(Keychain::Memory, Some(&report(Vec::new())), None).verdict, Verdict::Warn);
        for kept in [Keychain::Os, Keychain::File] {
            assert_eq!(verdict(kept, Some(&report(Vec::new())), None).verdict, Verdict::Ok);
        }
    }
}
