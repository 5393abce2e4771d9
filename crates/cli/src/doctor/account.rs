use evertoken_core::api::status::{AccountStatus, State, StatusReport};
use evertoken_core::oauth::failure::{Failure, NotSent};
use evertoken_core::present::sentence::state_and_time_left;
use jiff::Timestamp;

use super::Finding;
use super::keychain::cure_of;

const CHECK: &str = "account";
const CERTIFICATE: &str = "Check the clock; if a proxy opens TLS, add its certificate to the system's trust store. If the certificate has expired, \
     the people who run the endpoint have to renew it.";

/// A finding for each account.
pub(super) fn verdicts(report: Option<&StatusReport>, now: Timestamp) -> Vec<Finding> {
    match report.map(|report| report.accounts.as_slice()) {
        None => vec![Finding::warn(CHECK, "Not known while no agent runs.", "Fix the agent problem above first.")],
        Some([]) => vec![Finding::warn(CHECK, "Nobody has logged in yet.", "Run: evertoken login")],
        Some(accounts) => accounts.iter().map(|account| verdict(account, now).of(&account.name)).collect(),
    }
}

fn verdict(account: &AccountStatus, now: Timestamp) -> Finding {
    let name = &account.name;
    let state = state_and_time_left(account, now);
    let reason = account.login.reason.as_deref().or(account.refresh.last_error.as_deref());
    let what = capitalised(&reason.map_or_else(|| format!("{state}."), |reason| format!("{state}: {reason}.")));
    let mut of_certificates = NotSent::OF_CERTIFICATES.into_iter().map(|failed| Failure::NotSent(failed).in_words());
    let is_tls = of_certificates.any(|words| reason == Some(words.as_str()));
    match account.state_if_retry_fails() {
        State::Valid | State::Refreshing => Finding::ok(CHECK, what),
        State::Retrying if is_tls => Finding::warn(CHECK, what, CERTIFICATE),
        State::Expired if is_tls => Finding::fail(CHECK, what, CERTIFICATE),
        State::Retrying => Finding::warn(
            CHECK,
            what,
            "Nothing yet: Evertoken tries again by itself. If it lasts, check the network and the proxy.",
        ),
        State::Expired => {
            Finding::fail(CHECK, what, format!("Check the network and the proxy, then run: evertoken refresh {name}"))
        }
        State::LoginSoon => Finding::warn(CHECK, what, format!("Run: evertoken login {name}")),
        State::LoginRequired => Finding::fail(CHECK, what, format!("Run: evertoken login {name}")),
        State::KeychainUnavailable => Finding::fail(CHECK, what, cure_of(account)),
        State::ServerChanged => Finding::fail(
            CHECK,
            what,
            format!("Run: evertoken login {name}, or change its server back in config.toml."),
        ),
        State::SignedOut => Finding::warn(CHECK, what, format!("Run: evertoken login {name}")),
    }
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::super::Verdict;
    use super::*;
    use evertoken_core::account::order::AccountOrder;
    use evertoken_core::api::status::{AccessTokenStatus, AgentInfo, LoginStatus, RefreshStatus};
    use evertoken_core::oauth::endpoint::PRODUCTION_ENDPOINT;

    /// A report of an agent of version 0.1.0, started at the beginning of 1970.
    pub(in super::super) fn report(accounts: Vec<AccountStatus>) -> StatusReport {
        let agent =
            AgentInfo { version: "0.1.0".to_owned(), pid: 7, started_at: Timestamp::UNIX_EPOCH, quitting: false };
        StatusReport { agent, accounts, account_order: AccountOrder::default() }
    }

    /// An account whose access token lasts a day from the beginning of 1970.
    pub(in super::super) fn account(state: State, error: Option<&str>) -> AccountStatus {
        AccountStatus {
            token_file: None,
            approvals: Vec::new(),
            sign_in: Vec::new(),
            identity: None,
            name: "eu".parse().unwrap(),
            default: true,
            endpoint: PRODUCTION_ENDPOINT.to_owned(),
            state,
            user_id: None,
            scope: Vec::new(),
            access_token: Some(AccessTokenStatus {
                issued_at: Timestamp::UNIX_EPOCH,
                expires_at: Timestamp::constant(86_400, 0),
                expires_in: 86_400,
            }),
            refresh: RefreshStatus { last_error: error.map(str::to_owned), ..RefreshStatus::default() },
            refresh_token: None,
            login: LoginStatus::default(),
        }
    }

    #[test]
    fn each_state_says_what_is_wrong_and_names_the_account_in_its_cure() {
        for state in State::ALL {
            let finding = verdicts(Some(&report(vec![account(state, Some("no connection"))])), Timestamp::UNIX_EPOCH);
            let [finding] = finding.as_slice() else { panic!("one account, one finding") };
            assert_eq!(finding.account.as_ref().unwrap().as_str(), "eu");
            assert!(finding.what.ends_with('.') && finding.what.starts_with(char::is_uppercase), "{finding:?}");
            assert_eq!(finding.cure.is_some(), finding.verdict != Verdict::Ok, "{finding:?}");
            if state.requires_authorization() {
                assert!(finding.cure.as_ref().unwrap().starts_with("Run: evertoken login eu"), "{finding:?}");
            }
        }
    }

    #[test]
    fn a_login_that_is_over_fails_and_one_that_still_works_warns() {
        let of = |state| verdict(&account(state, None), Timestamp::UNIX_EPOCH).verdict;
        assert_eq!((of(State::LoginRequired), of(State::Expired)), (Verdict::Fail, Verdict::Fail));
        assert_eq!((of(State::LoginSoon), of(State::Retrying)), (Verdict::Warn, Verdict::Warn));
        let mut retried = account(State::Refreshing, Some("no connection"));
        let of = |account: &AccountStatus| verdict(account, Timestamp::UNIX_EPOCH).verdict;
        assert_eq!(of(&retried), Verdict::Warn);
        retried.access_token = None;
        assert_eq!(of(&retried), Verdict::Fail);
    }

    #[test]
    fn a_certificate_is_no_matter_of_the_network() {
        for failed in NotSent::OF_CERTIFICATES {
            let said = Failure::NotSent(failed).in_words();
            let finding = verdict(&account(State::Expired, Some(&said)), Timestamp::UNIX_EPOCH);
            assert_eq!((finding.verdict, finding.cure.as_deref()), (Verdict::Fail, Some(CERTIFICATE)));
        }
    }

    #[test]
    fn a_newcomer_is_told_how_to_begin() {
        let findings = verdicts(Some(&report(Vec::new())), Timestamp::UNIX_EPOCH);
        assert_eq!(findings, [Finding::warn(CHECK, "Nobody has logged in yet.", "Run: evertoken login")]);
    }
}
