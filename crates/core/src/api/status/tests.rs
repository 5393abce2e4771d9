#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
use super::*;

/// An account that has nothing yet.
pub(crate) fn account(name: &str, state: State) -> AccountStatus {
    AccountStatus {
        name: name.parse().unwrap(),
        default: false,
        endpoint: String::new(),
        state,
        user_id: None,
        scope: Vec::new(),
        access_token: None,
        refresh: RefreshStatus::default(),
        refresh_token: None,
        login: LoginStatus::default(),
        token_file: None,
        approvals: Vec::new(),
        sign_in: Vec::new(),
        identity: None,
    }
}

fn report(accounts: &[AccountStatus]) -> StatusReport {
    let agent = AgentInfo { version: String::new(), pid: 1, started_at: Timestamp::UNIX_EPOCH, quitting: false };
    StatusReport { agent, accounts: accounts.to_vec(), account_order: AccountOrder::default() }
}

fn in_states(states: &[State]) -> StatusReport {
    report(&states.iter().map(|state| account("a", *state)).collect::<Vec<_>>())
}

#[test]
fn a_service_manager_reads_one_line() {
    assert_eq!(in_states(&[]).summary(), "no account");
    assert_eq!(in_states(&[State::Valid]).summary(), "1 account: 1 valid");
    let mixed = in_states(&[State::LoginRequired, State::Valid, State::Valid]);
    assert_eq!(mixed.summary(), "3 accounts: 2 valid, 1 log in");
}

#[test]
fn a_retry_that_is_under_way_hides_no_trouble() {
    let token =
        AccessTokenStatus { issued_at: Timestamp::UNIX_EPOCH, expires_at: Timestamp::constant(60, 0), expires_in: 60 };
    let of = |state, access_token: Option<&AccessTokenStatus>, last_error: Option<&str>| {
        let refresh = RefreshStatus { last_error: last_error.map(str::to_owned), ..RefreshStatus::default() };
        AccountStatus { access_token: access_token.cloned(), refresh, ..account("a", state) }.state_if_retry_fails()
    };
    for state in State::ALL.into_iter().filter(|state| *state != State::Refreshing) {
        assert_eq!(of(state, None, Some("no connection")), state);
    }
    assert_eq!(of(State::Refreshing, Some(&token), Some("no connection")), State::Retrying);
    assert_eq!(of(State::Refreshing, None, Some("no connection")), State::Expired);
    for token in [Some(&token), None] {
        assert_eq!(of(State::Refreshing, token, None), State::Refreshing);
    }
}

#[test]
fn a_keychain_that_failed_was_asked() {
    assert!(in_states(&[]).is_opened());
    assert!(in_states(&[State::Valid, State::KeychainUnavailable, State::SignedOut]).is_opened());
    assert!(!in_states(&[State::Valid, State::Refreshing]).is_opened());
}

#[test]
fn a_change_names_the_accounts_that_changed_and_makes_the_report_before_the_one_after() {
    use State::{Expired, Valid};
    let orders = [AccountOrder::default(), serde_json::from_str(r#"["b", "a"]"#).unwrap()];
    let accounts: [&[AccountStatus]; 5] = [
        &[],
        &[account("a", Valid)],
        &[account("a", Valid), account("b", Valid)],
        &[account("a", Valid), account("b", Expired)],
        &[account("b", Valid), account("c", Expired)],
    ];
    let reports = orders
        .iter()
        .flat_map(|order| accounts.map(|accounts| StatusReport { account_order: order.clone(), ..report(accounts) }));
    let reports: Vec<_> = reports.collect();
    for before in &reports {
        for after in &reports {
            let mut report = before.clone();
            report.apply(after.change_since(before));
            assert_eq!(report, *after);
        }
    }
    let change = reports[3].change_since(&reports[2]);
    assert_eq!(change.accounts, [account("b", Expired)]);
    assert_eq!((change.removed.len(), change.account_order), (0, None));
    assert_eq!(reports[4].change_since(&reports[2]).removed, ["a".parse().unwrap()]);
}
