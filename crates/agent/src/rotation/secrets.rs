//! What an exchange knows and the pure machine must not see.

use evertoken_core::login::client_secrets::ClientSecrets;
use evertoken_core::login::rotation::{Granted, Outcome};
use evertoken_core::login::session::AccessTokenInfo;
use evertoken_core::login::token_store::{RefreshTokenInfo, StoredRefreshToken};
use evertoken_core::oauth::failure::{AnotherUser, Failure};
use evertoken_core::oauth::token::{AccessToken, RefreshToken};
use evertoken_core::oauth::token_response::Grant;
use jiff::Timestamp;

use super::{Given, InSlot};
use crate::store::token_store::Tokens;
use crate::system::clock::Clock;

/// What the rotation machine must not see: secrets, and a clock.
pub(super) struct Edge {
    pub(super) given: Given,
    pub(super) before: Tokens,
    pub(super) client_secrets: ClientSecrets,
    /// The generation of the token that was given.
    pub(super) candidate: Option<u64>,
    pub(super) grant: Option<Grant>,
    /// A clock that is set meanwhile must not make the new token last longer.
    pub(super) clock: Clock,
}

impl Edge {
    pub(super) fn new(given: Given) -> Self {
        Self {
            given,
            before: Tokens::default(),
            client_secrets: ClientSecrets::default(),
            candidate: None,
            grant: None,
            clock: Clock::new(),
        }
    }

    pub(super) fn access_token(&self, outcome: &Outcome) -> Option<AccessToken> {
        match outcome {
            Outcome::Granted(_) => self.grant.as_ref().map(|grant| grant.access_token.clone()),
            Outcome::Adopted(_) => self.before.access_token.as_ref().map(|stored| stored.token.clone()),
            Outcome::Failed(_) | Outcome::Reverted => None,
        }
    }

    pub(super) fn newest(&self, outcome: &Outcome) -> Option<InSlot> {
        match outcome {
            Outcome::Granted(tokens) | Outcome::Adopted(tokens) => {
                let info = tokens.refresh_token;
                Some((info.slot, self.to_store(info)?))
            }
            Outcome::Failed(_) | Outcome::Reverted => None,
        }
    }

    /// The token that a log-in brought for another user; the given one is spent by then, unless the server does not rotate.
    /// Or the one that was given, if it would be lost.
    pub(super) fn set_aside(self, outcome: &Outcome) -> Option<Given> {
        match outcome {
            Outcome::Failed(Failure::AnotherUser(_)) => {
                let granted = self.grant.and_then(|grant| grant.refresh_token);
                let refresh_token = granted.or(self.given.refresh_token);
                Some(Given { refresh_token, user_id: None, ..self.given })
            }
            Outcome::Failed(Failure::AuthorizationRequired(_)) => None,
            Outcome::Failed(_) | Outcome::Reverted => self.given.only_held_here(),
            Outcome::Granted(_) | Outcome::Adopted(_) => None,
        }
    }

    /// Does the grant belong to another user than the one whose login the account holds? A candidate that an earlier run
    /// left behind is asked about as well: nobody has answered for it.
    pub(super) fn another_user(&self, presented: &RefreshTokenInfo, grant: &Grant) -> Option<AnotherUser> {
        let before = self.before.access_token.as_ref().and_then(|stored| stored.user_id.as_deref());
        let left_behind = self.before.found().left_behind() == Some(*presented);
        let expected = if left_behind { before } else { self.given.user_id.as_deref() };
        AnotherUser::between(expected, grant.user_id.as_deref())
    }

    pub(super) fn to_present(&self, info: RefreshTokenInfo) -> Option<&RefreshToken> {
        let stored = self.before.in_slot(info.slot).map(|stored| &stored.token);
        stored.into_iter().chain(&self.given.refresh_token).find(|token| token.fingerprint() == info.fingerprint)
    }

    /// The bytes of a refresh token that the rotation names.
    pub(super) fn to_store(&self, info: RefreshTokenInfo) -> Option<StoredRefreshToken> {
        let granted = self.grant.as_ref().and_then(|grant| grant.refresh_token.as_ref());
        let before = [&self.before.a, &self.before.b].into_iter().flatten().map(|stored| &stored.token);
        let mut known = granted.into_iter().chain(&self.given.refresh_token).chain(before);
        let token = known.find(|token| token.fingerprint() == info.fingerprint)?;
        Some(StoredRefreshToken {
            generation: info.generation,
            rotations: info.rotations,
            stored_at: info.stored_at,
            proven: info.proven,
            token: token.clone(),
        })
    }

    /// The successor of a token is about as long as it.
    pub(super) fn probe_length(&self) -> usize {
        /// For the entry's other fields and a somewhat longer token, below what Windows allows for an entry.
        const ROOM: usize = 512;
        let stored = [&self.before.a, &self.before.b].into_iter().flatten().map(|stored| &stored.token);
        let longest =
            stored.chain(&self.given.refresh_token).map(|token| token.expose().len()).max().unwrap_or_default();
        longest + ROOM
    }
}

pub(super) fn granted(grant: &Grant, sent_at: Timestamp) -> Granted {
    Granted {
        refresh_token: grant.refresh_token.as_ref().map(RefreshToken::fingerprint),
        access_token: AccessTokenInfo {
            issued_at: sent_at,
            expires_at: sent_at.saturating_add(grant.lifetime).unwrap_or(sent_at),
            scope: grant.scope.clone(),
            user_id: grant.user_id.clone(),
        },
    }
}
