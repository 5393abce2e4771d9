//! An account's entries in the keychain, as the tokens that they are.

use std::time::Duration;

use evertoken_core::account::AccountName;
use evertoken_core::login::client_secrets::{Change, ClientSecrets, StoredClientSecret};
use evertoken_core::login::token_store::{
    EntryKind, Found, KeychainProblem, Slot, StoredAccessToken, StoredRefreshToken,
};
use secrecy::{ExposeSecret, SecretString};

use crate::store::keychain::Keychain;

/// One account's entries.
#[derive(Clone)]
pub(crate) struct Vault {
    keychain: Keychain,
    account: AccountName,
}

/// What the keychain holds, with the tokens.
#[derive(Default)]
pub(crate) struct Tokens {
    pub(crate) a: Option<StoredRefreshToken>,
    pub(crate) b: Option<StoredRefreshToken>,
    pub(crate) access_token: Option<StoredAccessToken>,
}

impl Tokens {
    /// The same without the tokens.
    pub(crate) fn found(&self) -> Found {
        Found {
            a: self.a.as_ref().map(|stored| stored.info(Slot::A)),
            b: self.b.as_ref().map(|stored| stored.info(Slot::B)),
            access_token: self.access_token.as_ref().map(|stored| (stored.generation, stored.info())),
        }
    }

    pub(crate) fn in_slot(&self, slot: Slot) -> Option<&StoredRefreshToken> {
        match slot {
            Slot::A => self.a.as_ref(),
            Slot::B => self.b.as_ref(),
        }
    }
}

impl Vault {
    pub(crate) fn new(keychain: Keychain, account: AccountName) -> Self {
        Self { keychain, account }
    }

    /// Is an empty keychain no surprise, whatever the journal says?
    pub(crate) fn forgets(&self) -> bool {
        self.keychain.forgets()
    }

    /// Everything the account has.
    pub(crate) async fn read(&self) -> Result<Tokens, KeychainProblem> {
        Ok(Tokens {
            a: self.read_slot(Slot::A).await?,
            b: self.read_slot(Slot::B).await?,
            access_token: self.get(EntryKind::AccessToken).await?.as_ref().and_then(StoredAccessToken::from_entry),
        })
    }

    async fn read_slot(&self, slot: Slot) -> Result<Option<StoredRefreshToken>, KeychainProblem> {
        Ok(self.get(EntryKind::RefreshToken(slot)).await?.as_ref().and_then(StoredRefreshToken::from_entry))
    }

    /// Proves that an entry of `length` bytes can be written.
    pub(crate) async fn prove_writable(&self, length: usize) -> Result<(), KeychainProblem> {
        self.put_and_read_back(EntryKind::Probe, random_text(length)).await
    }

    pub(crate) async fn store_refresh_token(
        &self,
        slot: Slot,
        token: &StoredRefreshToken,
    ) -> Result<(), KeychainProblem> {
        self.put_and_read_back(EntryKind::RefreshToken(slot), token.to_entry()).await
    }

    pub(crate) async fn store_access_token(&self, token: &StoredAccessToken) -> Result<(), KeychainProblem> {
        self.keychain.write(&EntryKind::AccessToken.name(&self.account), token.to_entry()).await
    }

    pub(crate) async fn drop_slot(&self, slot: Slot) -> Result<(), KeychainProblem> {
        self.keychain.delete(&EntryKind::RefreshToken(slot).name(&self.account)).await
    }

    /// Both client secrets.
    pub(crate) async fn read_client_secrets(&self) -> Result<ClientSecrets, KeychainProblem> {
        let secret = async |slot| {
            let entry = self.get(EntryKind::ClientSecret(slot)).await?;
            Ok(entry.as_ref().and_then(StoredClientSecret::from_entry))
        };
        Ok(ClientSecrets { a: secret(Slot::A).await?, b: secret(Slot::B).await? })
    }

    pub(crate) async fn change_client_secrets(&self, change: &Change) -> Result<(), KeychainProblem> {
        match change {
            Change::Put(slot, stored) => {
                self.put_and_read_back(EntryKind::ClientSecret(*slot), stored.to_entry()).await
            }
            Change::Drop(slot) => self.keychain.delete(&EntryKind::ClientSecret(*slot).name(&self.account)).await,
        }
    }

    /// Deletes the login; all entries are tried even when one fails. The client secret is the account's, and stays.
    pub(crate) async fn forget_login(&self) -> Result<(), KeychainProblem> {
        self.forget(&EntryKind::LOGIN).await
    }

    /// Deletes every entry.
    pub(crate) async fn forget_account(&self) -> Result<(), KeychainProblem> {
        self.forget_login().await.and(self.forget_client_secrets().await)
    }

    /// Deletes what is the account's and not the login's.
    pub(crate) async fn forget_client_secrets(&self) -> Result<(), KeychainProblem> {
        self.forget(&EntryKind::ACCOUNT).await
    }

    async fn forget(&self, kinds: &[EntryKind]) -> Result<(), KeychainProblem> {
        let mut result = Ok(());
        for kind in kinds {
            result = result.and(self.keychain.delete(&kind.name(&self.account)).await);
        }
        result
    }

    /// Copies every entry to another account's names; the old ones stay.
    pub(crate) async fn copy_to(&self, other: &Self) -> Result<(), KeychainProblem> {
        let secrets = EntryKind::ACCOUNT;
        let tokens = [EntryKind::RefreshToken(Slot::A), EntryKind::RefreshToken(Slot::B), EntryKind::AccessToken];
        for kind in secrets.into_iter().chain(tokens) {
            if let Some(entry) = self.get(kind).await? {
                other.put_and_read_back(kind, entry).await?;
            }
        }
        Ok(())
    }

    async fn get(&self, kind: EntryKind) -> Result<Option<SecretString>, KeychainProblem> {
        self.keychain.read(&kind.name(&self.account)).await
    }

    async fn put_and_read_back(&self, kind: EntryKind, entry: SecretString) -> Result<(), KeychainProblem> {
        let name = kind.name(&self.account);
        self.keychain.write(&name, entry.clone()).await?;
        match self.keychain.read(&name).await? {
            Some(back) if back.expose_secret() == entry.expose_secret() => Ok(()),
            Some(_) | None => Err(KeychainProblem::Refused),
        }
    }
}

/// The first wait before a refused token is offered to the keychain again; it doubles.
pub(crate) const FIRST_STORE_RETRY: Duration = Duration::from_secs(1);
/// The longest: somebody who unlocks the keychain wants it to be taken soon.
pub(crate) const LONGEST_STORE_RETRY: Duration = Duration::from_secs(60);

fn random_text(length: usize) -> SecretString {
    let mut bytes = vec![0; length.div_ceil(2)];
    // Without randomness the probe still proves what it has to.
    let _ = getrandom::fill(&mut bytes);
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.into()
}
