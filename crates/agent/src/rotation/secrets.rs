//! What a rotation knows and the pure machine must not see: secrets, and a clock.

use std::sync::Arc;

use evertoken_core::login::access_token::AccessTokenInfo;
use evertoken_core::login::rotation::{Granted, Outcome};
use evertoken_core::login::token_store::{
    Credential, LogIn, Question, RefreshTokenInfo, Slot, StoredRefreshToken, StoredTokens,
};
use evertoken_core::oauth::client_authentication::ClientSecret;
use evertoken_core::oauth::failure::AnotherUser;
use evertoken_core::oauth::server::Server;
use evertoken_core::oauth::token::{AccessToken, RefreshToken};
use evertoken_core::oauth::token_response::Grant;
use jiff::Timestamp;

use super::SlottedToken;
use crate::system::clock::Clock;

pub(super) struct RotationSecrets {
    /// What is logged in with; absent at a refresh.
    given: Option<(Credential, LogIn)>,
    /// The server that the account names, as it was under the lock.
    configured: Arc<Server>,
    pub(super) before: StoredTokens,
    candidate: Option<StoredRefreshToken>,
    pub(super) grant: Option<Grant>,
    /// A clock that is set must not make the new token last longer.
    pub(super) clock: Clock,
}

impl RotationSecrets {
    pub(super) fn new(given: Option<(Credential, LogIn)>, configured: Arc<Server>) -> Self {
        let (before, clock) = (StoredTokens::default(), Clock::new());
        Self { given, configured, before, candidate: None, grant: None, clock }
    }

    /// The server that the account names.
    pub(super) fn configured(&self) -> &Server {
        &self.configured
    }

    /// The server that is asked.
    pub(super) fn server(&self) -> &Server {
        match (&self.given, self.before.current()) {
            (Some((_, log_in)), _) => &log_in.server,
            (None, Some(current)) => current.server(&self.configured),
            (None, None) => &self.configured,
        }
    }

    /// The client secret that the candidate goes with, from here on.
    pub(super) fn complete(&mut self, client_secret: Option<ClientSecret>) {
        if let Some((credential, _)) = &mut self.given {
            credential.client_secret = client_secret;
        }
    }

    pub(super) fn client_secret_given(&self) -> Option<ClientSecret> {
        self.given.as_ref().and_then(|(credential, _)| credential.client_secret.clone())
    }

    /// Is this a log-in?
    pub(super) const fn is_log_in(&self) -> bool {
        self.given.is_some()
    }

    /// The candidate, as it is stored.
    pub(super) fn candidate(&mut self, info: RefreshTokenInfo) -> Option<&StoredRefreshToken> {
        let (credential, log_in) = self.given.clone()?;
        Some(self.candidate.insert(StoredRefreshToken::candidate(info, credential, log_in)))
    }

    /// The token that the machine presents.
    pub(super) fn presented(&self, info: RefreshTokenInfo) -> Option<&StoredRefreshToken> {
        let candidate = self.candidate.as_ref().filter(|candidate| candidate.info(info.slot) == info);
        candidate.or_else(|| self.before.in_slot(info.slot).filter(|stored| stored.info(info.slot) == info))
    }

    /// What is stored for it.
    pub(super) fn successor(&self, presented: RefreshTokenInfo, info: RefreshTokenInfo) -> Option<StoredRefreshToken> {
        let grant = self.grant.as_ref()?;
        let (granted, user_id) = (grant.refresh_token.clone(), grant.user_id.clone());
        Some(self.presented(presented)?.successor(info, granted, user_id))
    }

    /// The login of another user: what was granted, with the candidate that is spent, or what was given.
    pub(super) fn waiting(
        &self,
        users: AnotherUser,
        presented: Option<RefreshTokenInfo>,
    ) -> Option<StoredRefreshToken> {
        let presented = presented.and_then(|info| self.presented(info).map(|stored| (info, stored)));
        let granted = self.grant.as_ref().and_then(|grant| grant.refresh_token.clone());
        let granted_for = presented.filter(|_| granted.is_some()).map(|(info, _)| info.fingerprint);
        let asked_at = self.clock.now();
        let log_in = self.given.as_ref().map(|(_, log_in)| log_in.clone());
        let log_in = log_in.or_else(|| presented.and_then(|(_, stored)| stored.log_in.clone()))?;
        let question = Some(Question { users, asked_at, granted_for });
        let log_in = LogIn { replaces_user: false, question, ..log_in };
        let given = self.given.as_ref().map(|(credential, _)| credential.refresh_token.clone());
        let info = |token: &RefreshToken| RefreshTokenInfo {
            slot: Slot::A,
            generation: 0,
            rotations: 0,
            stored_at: asked_at,
            proven: false,
            end: None,
            fingerprint: token.fingerprint(),
        };
        match (granted.or(given), presented) {
            (Some(refresh_token), _) => {
                let user_id = self.grant.as_ref().and_then(|grant| grant.user_id.clone());
                let client_secret = self.client_secret_given();
                let info = info(&refresh_token);
                Some(StoredRefreshToken::candidate(info, Credential { refresh_token, client_secret, user_id }, log_in))
            }
            // A server that does not rotate, and a candidate that an earlier run left behind.
            (None, Some((_, stored))) => Some(StoredRefreshToken { log_in: Some(log_in), ..stored.clone() }),
            (None, None) => None,
        }
    }

    pub(super) fn access_token(&self, outcome: &Outcome) -> Option<AccessToken> {
        match outcome {
            Outcome::Granted(_) => self.grant.as_ref().map(|grant| grant.access_token.clone()),
            Outcome::Adopted(_) => self.before.access_token.as_ref().map(|stored| stored.token.clone()),
            Outcome::Failed(_) | Outcome::Reverted => None,
        }
    }

    /// The refresh token that is the login after this outcome.
    pub(super) fn last_stored(&self, outcome: &Outcome, presented: Option<RefreshTokenInfo>) -> Option<SlottedToken> {
        let info = match outcome {
            Outcome::Granted(tokens) | Outcome::Adopted(tokens) => tokens.refresh_token,
            Outcome::Failed(_) | Outcome::Reverted => return None,
        };
        let known = self.presented(info).cloned();
        Some(Box::new((info.slot, known.or_else(|| self.successor(presented?, info))?)))
    }

    /// The successor of a token is about as long as it.
    pub(super) fn probe_length(&self) -> usize {
        /// For the entry's other fields and a somewhat longer token, below what Windows allows for an entry.
        const ROOM: usize = 768;
        let stored = self.before.a.iter().chain(&self.before.b).map(StoredRefreshToken::length);
        let given = self.given.iter().map(|(credential, _)| credential.refresh_token.length());
        stored.chain(given).max().unwrap_or_default() + ROOM
    }
}

/// `presented` belongs to the same user, where the answer does not say whose it is.
pub(super) fn granted(grant: &Grant, presented: &StoredRefreshToken, sent_at: Timestamp) -> Granted {
    Granted {
        refresh_token: grant.refresh_token.as_ref().map(RefreshToken::fingerprint),
        login_ends_at: grant.refresh_lifetime.and_then(|lifetime| sent_at.checked_add(lifetime).ok()),
        access_token: AccessTokenInfo {
            issued_at: sent_at,
            expires_at: sent_at.saturating_add(grant.lifetime).unwrap_or(sent_at),
            scope: grant.scope.clone(),
            user_id: grant.user_id.clone().or_else(|| presented.user_id.clone()),
        },
    }
}
