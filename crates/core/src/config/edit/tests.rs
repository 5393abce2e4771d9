//! An edit changes what it is about and nothing else.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
use std::sync::Arc;

use super::super::parse;
use super::*;
use crate::absolute::absolute;
use crate::account::order::AccountOrder;
use crate::account::token_file::TokenFileForm;

#[test]
fn whether_the_agent_starts_with_the_desktop_is_decided_once() {
    let after = |text: &str| Edit::StartAtLoginUnlessDecided.apply(text).unwrap();
    assert!(parse(&after("version = 1\n")).unwrap().settings.start_at_login);
    let no = "version = 1\n[settings]\nstart_at_login = false # never\n";
    assert_eq!(after(no), no);
}

fn name(text: &str) -> AccountName {
    text.parse().unwrap()
}

fn account() -> Account {
    Account {
        id: Some("00000000000000ab".parse().unwrap()),
        server: Arc::new(Server {
            encoding: Encoding::Form,
            headers: [("X-Merchant-ID".to_owned(), "7".to_owned())].into(),
            client_id: Some("me".to_owned()),
            token_endpoint_auth_method: AuthMethod::ClientSecretBasic,
            parameters: [("audience".to_owned(), "x".to_owned())].into(),
            token_parameters: Some(BTreeMap::new()),
            revocation_endpoint: Some("https://api.vault.ist/revoke".parse().unwrap()),
            issuer: Some("https://api.vault.ist".parse().unwrap()),
            authorization_endpoint: Some("https://api.vault.ist/authorize".parse().unwrap()),
            device_authorization_endpoint: Some("https://api.vault.ist/device".parse().unwrap()),
            redirect_uri: Some("http://localhost:8400/cb".parse().unwrap()),
            login_command: vec!["sign-in".to_owned(), "--as me".to_owned()],
            ..Server::at("https://api.vault.ist/token".parse().unwrap())
        }),
        sharing: Sharing {
            token_file: Some(TokenFile {
                path: std::path::PathBuf::from(absolute("/run/token")).try_into().unwrap(),
                form: TokenFileForm::Env,
            }),
            require_approval: false,
            allowed_programs: [Program::new("/usr/bin/curl")].into(),
            denied_programs: [Program::new("/usr/bin/nc")].into(),
        },
    }
}

fn bare(endpoint: &str) -> Account {
    Account::of(Server::at(endpoint.parse().unwrap()))
}

fn sharing(sharing: Sharing) -> Account {
    Account { sharing, ..account() }
}

#[test]
fn what_an_account_no_longer_has_is_taken_out_and_tables_stay_as_they_were_written() {
    let text = Edit::PutAccount(name("a"), Box::new(account())).apply("").unwrap();
    let bare = bare("https://api.vault.ist/token");
    let text = Edit::PutAccount(name("a"), Box::new(bare.clone())).apply(&text).unwrap();
    assert_eq!(parse(&text).unwrap().accounts[&name("a")], bare, "{text}");

    let written = "version = 1\n[accounts.a]\nendpoint = \"https://api.vault.ist/token\"\n\
        [accounts.a.parameters]\n# for the billing API\naudience = \"x\"\n";
    let server = Server { parameters: account().server.parameters.clone(), ..(*bare.server).clone() };
    let text = Edit::PutAccount(name("a"), Box::new(Account::of(server))).apply(written).unwrap();
    assert!(text.contains("# for the billing API"), "{text}");
}

#[test]
fn a_person_keeps_comments_and_order() {
    let text = "# my accounts\nversion = 1 # do not touch\n\n[accounts.z] # last\n# above\nendpoint = \"https://z.example/\" # here\n";
    let text = Edit::PutAccount(name("a"), Box::new(account())).apply(text).unwrap();
    let text = Edit::SetDefault(name("z")).apply(&text).unwrap();
    let moved = bare("https://z.example/token");
    let text = Edit::PutAccount(name("z"), Box::new(moved)).apply(&text).unwrap();
    for kept in ["# my accounts", "# do not touch", "# last", "# above", "# here"] {
        assert!(text.contains(kept), "{text}");
    }
    let read = parse(&text).unwrap();
    assert_eq!(read.accounts[&name("a")], account());
    assert_eq!(read.default_account, Some(name("z")));
}

#[test]
fn an_account_that_asks_first_is_written_as_one() {
    let asking = sharing(Sharing { require_approval: true, token_file: None, ..account().sharing });
    let text = Edit::PutAccount(name("a"), Box::new(asking.clone())).apply("").unwrap();
    assert_eq!(parse(&text).unwrap().accounts[&name("a")], asking);
    let contradiction = sharing(Sharing { require_approval: true, ..account().sharing });
    let text = Edit::PutAccount(name("a"), Box::new(contradiction)).apply("").unwrap();
    assert!(parse(&text).unwrap_err().to_string().contains("turn one of the two off"));
}

#[test]
fn a_first_account_makes_a_readable_file() {
    let text = Edit::PutAccount(name("default"), Box::new(account())).apply("").unwrap();
    assert_eq!(parse(&text).unwrap().accounts[&name("default")], account());
}

#[test]
fn a_name_with_a_dot_stays_one_account() {
    let text = Edit::PutAccount(name("team.eu"), Box::new(account())).apply("").unwrap();
    assert!(parse(&text).unwrap().accounts.contains_key(&name("team.eu")), "{text}");
}

#[test]
fn renaming_and_removing_carry_the_default_along() {
    let text = Edit::PutAccount(name("a"), Box::new(account())).apply("").unwrap();
    let text = Edit::SetDefault(name("a")).apply(&text).unwrap();
    let text = Edit::RenameAccount { from: name("a"), to: name("b") }.apply(&text).unwrap();
    assert_eq!(parse(&text).unwrap().default_account, Some(name("b")));
    let text = Edit::RemoveAccount(name("b")).apply(&text).unwrap();
    let read = parse(&text).unwrap();
    assert!(read.accounts.is_empty() && read.default_account.is_none());
}

#[test]
fn the_first_account_stays_the_default_when_a_second_one_comes() {
    let add =
        |text: &str, new: &str| Edit::PutAccount(name(new), Box::new(bare("https://a.example/"))).apply(text).unwrap();
    let implied = |text: &str| parse(text).unwrap().implied_account().cloned();
    let one = add("# mine\nversion = 1\n", "b");
    assert!(!one.contains("default_account"), "one account needs no line: {one}");
    let two = add(&one, "a");
    assert_eq!(implied(&two), Some(name("b")), "{two}");
    let by_hand = two.replace("default_account = \"b\"\n", "");
    assert_eq!(implied(&add(&by_hand, "c")), None, "of several, none is the first");
    assert_eq!(implied(&add(&Edit::SetDefault(name("a")).apply(&two).unwrap(), "c")), Some(name("a")));
}

#[test]
fn an_order_follows_its_accounts() {
    let order = |text: &str| {
        let order = parse(text).unwrap().settings.account_order;
        order.names().map(ToString::to_string).collect::<Vec<_>>()
    };
    let change =
        SettingsChange { account_order: Some(["b", "a"].map(name).into_iter().collect()), ..SettingsChange::default() };
    let text = Edit::PutAccount(name("a"), Box::new(account())).apply("").unwrap();
    let text = Edit::ChangeSettings(change).apply(&text).unwrap();
    assert_eq!(order(&text), ["b", "a"]);
    let text = Edit::RenameAccount { from: name("a"), to: name("c") }.apply(&text).unwrap();
    assert_eq!(order(&text), ["b", "c"]);
    let text = Edit::RemoveAccount(name("c")).apply(&text).unwrap();
    assert_eq!(order(&text), ["b"]);
    let none = SettingsChange { account_order: Some(AccountOrder::default()), ..SettingsChange::default() };
    let text = Edit::ChangeSettings(none).apply(&text).unwrap();
    assert!(!text.contains(ACCOUNT_ORDER), "{text}");
}

#[test]
fn settings_are_changed_one_by_one() {
    let change = SettingsChange {
        clear_clipboard_after: Some("2s".parse().unwrap()),
        refresh: Some(RefreshTime::Late),
        start_at_login: Some(true),
        ..SettingsChange::default()
    };
    let text = Edit::ChangeSettings(change).apply("version = 1\n[settings.notifications]\nlogin = false\n").unwrap();
    let settings = parse(&text).unwrap().settings;
    assert_eq!(settings.clear_clipboard_after.as_secs(), 2);
    assert_eq!((settings.refresh, settings.start_at_login), (RefreshTime::Late, true));
    assert!(!settings.notifications.login);
}

#[test]
fn an_id_is_written_where_there_was_none_and_a_rename_keeps_it() {
    let text = "version = 1\n[accounts.a] # mine\nendpoint = \"https://a.example/\"\n";
    let ids = parse(text).unwrap().missing_ids(std::path::Path::new("/c"), |_| None);
    let text = Edit::AssignIds(ids.clone()).apply(text).unwrap();
    let read = parse(&text).unwrap();
    assert_eq!(read.accounts[&name("a")].id, ids.get(&name("a")).cloned());
    assert!(read.missing_ids(std::path::Path::new("/c"), |_| None).is_empty() && text.contains("# mine"), "{text}");
    let text = Edit::RenameAccount { from: name("a"), to: name("b") }.apply(&text).unwrap();
    // A person writes the old name again: another account.
    let text = text + "[accounts.a]\nendpoint = \"https://b.example/\"\n";
    let read = parse(&text).unwrap();
    assert_eq!(read.accounts[&name("b")].id, ids.get(&name("a")).cloned());
    let again = read.missing_ids(std::path::Path::new("/c"), |_| None);
    assert!(again[&name("a")] != ids[&name("a")], "{text}");
    let both = text.replace("[accounts.a]", &format!("[accounts.a]\nid = \"{}\"", ids[&name("a")]));
    assert!(parse(&both).unwrap_err().to_string().contains("have one id: remove the id line of the copy"));
}

#[test]
fn a_lost_id_is_the_one_that_was_known_unless_another_account_has_it() {
    let known = |_: &AccountName| Some("00000000000000aa".parse().unwrap());
    let ids = |text: &str| parse(text).unwrap().missing_ids(std::path::Path::new("/c"), known);
    let account = "version = 1\n[accounts.a]\nendpoint = \"https://a.example/\"\n";
    assert_eq!(ids(account)[&"a".parse().unwrap()].as_str(), "00000000000000aa");
    let moved = format!("{account}[accounts.b]\nendpoint = \"https://a.example/\"\nid = \"00000000000000aa\"\n");
    assert_ne!(ids(&moved)[&"a".parse().unwrap()].as_str(), "00000000000000aa");
}
