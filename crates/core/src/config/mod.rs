//! `config.toml`: read, migrated and edited as text, so that a person's comments and order stay.

pub mod duration;
mod edit;
mod hooks;
mod migrate;
pub mod paths;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use toml_edit::{Document, TomlError};

use crate::account::{Account, AccountId, AccountName};
use crate::oauth::server::InvalidServer;

pub use edit::Edit;
pub use hooks::{HookEvent, Hooks};
pub use settings::{Keychain, KeychainFile, NotificationSettings, RefreshTime, Settings, SettingsChange};

/// The version of the format that this program writes.
pub const VERSION: i64 = 1;

/// A whole configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The version of the format.
    pub version: i64,
    /// The account that is meant when none is named.
    #[serde(default)]
    pub default_account: Option<AccountName>,
    /// What is the same for every account.
    #[serde(default)]
    pub settings: Settings,
    /// What is run when something happened to a login.
    #[serde(default)]
    pub hooks: Hooks,
    /// The accounts.
    #[serde(default)]
    pub accounts: BTreeMap<AccountName, Account>,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            version: VERSION,
            default_account: None,
            settings: Settings::default(),
            hooks: Hooks::default(),
            accounts: BTreeMap::new(),
        }
    }
}

/// Why a configuration cannot be used. The file itself is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigurationError {
    /// Not TOML, or not what this version knows; the text names line and reason.
    #[error("{0}")]
    Unreadable(String),
    /// Written by a newer Evertoken.
    #[error("it has version {0}, and this Evertoken knows versions up to {VERSION}")]
    TooNew(i64),
    /// An account from which no request can be made.
    #[error("account {account}: {reason}")]
    Account {
        /// The account.
        account: AccountName,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that anybody can read cannot be approved of, program by program.
    #[error(
        "account {0} has a token_file and require_approval: nobody can be asked about a program that reads a file: turn one of the two off"
    )]
    TokenFileNeedsNoApproval(AccountName),
    /// Two accounts would write over each other.
    #[error("account {0} has the token_file of another account: give each its own")]
    SharedTokenFile(AccountName),
    /// Two accounts would share a login.
    #[error("the accounts {0} and {1} have one id: remove the id line of the copy, and Evertoken writes a new one")]
    SharedId(AccountName, AccountName),
    /// A path that depends on where the agent is started.
    #[error("settings.keychain_file.{0} is not a whole path: begin it with /")]
    RelativePath(&'static str),
    /// The default account is not among the accounts.
    #[error("default_account names {0}, which is not among the accounts")]
    UnknownDefault(AccountName),
}

/// Reads the text of a `config.toml`, of this version or an older one.
///
/// # Errors
/// [`ConfigurationError`] with one sentence; nothing is guessed.
pub fn parse(text: &str) -> Result<Configuration, ConfigurationError> {
    let configuration: Configuration = toml_edit::de::from_document(migrate::to_current(text)?)
        .map_err(|error| ConfigurationError::Unreadable(one_line(&error, error.message())))?;
    check(&configuration)?;
    Ok(configuration)
}

fn check(configuration: &Configuration) -> Result<(), ConfigurationError> {
    let (mut token_files, mut ids) = (BTreeSet::new(), BTreeMap::new());
    for (name, account) in &configuration.accounts {
        if let Some(other) = account.id.as_ref().and_then(|id| ids.insert(id, name)) {
            return Err(ConfigurationError::SharedId(other.clone(), name.clone()));
        }
        if let Some(file) = &account.sharing.token_file {
            if account.sharing.require_approval {
                return Err(ConfigurationError::TokenFileNeedsNoApproval(name.clone()));
            }
            if !token_files.insert(&file.path) {
                return Err(ConfigurationError::SharedTokenFile(name.clone()));
            }
        }
        let named =
            |error: InvalidServer| ConfigurationError::Account { account: name.clone(), reason: error.to_string() };
        account.server.check().map_err(named)?;
    }
    let KeychainFile { path, key } = &configuration.settings.keychain_file;
    for (name, path) in [("path", path), ("key", key)] {
        if path.as_ref().is_some_and(|path| !path.is_absolute()) {
            return Err(ConfigurationError::RelativePath(name));
        }
    }
    match &configuration.default_account {
        Some(name) if !configuration.accounts.contains_key(name) => {
            Err(ConfigurationError::UnknownDefault(name.clone()))
        }
        Some(_) | None => Ok(()),
    }
}

impl Configuration {
    /// The account that is meant when none is named: the default, or the only one.
    #[must_use]
    pub fn implied_account(&self) -> Option<&AccountName> {
        match (&self.default_account, self.accounts.len()) {
            (Some(name), _) => Some(name),
            (None, 1) => self.accounts.keys().next(),
            (None, _) => None,
        }
    }

    /// Ids for the accounts that stand without one: what `known` knows of the name, so that a line that was lost costs no
    /// login, or else one that is the same at every start.
    #[must_use]
    pub fn missing_ids(
        &self,
        folder: &Path,
        known: impl Fn(&AccountName) -> Option<AccountId>,
    ) -> BTreeMap<AccountName, AccountId> {
        let mut taken: BTreeSet<AccountId> = self.accounts.values().filter_map(|account| account.id.clone()).collect();
        let mut missing = BTreeMap::new();
        for name in self.accounts.iter().filter(|(_, account)| account.id.is_none()).map(|(name, _)| name) {
            let derived = (0..=u32::MAX).map(|attempt| AccountId::derived(folder, name, attempt));
            let mut ids = known(name).into_iter().chain(derived);
            if let Some(id) = ids.find(|id| !taken.contains(id)) {
                taken.insert(id.clone());
                missing.insert(name.clone(), id);
            }
        }
        missing
    }
}

fn document(text: String) -> Result<Document<String>, ConfigurationError> {
    let unreadable = |error: TomlError| ConfigurationError::Unreadable(one_line(&error, error.message()));
    Document::parse(text).map_err(unreadable)
}

/// How the library begins the line that names the place.
const PARSE_ERROR: &str = "TOML parse error at ";

/// TOML errors draw a picture of several lines; a log and a terminal want one sentence, and never the line's value.
fn one_line(error: &impl std::fmt::Display, message: &str) -> String {
    let text = error.to_string();
    let reason = without_value(message);
    match text.lines().find(|line| line.starts_with(PARSE_ERROR) || line.starts_with("in `")) {
        Some(place) => format!("{}: {reason}", place.trim_start_matches(PARSE_ERROR)),
        None => reason,
    }
}

/// What was found may be a token in the wrong place. The name of a field is needed to find it.
fn without_value(message: &str) -> String {
    if let Some((found, expected)) = message.rsplit_once(", expected ")
        && !found.starts_with("unknown field")
    {
        let kind = found.split(['"', '`']).next().unwrap_or_default().trim_end();
        return format!("{kind}, expected {expected}");
    }
    match message.strip_prefix('"').and_then(|quoted| quoted.rsplit_once("\" is ")) {
        Some((_value, reason)) => format!("this is {reason}"),
        None => message.lines().collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use std::path::PathBuf;

    use crate::absolute::absolute;
    use crate::oauth::client_authentication::AuthMethod;
    use proptest::prelude::*;

    #[test]
    fn an_empty_file_is_a_configuration() {
        assert_eq!(parse("").unwrap(), Configuration::default());
    }

    #[test]
    fn errors_name_the_place_in_one_line() {
        for bad in [
            "version = 1\n[accounts.a]\nendpoint = \"http://evil.example/\"",
            "version = \"x\"",
            "= 3",
            "version = 1\ncolour = 3",
        ] {
            let error = parse(bad).unwrap_err().to_string();
            assert!(!error.contains('\n') && error.len() > 10, "{bad}: {error}");
        }
        assert_eq!(parse("version = 99").unwrap_err(), ConfigurationError::TooNew(99));
    }

    #[test]
    fn a_value_in_the_wrong_place_is_not_repeated() {
        let of_an_account = [
            "id",
            "endpoint",
            "encoding",
            "headers",
            "parameters",
            "scope",
            "client_id",
            "token_endpoint_auth_method",
            "grant_type",
            "issuer",
            "revocation_endpoint",
            "redirect_uri",
            "login_command",
            "token_file",
            "require_approval",
            "programs",
            "assume_valid_for",
        ];
        let of_all = [
            "clear_clipboard_after",
            "paste_once",
            "symbolic_tray_icon",
            "keychain",
            "keychain_file",
            "notifications",
            "refresh",
            "start_at_login",
            "account_order",
        ];
        let values = [
            r#""canary, expected x""#,
            r#""canary`""#,
            "'''\ncanary\ncanary'''",
            r#"["canary"]"#,
            r#"[["canary"]]"#,
            r#"{ x = "canary" }"#,
            r#"{ path = ["canary"] }"#,
            r#"{ x = ["canary"] }"#,
            "canary",
            "4815162342",
            "1e-7",
        ];
        let places = of_an_account.map(|key| format!("[accounts.a]\nendpoint = \"https://a.example/\"\n{key}"));
        let places = places.into_iter().chain(of_all.map(|key| format!("[settings]\n{key}")));
        for place in places.chain(["default_account", "hooks", "accounts", "settings"].map(String::from)) {
            for value in values {
                let Err(error) = parse(&format!("version = 1\n{place} = {value}\n")) else { continue };
                let error = error.to_string();
                let is_repeated = ["canary", "4815162342", "1e-7"].iter().any(|value| error.contains(value));
                assert!(!is_repeated && !error.contains('\n') && error.len() > 10, "{place} = {value}: {error}");
            }
        }
    }

    #[test]
    fn a_keychain_file_is_where_the_whole_path_says() {
        let text = "version = 1\n[settings]\nkeychain = \"file\"\n[settings.keychain_file]\nkey = ";
        let settings = parse(&format!("{text}\"{}\"", absolute("/etc/evertoken/key"))).unwrap().settings;
        assert_eq!(settings.keychain, Keychain::File);
        assert_eq!(settings.keychain_file.key, Some(PathBuf::from(absolute("/etc/evertoken/key"))));
        assert_eq!(parse(&format!("{text}\"key\"")).unwrap_err(), ConfigurationError::RelativePath("key"));
    }

    #[test]
    fn the_only_account_needs_no_name() {
        let one = parse("version = 1\n[accounts.a]\nendpoint = \"https://a.example/\"").unwrap();
        assert_eq!(one.implied_account().unwrap().as_str(), "a");
        let two = parse("version = 1\n[accounts.a]\nendpoint = \"https://a.example/\"\n[accounts.b]\nendpoint = \"https://a.example/\"").unwrap();
        assert_eq!(two.implied_account(), None);
    }

    #[test]
    fn a_standard_server_is_configured_by_hand_and_mistakes_name_the_account() {
        let account =
            |lines: &str| parse(&format!("version = 1\n[accounts.a]\nendpoint = \"https://a.example/token\"\n{lines}"));
        let whole = "encoding = \"form\"\nclient_id = \"me\"\ntoken_endpoint_auth_method = \"client_secret_post\"\n\
            revocation_endpoint = \"https://a.example/revoke\"\nissuer = \"https://a.example\"\n\
            [accounts.a.parameters]\naudience = \"x\"\n";
        let read = account(whole).unwrap().accounts.into_values().next().unwrap();
        let read = read.server;
        assert_eq!(read.token_endpoint_auth_method, AuthMethod::ClientSecretPost);
        assert_eq!(read.parameters["audience"], "x");
        assert_eq!(read.issuer.as_ref().unwrap().as_str(), "https://a.example");
        for (lines, named) in [
            (
                "token_endpoint_auth_method = \"client_secret_basic\"",
                "account a: client_secret_basic needs a client_id",
            ),
            ("[accounts.a.parameters]\nclient_secret = \"x\"", "account a: the parameter client_secret is set by"),
            ("[accounts.a.headers]\nHost = \"x\"", "account a: the header Host could change"),
            ("client_secret = \"s3cret\"", "client_secret"),
            ("revocation_endpoint = \"http://a.example/revoke\"", "without encryption"),
            ("issuer = \"http://a.example\"", "without encryption"),
            ("redirect_uri = \"https://a.example/callback\"", "does not lead to this machine"),
        ] {
            let error = account(lines).unwrap_err().to_string();
            assert!(error.contains(named) && !error.contains("s3cret"), "{lines}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
            let _ = parse(&text);
        }
    }
}
