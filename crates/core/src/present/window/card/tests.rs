#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
use super::*;
use crate::api::status::{AccessTokenStatus, LoginStatus, RefreshStatus};
use crate::oauth::server::SignInMethod;
use crate::present::wall_clock::WallClock;

fn at(text: &str) -> Timestamp {
    format!("2026-11-{text}Z").parse().unwrap()
}

/// An account with a token of a day, at 08:48.
fn account(state: State) -> AccountStatus {
    AccountStatus {
        token_file: None,
        approvals: Vec::new(),
        sign_in: Vec::new(),
        identity: None,
        name: "default".parse().unwrap(),
        default: true,
        endpoint: "https://api.vault.ist/v2.0/reference/gettoken".to_owned(),
        state,
        user_id: Some("usr:b06d9aaa".to_owned()),
        scope: vec!["accounts:create".to_owned(), "accounts:read".to_owned()],
        access_token: Some(AccessTokenStatus {
            issued_at: at("22T08:00:00"),
            expires_at: at("23T08:00:00"),
            expires_in: 86_400,
        }),
        refresh: RefreshStatus { next_at: Some(at("23T02:00:00")), ..RefreshStatus::default() },
        refresh_token: None,
        login: LoginStatus::default(),
    }
}

fn card(account: &AccountStatus) -> Card {
    Card::of(account, at("22T08:48:00"), &WallClock::UTC)
}

#[test]
fn a_valid_account_reads_like_this() {
    let button = |action, label, primary| Button { action, label, enabled: true, primary };
    assert_eq!(
        card(&account(State::Valid)),
        Card {
            name: "default".to_owned(),
            default: true,
            state: State::Valid,
            picture: "valid",
            state_words: "valid".to_owned(),
            line: "valid, 23 h 12 min left".to_owned(),
            headline: "Nothing to do: the login stays fresh by itself.".to_owned(),
            expires_in: "23 h 12 min".to_owned(),
            end: "left, until 23 Nov, 08:00".to_owned(),
            next_refresh: "next refresh 23 Nov, 02:00".to_owned(),
            message: String::new(),
            scope_count: "2 scopes".to_owned(),
            scope: vec!["accounts:create".to_owned(), "accounts:read".to_owned()],
            user_id: "usr:b06d9aaa".to_owned(),
            host: "api.vault.ist".to_owned(),
            endpoint: "https://api.vault.ist/v2.0/reference/gettoken".to_owned(),
            // 278.4 of the ring's 288 steps.
            life_left: 278.0 / 288.0,
            life_left_at_refresh: Some(0.25),
            buttons: vec![
                button(ButtonAction::Copy, "Copy access token", true),
                button(ButtonAction::Refresh, "Refresh now", false),
                button(ButtonAction::LoginAgain, "Log in again", false),
                button(ButtonAction::Logout, "Log out", false),
            ],
            login_title: "Log in to default again".to_owned(),
            sign_in: Vec::new(),
            farewell: "Log out of default? Its tokens are forgotten on this machine. To get access tokens again \
                       you need a new refresh token."
                .to_owned(),
            announcement: "default: valid until 23 Nov, 08:00".to_owned(),
        }
    );
}

#[test]
fn whoever_can_sign_in_at_the_server_needs_no_refresh_token_to_come_back() {
    let account = AccountStatus { sign_in: vec![SignInMethod::Device], ..account(State::Valid) };
    let card = card(&account);
    assert_eq!(card.sign_in, [SignInMethod::Device]);
    assert!(card.farewell.ends_with("To get access tokens again you have to sign in."), "{}", card.farewell);
}

#[test]
fn a_failing_refresh_says_why_since_when_and_what_comes_next() {
    let mut failing = account(State::Retrying);
    failing.refresh = RefreshStatus {
        next_at: Some(at("22T08:48:42")),
        last_success_at: None,
        failures: 3,
        failing_since: Some(at("22T07:10:00")),
        last_error: Some("no connection to api.vault.ist".to_owned()),
    };
    let retrying = card(&failing);
    assert_eq!(retrying.message, "No connection to api.vault.ist. Since 07:10, 3 tries.");
    assert_eq!(retrying.next_refresh, "next try 08:48:42");
    let soon = Card::of(&failing, at("22T08:48:41.5"), &WallClock::UTC);
    assert_eq!(soon.next_refresh, "next try now");
    failing.state = State::Refreshing;
    let trying = card(&failing);
    assert_eq!((&trying.message, &trying.picture), (&retrying.message, &retrying.picture));

    failing.state = State::Expired;
    failing.access_token = None;
    let expired = card(&failing);
    assert_eq!((expired.expires_in.as_str(), expired.end.as_str()), ("Expired", "no access token"));
    assert!(expired.life_left.abs() < f64::EPSILON && expired.life_left_at_refresh.is_none());
}

#[test]
fn a_refused_login_names_its_reason_and_offers_the_log_in() {
    let mut refused = account(State::LoginSoon);
    refused.login.reason = Some("the login expired on 2025-01-01T00:00:00Z".to_owned());
    let soon = card(&refused);
    assert_eq!(soon.message, "The login expired on 1 Jan 2025 at 00:00.");
    assert_eq!(soon.headline, "Log in again before 23 Nov, 08:00: the access token works until then.");
    assert_eq!(soon.next_refresh, "no refresh before you log in");
}

#[test]
fn exactly_one_button_helps_most_and_it_can_be_pressed() {
    for state in State::ALL {
        let card = card(&account(state));
        // While a token is on its way, the present one can be copied.
        let primary: Vec<_> = card.buttons.iter().filter(|button| button.primary).collect();
        assert!(matches!(primary[..], [Button { enabled: true, .. }]), "{state:?}: {:?}", card.buttons);
        assert!(!card.headline.is_empty() && !card.next_refresh.is_empty() && !card.end.is_empty(), "{state:?}");
    }
}

#[test]
fn a_token_that_is_over_cannot_be_copied_even_before_the_agent_says_so() {
    let late = Card::of(&account(State::Valid), at("23T08:00:00"), &WallClock::UTC);
    assert_eq!(late.expires_in, "Expired");
    assert_eq!(late.end, "since 08:00:00");
    assert!(!late.buttons[0].enabled);
}

#[test]
fn before_the_first_access_token_nothing_pretends_to_help() {
    let mut first = account(State::Refreshing);
    first.access_token = None;
    let card = card(&first);
    assert!(card.buttons.iter().all(|button| !button.primary));
    assert_eq!((card.expires_in.as_str(), card.end.as_str()), ("No token", "no access token"));
}

#[test]
fn a_signed_out_account_can_be_removed() {
    let mut out = account(State::SignedOut);
    out.access_token = None;
    let card = card(&out);
    assert_eq!(card.buttons[3].action, ButtonAction::Remove);
    assert_eq!((card.expires_in.as_str(), card.login_title.as_str()), ("No token", "Log in to default"));
}

#[test]
fn the_seconds_of_a_token_that_lives_for_seconds_are_not_counted_down() {
    let mut brief = account(State::Valid);
    let token = brief.access_token.as_mut().unwrap();
    (token.issued_at, token.expires_at) = (at("22T08:47:50"), at("22T08:48:20"));
    brief.refresh.next_at = Some(at("22T08:48:12"));

    let shown = card(&brief);

    assert_eq!((shown.expires_in.as_str(), shown.line.as_str()), ("Under 1 min", "valid, under 1 min left"));
    assert!((shown.life_left - 1.0).abs() < f64::EPSILON, "the ring stands still too");
    assert_eq!((shown.end.as_str(), shown.next_refresh.as_str()), ("left, until 08:48:20", "next refresh 08:48:12"));
    assert_eq!(next_change(&brief, at("22T08:48:00")), Some(SignedDuration::from_secs(20)), "when it has expired");
}

#[test]
fn a_login_that_ends_says_before_when_a_person_logs_in_again() {
    let mut ends = account(State::Valid);
    ends.login.before = Some(at("24T10:00:00"));

    assert_eq!(card(&ends).headline, "Nothing to do now. Log in again before 24 Nov, 10:00.");
    ends.login.before = Some(at("23T08:00:00"));
    assert_eq!(card(&ends).headline, "Log in again before 23 Nov, 08:00.", "the notification says so too by now");
}
