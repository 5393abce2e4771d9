//! The keychain entries of version 1: known by the account's name, without the servers that they belong to, and with the
//! client secret in two entries of its own.

use evertoken_core::account::AccountName;
use evertoken_core::keychain::KeychainProblem;
use evertoken_core::login::token_store::{
    Slot, StoredAccessToken, StoredClientSecret, StoredRefreshToken, read_client_secret_of_version_1,
};
use evertoken_core::oauth::client_authentication::ClientSecret;
use evertoken_core::oauth::origin::Bound;
use evertoken_core::oauth::server::Server;

use crate::store::keychain::Keychain;
use crate::system::fail_point::fail_point;

/// What an earlier version kept, as entries of the current version.
pub(super) struct OldEntries {
    pub(super) refresh_tokens: Vec<(Slot, StoredRefreshToken)>,
    pub(super) access_token: Option<StoredAccessToken>,
    pub(super) client_secret_left: Option<StoredClientSecret>,
}

const REFRESH_TOKENS: [(Slot, &str); 2] = [(Slot::A, "refresh-token.a"), (Slot::B, "refresh-token.b")];
const CLIENT_SECRETS: [&str; 2] = ["client-secret.a", "client-secret.b"];
const ACCESS_TOKEN: &str = "access-token";
const PROBE: &str = "probe";

/// Reads them; `None` when there are none. They belong to the server that the account names.
pub(super) async fn read(
    keychain: &Keychain,
    name: &AccountName,
    server: &Server,
) -> Result<Option<OldEntries>, KeychainProblem> {
    let mut secrets = Vec::new();
    for kind in CLIENT_SECRETS {
        let entries = keychain.read_all(&user(name, kind)).await?;
        secrets.extend(entries.iter().filter_map(read_client_secret_of_version_1));
    }
    let mut refresh_tokens = Vec::new();
    for (slot, kind) in REFRESH_TOKENS {
        let entries = keychain.read_all(&user(name, kind)).await?;
        let newest = entries.iter().filter_map(StoredRefreshToken::from_entry).max_by_key(|stored| stored.generation);
        if let Some(stored) = newest {
            let secret = for_generation(&secrets, stored.generation);
            refresh_tokens.push((slot, stored.migrated(secret, server)));
        }
    }
    if refresh_tokens.is_empty() && secrets.is_empty() {
        return Ok(None);
    }
    let access_tokens = keychain.read_all(&user(name, ACCESS_TOKEN)).await?;
    let access_token = access_tokens.iter().find_map(StoredAccessToken::from_entry);
    let left = for_generation(&secrets, u64::MAX).filter(|_| refresh_tokens.is_empty());
    let client_secret_left = left.map(|secret| StoredClientSecret(Bound::new(secret, server.origins())));
    Ok(Some(OldEntries { refresh_tokens, access_token, client_secret_left }))
}

/// Deletes them, once their successors are stored. The refresh tokens go last: by them the next start sees that some are left.
pub(super) async fn forget(keychain: &Keychain, name: &AccountName) -> Result<(), KeychainProblem> {
    for kind in [PROBE, ACCESS_TOKEN].into_iter().chain(CLIENT_SECRETS) {
        keychain.delete(&user(name, kind)).await?;
    }
    for (_, kind) in REFRESH_TOKENS {
        keychain.delete(&user(name, kind)).await?;
    }
    fail_point("old-tokens-deleted");
    Ok(())
}

fn user(name: &AccountName, kind: &str) -> String {
    format!("{name}/{kind}")
}

/// The newest secret that counted when a token of this generation was stored.
fn for_generation(secrets: &[(u64, ClientSecret)], generation: u64) -> Option<ClientSecret> {
    let counts = secrets.iter().filter(|(since, _)| *since <= generation);
    counts.max_by_key(|(since, _)| *since).map(|(_, secret)| secret.clone())
}
