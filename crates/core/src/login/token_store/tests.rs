#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::account::AccountId;
use crate::login::journal::{Entry, Record, summarize};
use crate::oauth::origin::Bound;
use crate::oauth::token::{AccessToken, Fingerprint, RefreshToken};

fn server(url: &str) -> Server {
    Server::at(url.parse().unwrap())
}

fn here() -> Server {
    server("https://a.example/token")
}

fn elsewhere() -> Server {
    server("https://b.example/token")
}

fn stored(generation: u64) -> StoredRefreshToken {
    let origins = here().origins();
    StoredRefreshToken {
        end: None,
        generation,
        rotations: 3,
        stored_at: Timestamp::constant(1, 0),
        proven: true,
        token: Bound::new(RefreshToken::new(format!("token-{generation}")), origins.clone()),
        client_secret: Some(Bound::new(ClientSecret::read("s3cret").unwrap(), origins)),
        user_id: Some("usr:1".to_owned()),
        log_in: None,
    }
}

fn candidate(generation: u64, server: Server) -> StoredRefreshToken {
    let token = Bound::new(RefreshToken::new(format!("token-{generation}")), server.origins());
    let log_in = Some(LogIn::new("a".parse().unwrap(), server, false));
    StoredRefreshToken { proven: false, token, client_secret: None, log_in, ..stored(generation) }
}

#[test]
fn p9_an_entry_says_which_servers_its_secrets_belong_to() {
    let back = StoredRefreshToken::from_entry(&stored(7).to_entry()).unwrap();
    assert_eq!((back.generation, back.rotations), (7, 3));
    let token = back.token.for_request(&here().endpoint).unwrap();
    assert_eq!(token.expose(), "token-7");
    assert!(back.token.for_request(&elsewhere().endpoint).is_err());
    let secret = back.client_secret.unwrap();
    assert_eq!(secret.for_request(&here().endpoint).unwrap().expose(), "s3cret");
    assert!(secret.for_request(&elsewhere().endpoint).is_err());
    let left = StoredClientSecret::from_entry(&StoredClientSecret(secret).to_entry()).unwrap();
    assert!(left.0.for_request(&here().endpoint).is_ok() && left.0.for_request(&elsewhere().endpoint).is_err());
}

#[test]
fn an_entry_of_version_1_belongs_to_no_server_until_it_is_migrated() {
    let text =
        r#"{"v":1,"generation":4,"rotations":2,"stored_at":"2026-11-22T08:00:00Z","proven":true,"refresh_token":"r4"}"#;
    let old = StoredRefreshToken::from_entry(&text.to_owned().into()).unwrap();
    assert!(old.token.for_request(&here().endpoint).is_err());
    let migrated = old.migrated(Some(ClientSecret::read("s").unwrap()), &here());
    assert_eq!(migrated.token.for_request(&here().endpoint).unwrap().expose(), "r4");
    assert_eq!((migrated.generation, migrated.rotations, migrated.proven), (4, 2, true));
    assert!(migrated.client_secret.unwrap().for_request(&here().endpoint).is_ok());
}

#[test]
fn the_newer_generation_is_the_login() {
    let found = |a: Option<u64>, b: Option<u64>| {
        StoredTokens { a: a.map(stored), b: b.map(stored), ..StoredTokens::default() }.found(&here())
    };
    let generations =
        |found: StoredTokensInfo| (found.current().map(|i| i.generation), found.previous().map(|i| i.generation));
    assert_eq!(generations(found(Some(1), Some(2))), (Some(2), Some(1)));
    assert_eq!(generations(found(Some(3), Some(2))), (Some(3), Some(2)));
    assert_eq!(generations(found(None, Some(2))), (Some(2), None));
    assert_eq!(generations(found(None, None)), (None, None));
}

#[test]
fn p9_a_login_of_another_server_is_known_as_such_whatever_the_configuration_says() {
    let login = StoredTokens { a: Some(stored(1)), b: None, ..StoredTokens::default() };
    assert_eq!(login.found(&here()).foreign, None);
    let foreign = login.found(&elsewhere()).foreign.unwrap();
    assert_eq!((&*foreign.belongs_to, &*foreign.configured), ("a.example", "b.example"));
    let trying = StoredTokens { b: Some(candidate(2, elsewhere())), ..login };
    assert_eq!(trying.found(&here()).foreign, None, "a candidate goes to the server that it was given for");
}

#[test]
fn a_log_in_is_unfinished_until_the_configuration_or_the_journal_tells_of_it() {
    let proven = StoredRefreshToken { proven: true, ..candidate(2, elsewhere()) };
    let tokens = StoredTokens { a: Some(stored(1)), b: Some(proven), ..StoredTokens::default() };
    assert_eq!(tokens.unfinished_log_in(Some(&here())).map(|log_in| &log_in.server), Some(&elsewhere()));
    assert!(tokens.unfinished_log_in(None).is_some(), "a new account");
    assert_eq!(tokens.unfinished_log_in(Some(&elsewhere())), None);
    let record = Record::LoggedIn { fingerprint: Fingerprint::of("token-2") };
    let journal = summarize(&[Entry { at: Timestamp::UNIX_EPOCH, record }]);
    let settled = tokens.clone().settled(&journal);
    assert_eq!(settled.unfinished_log_in(Some(&here())), None);
    assert!(settled.found(&here()).foreign.is_some(), "what a person configured since then counts");
    assert!(tokens.settled(&summarize(&[])).unfinished_log_in(Some(&here())).is_some());
    let unproven = StoredTokens { a: Some(stored(1)), b: Some(candidate(2, elsewhere())), ..StoredTokens::default() };
    assert_eq!(unproven.unfinished_log_in(Some(&here())), None);
}

#[test]
fn p9_a_client_secret_is_kept_for_its_own_server_and_for_no_endpoint_of_another() {
    let basic = |url: &str| Server {
        token_endpoint_auth_method: crate::oauth::client_authentication::AuthMethod::ClientSecretBasic,
        ..server(url)
    };
    let login = StoredTokens { a: Some(stored(1)), ..StoredTokens::default() };
    let kept = |server: &Server| login.client_secret_for(server, None, None).map(|secret| secret.is_some());
    assert_eq!(kept(&basic("https://a.example/v2/token")), Ok(true));
    assert_eq!(kept(&basic("https://b.example/token")), Err(KeychainProblem::NoClientSecret));
    let revoked_elsewhere = Server {
        revocation_endpoint: Some("https://b.example/revoke".parse().unwrap()),
        ..basic("https://a.example/token")
    };
    assert_eq!(kept(&revoked_elsewhere), Err(KeychainProblem::NoClientSecret));
    assert_eq!(kept(&here()), Ok(false), "a client that does not authenticate needs none");
    let left = StoredClientSecret(stored(1).client_secret.unwrap());
    let nobody = StoredTokens::default();
    assert!(nobody.client_secret_for(&basic("https://a.example/token"), None, Some(&left)).unwrap().is_some());
    let given = ClientSecret::read("given").unwrap();
    assert!(nobody.client_secret_for(&basic("https://b.example/token"), Some(given), Some(&left)).unwrap().is_some());
}

/// A login of another user that waits for an answer, and the candidate that it was granted for.
fn waiting(granted_for: Option<&str>) -> StoredRefreshToken {
    let users = AnotherUser { account: "usr:1".to_owned(), login: "usr:2".to_owned() };
    let granted_for = granted_for.map(Fingerprint::of);
    let question = Some(Question { users, asked_at: Timestamp::UNIX_EPOCH, granted_for });
    let log_in = Some(LogIn { question, ..LogIn::new("a".parse().unwrap(), here(), false) });
    StoredRefreshToken { log_in, ..stored(9) }
}

#[test]
fn a_candidate_is_spent_once_what_it_brought_waits_for_an_answer() {
    let users = AnotherUser { account: "usr:1".to_owned(), login: "usr:2".to_owned() };
    for (a, b, granted_for, spent) in [
        (Some(stored(1)), Some(candidate(2, here())), Some("token-2"), Some(Slot::B)),
        (Some(candidate(2, here())), Some(stored(1)), Some("token-2"), Some(Slot::A)),
        (Some(candidate(2, here())), None, Some("token-2"), Some(Slot::A)),
        (None, Some(candidate(2, here())), Some("token-2"), Some(Slot::B)),
        (Some(stored(2)), Some(candidate(2, here())), Some("token-2"), Some(Slot::B)),
        (Some(stored(1)), Some(candidate(2, here())), Some("token-1"), None),
        (Some(stored(1)), Some(candidate(2, here())), None, None),
        (None, None, Some("token-2"), None),
    ] {
        let tokens = StoredTokens { a, b, waiting: Some(waiting(granted_for)), access_token: None };
        assert_eq!(tokens.spent_candidate(), spent, "{tokens:?}");
        assert_eq!(tokens.found(&here()).waits, spent.is_some().then(|| users.clone()), "{tokens:?}");
        let answered = StoredTokens { waiting: None, ..tokens };
        assert_eq!((answered.spent_candidate(), answered.found(&here()).waits), (None, None));
    }
}

#[test]
fn a_waiting_login_is_carried_on_once_it_lies_in_a_slot() {
    let tokens = |a: Option<u64>, b: Option<u64>, waits: Option<u64>| StoredTokens {
        a: a.map(stored),
        b: b.map(stored),
        waiting: waits.map(stored),
        access_token: None,
    };
    for (a, b, waits, carried_on) in [
        (Some(9), None, Some(9), true),
        (Some(1), Some(9), Some(9), true),
        (Some(1), Some(2), Some(9), false),
        (None, None, Some(9), false),
        (Some(1), Some(9), None, false),
    ] {
        assert_eq!(tokens(a, b, waits).waiting_is_carried_on(), carried_on, "{a:?} {b:?} {waits:?}");
    }
    let both = tokens(Some(1), Some(2), None);
    let generations = [Slot::A, Slot::B].map(|slot| both.in_slot(slot).map(|stored| stored.generation));
    assert_eq!(generations, [Some(1), Some(2)]);
}

#[test]
fn a_login_belongs_to_the_user_of_its_newest_proven_token_or_of_the_access_token_beside_it() {
    let of = |user: Option<&str>, stored| StoredRefreshToken { user_id: user.map(str::to_owned), ..stored };
    for (a, b, expected) in [
        (Some(of(Some("usr:1"), stored(1))), None, Some("usr:1")),
        (Some(of(Some("usr:1"), stored(1))), Some(of(Some("usr:2"), stored(2))), Some("usr:2")),
        (Some(of(Some("usr:1"), stored(1))), Some(of(Some("usr:2"), candidate(2, here()))), Some("usr:1")),
        (Some(of(None, stored(3))), None, Some("usr:3")),
        (Some(of(None, stored(4))), None, None),
        (Some(of(Some("usr:2"), candidate(3, here()))), None, None),
        (None, None, None),
    ] {
        let tokens = StoredTokens { a, b, access_token: Some(access_token(3)), waiting: None };
        assert_eq!(tokens.found(&here()).user_id.as_deref(), expected, "{tokens:?}");
    }
}

fn access_token(generation: u64) -> StoredAccessToken {
    let info = AccessTokenInfo {
        issued_at: Timestamp::constant(1, 0),
        expires_at: Timestamp::constant(61, 0),
        scope: vec!["a".to_owned(), "b".to_owned()],
        user_id: Some("usr:3".to_owned()),
    };
    StoredAccessToken::new(generation, info, AccessToken::new("access-token".to_owned()))
}

#[test]
fn an_access_token_comes_out_of_its_entry_as_it_went_in() {
    let back = StoredAccessToken::from_entry(&access_token(3).to_entry()).unwrap();
    assert_eq!((back.generation, back.info(), back.token.expose()), (3, access_token(3).info(), "access-token"));
}

#[test]
fn a_client_secret_of_version_1_tells_from_which_generation_on_it_counts() {
    let text = r#"{"v":1,"since":4,"client_secret":"s3cret"}"#;
    let (since, secret) = read_client_secret_of_version_1(&text.to_owned().into()).unwrap();
    assert_eq!((since, secret.expose()), (4, "s3cret"));
    assert!(read_client_secret_of_version_1(&r#"{"since":4,"client_secret":""}"#.to_owned().into()).is_none());
}

#[test]
fn each_entry_of_an_account_has_a_name_of_its_own_that_no_version_changes() {
    let account = AccountId::random(0xab);
    for (kind, name) in [
        (EntryKind::RefreshToken(Slot::A), "refresh-token.a"),
        (EntryKind::RefreshToken(Slot::B), "refresh-token.b"),
        (EntryKind::AccessToken, "access-token"),
        (EntryKind::Probe, "probe"),
        (EntryKind::ClientSecret, "client-secret"),
        (EntryKind::WaitingLogin, "waiting-login"),
    ] {
        assert_eq!(kind.name(&account), format!("00000000000000ab/{name}"));
    }
    assert_eq!(stored(7).length(), "token-7".len());
}

proptest! {
    #[test]
    fn a_garbled_entry_is_no_entry_and_no_panic(text in "\\PC{0,80}") {
        prop_assert!(StoredRefreshToken::from_entry(&text.clone().into()).is_none());
        prop_assert!(StoredClientSecret::from_entry(&text.clone().into()).is_none());
        prop_assert!(StoredAccessToken::from_entry(&text.into()).is_none());
    }
}
