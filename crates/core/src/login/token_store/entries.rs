//! What is kept in each entry, and how it is written.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::kinds::Slot;
use super::login_end::LoginEnd;
use crate::account::AccountName;
use crate::login::access_token::AccessTokenInfo;
use crate::oauth::client_authentication::ClientSecret;
use crate::oauth::failure::AnotherUser;
use crate::oauth::id_token::is_user_id;
use crate::oauth::origin::{Bound, Origins};
use crate::oauth::server::Server;
use crate::oauth::token::{AccessToken, Fingerprint, RefreshToken};

/// A refresh token as it lies in a slot. The slot with the higher generation is the current one, whatever the
/// journal says.
#[derive(Debug, Clone)]
pub struct StoredRefreshToken {
    /// Counts up with every token that is stored.
    pub generation: u64,
    /// Rotations since the log-in.
    pub rotations: u64,
    /// When it was stored, UTC.
    pub stored_at: Timestamp,
    /// Has it, or the token before it, brought an access token? A token that a person gave is unproven until then.
    pub proven: bool,
    /// The token, bound to the servers that it belongs to.
    pub token: Bound<RefreshToken>,
    /// The client secret that it is presented with, if the client authenticates.
    pub client_secret: Option<Bound<ClientSecret>>,
    /// The user that the server says the login belongs to.
    pub user_id: Option<String>,
    /// When it ends, if the server said so.
    pub end: Option<LoginEnd>,
    /// The log-in that brought it, until `config.toml` says the same.
    pub log_in: Option<LogIn>,
}

/// What a log-in is about to make of an account, kept with its token: whatever dies when, the token is presented at this
/// server alone, and the configuration follows once it is proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogIn {
    /// The account's name.
    pub name: AccountName,
    /// The server that the token is for.
    pub server: Server,
    /// A person said that it may take the place of another user's login.
    #[serde(default)]
    pub replaces_user: bool,
    /// What a person was asked, of a login that waits for the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
}

/// What a person is asked before the login of another user takes an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Whose the account is, and whose the login.
    pub users: AnotherUser,
    /// When it was asked, UTC.
    pub asked_at: Timestamp,
    /// The candidate that this was granted for, if it was presented: it is spent.
    pub granted_for: Option<Fingerprint>,
}

impl LogIn {
    /// A log-in that nobody was asked about.
    #[must_use]
    pub const fn new(name: AccountName, server: Server, replaces_user: bool) -> Self {
        Self { name, server, replaces_user, question: None }
    }
}

/// What a person, or the server, gave to log in with.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The refresh token.
    pub refresh_token: RefreshToken,
    /// The secret of a client that authenticates.
    pub client_secret: Option<ClientSecret>,
    /// The user that it belongs to, as far as it says so.
    pub user_id: Option<String>,
}

/// A client secret that no login holds.
#[derive(Debug, Clone)]
pub struct StoredClientSecret(pub Bound<ClientSecret>);

/// An access token as it lies in the keychain, with what the endpoint said about it.
#[derive(Debug, Clone)]
pub struct StoredAccessToken {
    /// The generation of the refresh token that came with it; another generation means that this one is stale.
    pub generation: u64,
    /// When its request was sent, UTC.
    pub issued_at: Timestamp,
    /// When it ends, UTC.
    pub expires_at: Timestamp,
    /// Its scope.
    pub scope: Vec<String>,
    /// Its user.
    pub user_id: Option<String>,
    /// The token.
    pub token: AccessToken,
}

#[derive(Serialize, Deserialize)]
struct RefreshTokenEntry {
    v: u8,
    generation: u64,
    rotations: u64,
    stored_at: Timestamp,
    proven: bool,
    #[serde(default)]
    origins: Origins,
    refresh_token: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<LoginEnd>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log_in: Option<LogIn>,
}

#[derive(Serialize, Deserialize)]
struct ClientSecretEntry {
    v: u8,
    origins: Origins,
    client_secret: String,
}

#[derive(Serialize, Deserialize)]
struct AccessTokenEntry {
    v: u8,
    generation: u64,
    issued_at: Timestamp,
    expires_at: Timestamp,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    user_id: Option<String>,
    access_token: String,
}

/// The version of every entry. Version 1 knew no origins: its entries belong to no server until they are migrated.
const ENTRY_VERSION: u8 = 2;

fn write_entry(entry: &impl Serialize) -> SecretString {
    serde_json::to_string(entry).unwrap_or_default().into()
}

fn read_entry<T: for<'de> Deserialize<'de>>(text: &SecretString) -> Option<T> {
    serde_json::from_str(text.expose_secret()).ok()
}

impl StoredRefreshToken {
    /// The entry's text.
    #[must_use]
    pub fn to_entry(&self) -> SecretString {
        write_entry(&RefreshTokenEntry {
            v: ENTRY_VERSION,
            generation: self.generation,
            rotations: self.rotations,
            stored_at: self.stored_at,
            proven: self.proven,
            origins: self.token.origins().clone(),
            refresh_token: self.token.for_entry().expose().to_owned(),
            client_secret: self.client_secret.as_ref().map(|secret| secret.for_entry().expose().to_owned()),
            user_id: self.user_id.clone(),
            end: self.end,
            log_in: self.log_in.clone(),
        })
    }

    /// Reads an entry's text; `None` when it is not one.
    #[must_use]
    pub fn from_entry(text: &SecretString) -> Option<Self> {
        let entry: RefreshTokenEntry = read_entry(text)?;
        let secret = entry.client_secret.map(|secret| ClientSecret::read(&secret)).transpose().ok()?;
        Some(Self {
            generation: entry.generation,
            rotations: entry.rotations,
            stored_at: entry.stored_at,
            proven: entry.proven,
            client_secret: secret.map(|secret| Bound::new(secret, entry.origins.clone())),
            token: Bound::new(RefreshToken::new(entry.refresh_token), entry.origins),
            // Earlier versions kept them at any length.
            user_id: entry.user_id.filter(|user| is_user_id(user)),
            end: entry.end,
            log_in: entry.log_in,
        })
    }

    /// An entry of version 1, with the client secret that went with it: it belongs to the server that the account named
    /// when the new version read it first.
    #[must_use]
    pub fn migrated(self, client_secret: Option<ClientSecret>, server: &Server) -> Self {
        let origins = server.origins();
        let client_secret = client_secret.map(|secret| Bound::new(secret, origins.clone()));
        Self { token: Bound::new(self.token.for_entry().clone(), origins), client_secret, ..self }
    }

    /// A token that a person gave, with the log-in that it is for. It belongs to the server of that log-in.
    #[must_use]
    pub fn candidate(info: RefreshTokenInfo, credential: Credential, log_in: LogIn) -> Self {
        let Credential { refresh_token: token, client_secret, user_id } = credential;
        let origins = log_in.server.origins();
        Self {
            user_id,
            generation: info.generation,
            rotations: info.rotations,
            stored_at: info.stored_at,
            proven: info.proven,
            token: Bound::new(token, origins.clone()),
            client_secret: client_secret.map(|secret| Bound::new(secret, origins)),
            end: info.end,
            log_in: Some(log_in),
        }
    }

    /// What the server granted for it, or the same token, proven. It belongs to the same servers. The log-in that brought it is
    /// forgotten once the journal says that the configuration has followed; see [`super::StoredTokens::settled`].
    #[must_use]
    pub fn successor(&self, info: RefreshTokenInfo, granted: Option<RefreshToken>, user_id: Option<String>) -> Self {
        let token = granted.unwrap_or_else(|| self.token.for_entry().clone());
        Self {
            user_id: user_id.or_else(|| self.user_id.clone()),
            generation: info.generation,
            rotations: info.rotations,
            stored_at: info.stored_at,
            proven: info.proven,
            token: Bound::new(token, self.token.origins().clone()),
            client_secret: self.client_secret.clone(),
            end: info.end,
            log_in: self.log_in.clone(),
        }
    }

    /// The token's length in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.token.for_entry().length()
    }

    /// The credential that it is, for a log-in with it.
    #[must_use]
    pub fn credential(&self) -> Credential {
        Credential {
            refresh_token: self.token.for_entry().clone(),
            client_secret: self.client_secret.as_ref().map(|secret| secret.for_entry().clone()),
            user_id: self.user_id.clone(),
        }
    }

    /// The server that it is presented at.
    #[must_use]
    pub fn server<'a>(&'a self, configured: &'a Server) -> &'a Server {
        self.log_in.as_ref().map_or(configured, |log_in| &log_in.server)
    }

    /// What may be known about it without the token, in the slot where it lies.
    #[must_use]
    pub fn info(&self, slot: Slot) -> RefreshTokenInfo {
        RefreshTokenInfo {
            slot,
            generation: self.generation,
            rotations: self.rotations,
            stored_at: self.stored_at,
            proven: self.proven,
            end: self.end,
            fingerprint: self.token.for_entry().fingerprint(),
        }
    }
}

impl StoredClientSecret {
    /// The entry's text.
    #[must_use]
    pub fn to_entry(&self) -> SecretString {
        let Self(secret) = self;
        let client_secret = secret.for_entry().expose().to_owned();
        write_entry(&ClientSecretEntry { v: ENTRY_VERSION, origins: secret.origins().clone(), client_secret })
    }

    /// Reads an entry's text; `None` when it is not one.
    #[must_use]
    pub fn from_entry(text: &SecretString) -> Option<Self> {
        let entry: ClientSecretEntry = read_entry(text)?;
        Some(Self(Bound::new(ClientSecret::read(&entry.client_secret).ok()?, entry.origins)))
    }
}

/// Reads a client secret's entry of version 1, and from which generation of refresh tokens on it counts.
#[must_use]
pub fn read_client_secret_of_version_1(text: &SecretString) -> Option<(u64, ClientSecret)> {
    #[derive(Deserialize)]
    struct Entry {
        since: u64,
        client_secret: String,
    }
    let entry: Entry = read_entry(text)?;
    Some((entry.since, ClientSecret::read(&entry.client_secret).ok()?))
}

impl StoredAccessToken {
    /// The token, what is known about it, and the generation of the refresh token that came with it.
    #[must_use]
    pub fn new(generation: u64, info: AccessTokenInfo, token: AccessToken) -> Self {
        let AccessTokenInfo { issued_at, expires_at, scope, user_id } = info;
        Self { generation, issued_at, expires_at, scope, user_id, token }
    }

    /// The entry's text.
    #[must_use]
    pub fn to_entry(&self) -> SecretString {
        write_entry(&AccessTokenEntry {
            v: ENTRY_VERSION,
            generation: self.generation,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            scope: self.scope.join(" "),
            user_id: self.user_id.clone(),
            access_token: self.token.expose().to_owned(),
        })
    }

    /// Reads an entry's text; `None` when it is not one.
    #[must_use]
    pub fn from_entry(text: &SecretString) -> Option<Self> {
        let entry: AccessTokenEntry = read_entry(text)?;
        Some(Self {
            generation: entry.generation,
            issued_at: entry.issued_at,
            expires_at: entry.expires_at,
            scope: entry.scope.split_ascii_whitespace().map(str::to_owned).collect(),
            user_id: entry.user_id.filter(|user| is_user_id(user)),
            token: AccessToken::new(entry.access_token),
        })
    }

    /// What may be known about it without the token.
    #[must_use]
    pub fn info(&self) -> AccessTokenInfo {
        AccessTokenInfo {
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            scope: self.scope.clone(),
            user_id: self.user_id.clone(),
        }
    }
}

/// A stored refresh token, without the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshTokenInfo {
    /// Where it lies.
    pub slot: Slot,
    /// See [`StoredRefreshToken::generation`].
    pub generation: u64,
    /// Rotations since the log-in.
    pub rotations: u64,
    /// When it was stored, UTC.
    pub stored_at: Timestamp,
    /// See [`StoredRefreshToken::proven`].
    pub proven: bool,
    /// See [`StoredRefreshToken::end`].
    pub end: Option<LoginEnd>,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
}
