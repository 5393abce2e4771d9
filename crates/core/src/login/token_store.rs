//! What the keychain holds of an account, and what follows from it.

mod entries;
mod kinds;

pub use entries::{
    Credential, LogIn, Question, RefreshTokenInfo, StoredAccessToken, StoredClientSecret, StoredRefreshToken,
    read_client_secret_of_version_1,
};
pub use kinds::{EntryKind, Slot};

use crate::keychain::KeychainProblem;
use crate::login::access_token::AccessTokenInfo;
use crate::login::journal::Summary;
use crate::oauth::client_authentication::ClientSecret;
use crate::oauth::failure::AnotherUser;
use crate::oauth::origin::ForeignServer;
use crate::oauth::server::Server;

/// What the keychain holds of an account.
#[derive(Debug, Clone, Default)]
pub struct StoredTokens {
    /// The refresh token in the first slot.
    pub a: Option<StoredRefreshToken>,
    /// The refresh token in the second slot.
    pub b: Option<StoredRefreshToken>,
    /// The access token.
    pub access_token: Option<StoredAccessToken>,
    /// A login of another user that waits for a person's answer.
    pub waiting: Option<StoredRefreshToken>,
}

/// The same without the tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredTokensInfo {
    /// The token in the first slot.
    pub a: Option<RefreshTokenInfo>,
    /// The token in the second slot.
    pub b: Option<RefreshTokenInfo>,
    /// The access token, and the generation of the refresh token that it came with.
    pub access_token: Option<(u64, AccessTokenInfo)>,
    /// The current refresh token belongs to another server than the account names.
    pub foreign: Option<ForeignServer>,
    /// The user of the login: of the newest token that was proven.
    pub user_id: Option<String>,
    /// A person has said that the current token may take the place of another user's.
    pub replaces_user: bool,
    /// The current token is spent, and what it brought waits for a person's answer.
    pub waits: Option<AnotherUser>,
}

impl StoredTokens {
    /// What lies in a slot.
    #[must_use]
    pub const fn in_slot(&self, slot: Slot) -> Option<&StoredRefreshToken> {
        match slot {
            Slot::A => self.a.as_ref(),
            Slot::B => self.b.as_ref(),
        }
    }

    /// The current refresh token.
    #[must_use]
    pub fn current(&self) -> Option<&StoredRefreshToken> {
        self.a.iter().chain(&self.b).max_by_key(|stored| stored.generation)
    }

    /// The slot of the candidate that the waiting login was granted for. It goes first when the login is dismissed: otherwise
    /// it would be presented again.
    #[must_use]
    pub fn spent_candidate(&self) -> Option<Slot> {
        self.question_about_current()?;
        let generation = |stored: &Option<StoredRefreshToken>| stored.as_ref().map(|stored| stored.generation);
        Some(if generation(&self.a) > generation(&self.b) { Slot::A } else { Slot::B })
    }

    /// Does the login that waits for an answer lie in a slot too? Then a person has answered, and the slot carries it on.
    #[must_use]
    pub fn waiting_is_carried_on(&self) -> bool {
        let fingerprint = |stored: &StoredRefreshToken| stored.token.for_entry().fingerprint();
        let waiting = self.waiting.as_ref().map(fingerprint);
        waiting.is_some() && self.a.iter().chain(&self.b).any(|stored| Some(fingerprint(stored)) == waiting)
    }

    fn question_about_current(&self) -> Option<&Question> {
        let current = self.current()?.token.for_entry().fingerprint();
        let question = self.waiting.as_ref()?.log_in.as_ref()?.question.as_ref()?;
        (question.granted_for == Some(current)).then_some(question)
    }

    fn user_id(&self) -> Option<String> {
        let login =
            self.a.iter().chain(&self.b).filter(|stored| stored.proven).max_by_key(|stored| stored.generation)?;
        let with_access_token = self.access_token.as_ref().filter(|token| token.generation == login.generation);
        login.user_id.clone().or_else(|| with_access_token?.user_id.clone())
    }

    /// The client secret for a log-in at this server: the given one, or the one that the login or a log-out left for the same
    /// server. `None`: the client does not authenticate.
    ///
    /// # Errors
    /// [`KeychainProblem::NoClientSecret`] when it does and there is none.
    pub fn client_secret_for(
        &self,
        server: &Server,
        given: Option<ClientSecret>,
        left: Option<&StoredClientSecret>,
    ) -> Result<Option<ClientSecret>, KeychainProblem> {
        if given.is_some() || !server.token_endpoint_auth_method.needs_secret() {
            return Ok(given);
        }
        let login = self.current().and_then(|stored| stored.client_secret.as_ref());
        let known = login.into_iter().chain(left.map(|StoredClientSecret(secret)| secret));
        let mut kept = known.filter(|secret| secret.origins().cover(&server.origins()));
        kept.next().map(|secret| Some(secret.for_entry().clone())).ok_or(KeychainProblem::NoClientSecret)
    }

    /// Forgets of the log-in that brought the current token, once the journal says that the configuration has followed.
    #[must_use]
    pub fn settled(mut self, journal: &Summary) -> Self {
        for stored in self.a.iter_mut().chain(&mut self.b) {
            if stored.proven && journal.logged_in == Some(stored.token.for_entry().fingerprint()) {
                stored.log_in = None;
            }
        }
        self
    }

    /// A log-in that was proven and stored, and that the configuration does not tell of yet.
    #[must_use]
    pub fn unfinished_log_in(&self, configured: Option<&Server>) -> Option<&LogIn> {
        let proven = self.current().filter(|current| current.proven)?;
        proven.log_in.as_ref().filter(|log_in| configured != Some(&log_in.server))
    }

    /// What may be known without the tokens, for an account with this server.
    #[must_use]
    pub fn found(&self, server: &Server) -> StoredTokensInfo {
        let permitted = self.current().map(|current| current.token.origins().permit(&current.server(server).endpoint));
        StoredTokensInfo {
            a: self.a.as_ref().map(|stored| stored.info(Slot::A)),
            b: self.b.as_ref().map(|stored| stored.info(Slot::B)),
            access_token: self.access_token.as_ref().map(|stored| (stored.generation, stored.info())),
            foreign: permitted.and_then(Result::err),
            user_id: self.user_id(),
            replaces_user: self.current().and_then(|stored| stored.log_in.as_ref()).is_some_and(|it| it.replaces_user),
            waits: self.question_about_current().map(|question| question.users.clone()),
        }
    }
}

impl StoredTokensInfo {
    /// The current refresh token: the one with the higher generation.
    #[must_use]
    pub fn current(&self) -> Option<RefreshTokenInfo> {
        self.a.into_iter().chain(self.b).max_by_key(|info| info.generation)
    }

    /// The other refresh token.
    #[must_use]
    pub fn previous(&self) -> Option<RefreshTokenInfo> {
        self.a
            .filter(|_| self.b.is_some())
            .into_iter()
            .chain(self.b.filter(|_| self.a.is_some()))
            .min_by_key(|info| info.generation)
    }

    /// The current refresh token, if it is a candidate that a log-in left behind beside the login before it.
    #[must_use]
    pub fn left_behind(&self) -> Option<RefreshTokenInfo> {
        self.current().filter(|current| !current.proven && self.previous().is_some())
    }

    /// The access token, if it came with the current refresh token.
    #[must_use]
    pub fn current_access_token(&self) -> Option<&AccessTokenInfo> {
        let generation = self.current()?.generation;
        self.access_token.as_ref().filter(|(of, _)| *of == generation).map(|(_, token)| token)
    }
}

#[cfg(test)]
mod tests;
