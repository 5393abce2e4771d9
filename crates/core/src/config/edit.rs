//! Changes to the text of `config.toml` that leave everything else in it as the person wrote it.

use std::collections::BTreeMap;

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value};

use super::{ConfigurationError, NotificationSettings, RefreshTime, SettingsChange, migrate, one_line};
use crate::account::approval::Program;
use crate::account::token_file::TokenFile;
use crate::account::{Account, AccountId, AccountName, Sharing};
use crate::oauth::client_authentication::AuthMethod;
use crate::oauth::endpoint::Endpoint;
use crate::oauth::issuer::Issuer;
use crate::oauth::server::{Encoding, Server};

const ACCOUNT_ORDER: &str = "account_order";

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Makes an account, or changes how it refreshes.
    PutAccount(AccountName, Box<Account>),
    /// Names the server that an account's login is for.
    SetServer(AccountName, Box<Server>),
    /// Says who may have an account's access tokens.
    SetSharing(AccountName, Box<Sharing>),
    /// Writes down the ids of accounts that have none.
    AssignIds(BTreeMap<AccountName, AccountId>),
    /// Takes an account out.
    RemoveAccount(AccountName),
    /// Gives an account another name.
    RenameAccount {
        /// Its name so far.
        from: AccountName,
        /// Its new name.
        to: AccountName,
    },
    /// Names the account that is meant when none is named.
    SetDefault(AccountName),
    /// Changes settings.
    ChangeSettings(SettingsChange),
}

impl Edit {
    /// The text after the change, in the current version.
    ///
    /// # Errors
    /// [`ConfigurationError::Unreadable`] when the text is not TOML: it is then left alone.
    pub fn apply(&self, text: &str) -> Result<String, ConfigurationError> {
        let mut document: DocumentMut =
            migrate::to_current(text)?.parse().map_err(|error| ConfigurationError::Unreadable(one_line(&error)))?;
        match self {
            Self::PutAccount(name, account) => put_account(&mut document, name, account)?,
            Self::SetServer(name, server) => put_server(account_table(&mut document, name)?, server),
            Self::SetSharing(name, sharing) => put_sharing(account_table(&mut document, name)?, sharing),
            Self::AssignIds(ids) => {
                for (name, id) in ids {
                    put(account_table(&mut document, name)?, "id", id.as_str());
                }
            }
            Self::RemoveAccount(name) => remove_account(&mut document, name)?,
            Self::RenameAccount { from, to } => rename_account(&mut document, from, to)?,
            Self::SetDefault(name) => {
                put(&mut document, "default_account", name.as_str());
            }
            Self::ChangeSettings(change) => change_settings(&mut document, change)?,
        }
        Ok(document.to_string())
    }
}

fn table<'a>(parent: &'a mut Table, name: &str) -> Result<&'a mut Table, ConfigurationError> {
    let item = parent.entry(name).or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    if let Some(inline) = item.as_inline_table() {
        *item = Item::Table(inline.clone().into_table());
    }
    item.as_table_mut().ok_or_else(|| ConfigurationError::Unreadable(format!("{name} is not a table")))
}

/// Writes a value, and leaves the comments above and beside it.
fn put(table: &mut Table, key: &str, new: impl Into<Value>) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = new.into();
            *old.decor_mut() = decor;
        }
        None => drop(table.insert(key, Item::Value(new.into()))),
    }
}

fn put_account(document: &mut DocumentMut, name: &AccountName, account: &Account) -> Result<(), ConfigurationError> {
    let entry = account_table(document, name)?;
    put_text(entry, "id", account.id.as_ref().map(AccountId::as_str));
    put_server(entry, &account.server);
    put_sharing(entry, &account.sharing);
    Ok(())
}

fn account_table<'a>(document: &'a mut DocumentMut, name: &AccountName) -> Result<&'a mut Table, ConfigurationError> {
    let entry = table(table(document.as_table_mut(), "accounts")?, name.as_str())?;
    entry.set_implicit(false);
    Ok(entry)
}

fn put_server(entry: &mut Table, server: &Server) {
    put(entry, "endpoint", server.endpoint.as_str());
    match server.encoding {
        Encoding::Json => drop(entry.remove("encoding")),
        Encoding::Form => put(entry, "encoding", "form"),
    }
    put_map(entry, "headers", &server.headers);
    put_text(entry, "client_id", server.client_id.as_deref());
    let method = server.token_endpoint_auth_method;
    put_text(entry, "token_endpoint_auth_method", (method != AuthMethod::None).then(|| method.as_str()));
    put_map(entry, "parameters", &server.parameters);
    put_text(entry, "issuer", server.issuer.as_ref().map(Issuer::as_str));
    for (name, endpoint) in [
        ("revocation_endpoint", &server.revocation_endpoint),
        ("authorization_endpoint", &server.authorization_endpoint),
        ("device_authorization_endpoint", &server.device_authorization_endpoint),
    ] {
        put_text(entry, name, endpoint.as_ref().map(Endpoint::as_str));
    }
    put_texts(entry, "login_command", &server.login_command);
}

fn put_sharing(entry: &mut Table, sharing: &Sharing) {
    match &sharing.token_file {
        Some(TokenFile { path, form }) => {
            let path = path.as_path().to_string_lossy().into_owned();
            let file = InlineTable::from_iter([("path", path), ("form", form.to_string())]);
            put(entry, "token_file", file);
        }
        None => drop(entry.remove("token_file")),
    }
    if sharing.require_approval {
        put(entry, "require_approval", true);
    } else {
        entry.remove("require_approval");
    }
    for (key, programs) in
        [("allowed_programs", &sharing.allowed_programs), ("denied_programs", &sharing.denied_programs)]
    {
        if programs.is_empty() {
            entry.remove(key);
        } else {
            put(entry, key, programs.iter().map(Program::as_str).collect::<Array>());
        }
    }
}

fn put_text(entry: &mut Table, name: &str, text: Option<&str>) {
    match text {
        Some(text) => put(entry, name, text),
        None => drop(entry.remove(name)),
    }
}

/// A list that says what it said is left as the person wrote it.
fn put_texts<T: AsRef<str>>(entry: &mut Table, name: &str, texts: &[T]) {
    let array = entry.get(name).and_then(Item::as_array);
    let written: Option<Vec<_>> = array.map(|array| array.iter().filter_map(|text| text.as_str()).collect());
    if texts.is_empty() {
        entry.remove(name);
    } else if written.is_none_or(|written| !written.into_iter().eq(texts.iter().map(AsRef::as_ref))) {
        put(entry, name, texts.iter().map(AsRef::as_ref).collect::<Array>());
    }
}

/// A map that says what it said is left as the person wrote it: as a table of its own, with comments.
fn put_map(entry: &mut Table, name: &str, map: &BTreeMap<String, String>) {
    let written = entry.get(name).and_then(Item::as_table_like).map(|table| {
        let texts = table.iter().map(|(key, item)| (key.to_owned(), item.as_str().unwrap_or_default().to_owned()));
        texts.collect::<BTreeMap<_, _>>()
    });
    if map.is_empty() {
        entry.remove(name);
    } else if written.as_ref() != Some(map) {
        let inline: InlineTable = map.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect();
        put(entry, name, inline);
    }
}

fn remove_account(document: &mut DocumentMut, name: &AccountName) -> Result<(), ConfigurationError> {
    table(document.as_table_mut(), "accounts")?.remove(name.as_str());
    if document.get("default_account").and_then(Item::as_str) == Some(name.as_str()) {
        document.remove("default_account");
    }
    if let Some((place, order)) = place_in_order(document, name) {
        order.remove(place);
    }
    Ok(())
}

fn rename_account(document: &mut DocumentMut, from: &AccountName, to: &AccountName) -> Result<(), ConfigurationError> {
    let accounts = table(document.as_table_mut(), "accounts")?;
    if let Some(account) = accounts.remove(from.as_str()) {
        accounts.insert(to.as_str(), account);
    }
    if document.get("default_account").and_then(Item::as_str) == Some(from.as_str()) {
        put(document, "default_account", to.as_str());
    }
    if let Some((place, order)) = place_in_order(document, from) {
        order.replace(place, to.as_str());
    }
    Ok(())
}

/// Where the account stands in the order that the person chose.
fn place_in_order<'a>(document: &'a mut DocumentMut, name: &AccountName) -> Option<(usize, &'a mut Array)> {
    let order = document.get_mut("settings")?.get_mut(ACCOUNT_ORDER)?.as_array_mut()?;
    let place = order.iter().position(|named| named.as_str() == Some(name.as_str()))?;
    Some((place, order))
}

fn change_settings(document: &mut DocumentMut, change: &SettingsChange) -> Result<(), ConfigurationError> {
    let settings = table(document.as_table_mut(), "settings")?;
    if let Some(after) = change.clear_clipboard_after {
        put(settings, "clear_clipboard_after", after.to_string());
    }
    if let Some(refresh) = change.refresh {
        let name = match refresh {
            RefreshTime::Early => "early",
            RefreshTime::Usual => "usual",
            RefreshTime::Late => "late",
        };
        put(settings, "refresh", name);
    }
    if let Some(start_at_login) = change.start_at_login {
        put(settings, "start_at_login", start_at_login);
    }
    if let Some(order) = &change.account_order {
        put_texts(settings, ACCOUNT_ORDER, &order.names().map(AccountName::as_str).collect::<Vec<_>>());
    }
    if let Some(NotificationSettings { login, not_renewed, keychain, approval }) = change.notifications {
        let notifications = table(settings, "notifications")?;
        put(notifications, "login", login);
        put(notifications, "not_renewed", not_renewed);
        put(notifications, "keychain", keychain);
        put(notifications, "approval", approval);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::super::parse;
    use super::*;
    use crate::account::order::AccountOrder;
    use crate::account::token_file::TokenFileForm;

    fn name(text: &str) -> AccountName {
        text.parse().unwrap()
    }

    fn account() -> Account {
        Account {
            id: Some("00000000000000ab".parse().unwrap()),
            server: Server {
                encoding: Encoding::Form,
                headers: [("X-Merchant-ID".to_owned(), "7".to_owned())].into(),
                client_id: Some("me".to_owned()),
                token_endpoint_auth_method: AuthMethod::ClientSecretBasic,
                parameters: [("audience".to_owned(), "x".to_owned())].into(),
                revocation_endpoint: Some("https://api.vault.ist/revoke".parse().unwrap()),
                issuer: Some("https://api.vault.ist".parse().unwrap()),
                authorization_endpoint: Some("https://api.vault.ist/authorize".parse().unwrap()),
                device_authorization_endpoint: Some("https://api.vault.ist/device".parse().unwrap()),
                login_command: vec!["sign-in".to_owned(), "--as me".to_owned()],
                ..Server::at("https://api.vault.ist/token".parse().unwrap())
            },
            sharing: Sharing {
                token_file: Some(TokenFile {
                    path: std::path::PathBuf::from("/run/token").try_into().unwrap(),
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
        let server = Server { parameters: account().server.parameters, ..bare.server };
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
        assert!(parse(&text).unwrap_err().to_string().contains("choose one"));
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
    fn an_order_follows_its_accounts() {
        let order = |text: &str| {
            let order = parse(text).unwrap().settings.account_order;
            order.names().map(ToString::to_string).collect::<Vec<_>>()
        };
        let change = SettingsChange {
            account_order: Some(["b", "a"].map(name).into_iter().collect()),
            ..SettingsChange::default()
        };
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
        let text =
            Edit::ChangeSettings(change).apply("version = 1\n[settings.notifications]\nlogin = false\n").unwrap();
        let settings = parse(&text).unwrap().settings;
        assert_eq!(settings.clear_clipboard_after.as_secs(), 2);
        assert_eq!((settings.refresh, settings.start_at_login), (RefreshTime::Late, true));
        assert!(!settings.notifications.login);
    }

    #[test]
    fn an_id_is_written_where_there_was_none_and_a_rename_keeps_it() {
        let text = "version = 1\n[accounts.a] # mine\nendpoint = \"https://a.example/\"\n";
        let ids = parse(text).unwrap().missing_ids(std::path::Path::new("/c"));
        let text = Edit::AssignIds(ids.clone()).apply(text).unwrap();
        let read = parse(&text).unwrap();
        assert_eq!(read.accounts[&name("a")].id, ids.get(&name("a")).cloned());
        assert!(read.missing_ids(std::path::Path::new("/c")).is_empty() && text.contains("# mine"), "{text}");
        let text = Edit::RenameAccount { from: name("a"), to: name("b") }.apply(&text).unwrap();
        // A person writes the old name again: another account.
        let text = text + "[accounts.a]\nendpoint = \"https://b.example/\"\n";
        let read = parse(&text).unwrap();
        assert_eq!(read.accounts[&name("b")].id, ids.get(&name("a")).cloned());
        let again = read.missing_ids(std::path::Path::new("/c"));
        assert!(again[&name("a")] != ids[&name("a")], "{text}");
        let both = text.replace("[accounts.a]", &format!("[accounts.a]\nid = \"{}\"", ids[&name("a")]));
        assert!(parse(&both).unwrap_err().to_string().contains("the id of another account"));
    }
}
