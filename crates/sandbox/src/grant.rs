//! What a successful token request is answered with.

use serde_json::{Value, json};

use crate::token::{AccessToken, RefreshToken};

/// Space-separated (RFC 6749 section 3.3) and long, as in the contract, which names the first two and the last.
pub(crate) const SCOPE: &str = "accounts:create accounts:read accounts:update accounts:close balances:read \
    beneficiaries:create beneficiaries:read beneficiaries:delete cards:create cards:read cards:freeze \
    conversions:create conversions:read documents:create documents:read exchange:create exchange:show \
    fees:read limits:read notifications:read notifications:update payments:create payments:read \
    payments:cancel profile:read profile:update rates:read statements:create statements:read \
    transactions:read transfers:create transfers:read users:read webhooks:create webhooks:read \
    webhooks:delete withdraw_own_account:create withdraw_own_account:show withdraw_other_account:create \
    withdraw_other_account:show";

/// A new pair of tokens and what belongs to it.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) access_token: AccessToken,
    pub(crate) refresh_token: RefreshToken,
    /// Lifetime of the access token, in seconds.
    pub(crate) expires_in: i64,
    pub(crate) user_id: String,
}

impl Grant {
    /// The documented body. The one place where tokens leave their wrapping.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "access_token": self.access_token.expose(),
            "token_type": "Bearer",
            "refresh_token": self.refresh_token.expose(),
            "scope": SCOPE,
            "expires_in": self.expires_in,
            "user_id": self.user_id,
        })
    }
}
