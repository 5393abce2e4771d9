//! Changes to the text of `config.toml` that leave everything else in it as the person wrote it.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value};

use super::{ConfigurationError, NotificationSettings, RefreshTime, SettingsChange, migrate};
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
    SetServer(AccountName, Arc<Server>),
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
    /// Starts the agent with the desktop, unless it was decided whether it does.
    StartAtLoginUnlessDecided,
}

impl Edit {
    /// The text after the change, in the current version.
    ///
    /// # Errors
    /// [`ConfigurationError::Unreadable`] when the text is not TOML: it is then left alone.
    pub fn apply(&self, text: &str) -> Result<String, ConfigurationError> {
        let mut document = migrate::to_current(text)?.into_mut();
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
            Self::StartAtLoginUnlessDecided => {
                let settings = table(document.as_table_mut(), "settings")?;
                if !settings.contains_key("start_at_login") {
                    put(settings, "start_at_login", true);
                }
            }
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
    keep_default(document, name)?;
    let entry = account_table(document, name)?;
    put_text(entry, "id", account.id.as_ref().map(AccountId::as_str));
    put_server(entry, &account.server);
    put_sharing(entry, &account.sharing);
    Ok(())
}

/// The only account is the one that is meant when none is named, and stays it when another one comes.
fn keep_default(document: &mut DocumentMut, new: &AccountName) -> Result<(), ConfigurationError> {
    let names: Vec<String> =
        table(document.as_table_mut(), "accounts")?.iter().map(|(name, _)| name.to_owned()).collect();
    match names.as_slice() {
        [only] if only != new.as_str() && !document.contains_key("default_account") => {
            put(document, "default_account", only.as_str());
        }
        _ => {}
    }
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
    put_map(entry, "headers", Some(&server.headers).filter(|map| !map.is_empty()));
    put_text(entry, "client_id", server.client_id.as_deref());
    let method = server.token_endpoint_auth_method;
    put_text(entry, "token_endpoint_auth_method", (method != AuthMethod::None).then(|| method.as_str()));
    put_map(entry, "parameters", Some(&server.parameters).filter(|map| !map.is_empty()));
    // An empty table says that token requests carry none.
    put_map(entry, "token_parameters", server.token_parameters.as_ref());
    put_text(entry, "issuer", server.issuer.as_ref().map(Issuer::as_str));
    for (name, endpoint) in [
        ("revocation_endpoint", &server.revocation_endpoint),
        ("authorization_endpoint", &server.authorization_endpoint),
        ("device_authorization_endpoint", &server.device_authorization_endpoint),
    ] {
        put_text(entry, name, endpoint.as_ref().map(Endpoint::as_str));
    }
    put_text(entry, "redirect_uri", server.redirect_uri.as_ref().map(ToString::to_string).as_deref());
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
fn put_map(entry: &mut Table, name: &str, map: Option<&BTreeMap<String, String>>) {
    let written = entry.get(name).and_then(Item::as_table_like).map(|table| {
        let texts = table.iter().map(|(key, item)| (key.to_owned(), item.as_str().unwrap_or_default().to_owned()));
        texts.collect::<BTreeMap<_, _>>()
    });
    match map {
        None => drop(entry.remove(name)),
        Some(map) if written.as_ref() == Some(map) => {}
        Some(map) => {
            let inline: InlineTable = map.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect();
            put(entry, name, inline);
        }
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
    if let Some(paste_once) = change.paste_once {
        put(settings, "paste_once", paste_once);
    }
    if let Some(symbolic) = change.symbolic_tray_icon {
        put(settings, "symbolic_tray_icon", symbolic);
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
    if let Some(NotificationSettings { login, not_renewed, keychain, approval, copied }) = change.notifications {
        let notifications = table(settings, "notifications")?;
        put(notifications, "login", login);
        put(notifications, "not_renewed", not_renewed);
        put(notifications, "keychain", keychain);
        put(notifications, "approval", approval);
        put(notifications, "copied", copied);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
