//! Tokens that the server gave to a sign-in and that nobody will use: it is asked to revoke them, and nobody else is.

use evertoken_core::account::AccountName;
use evertoken_core::oauth::client_authentication::ClientSecret;
use evertoken_core::oauth::origin::Bound;
use evertoken_core::oauth::revocation::{Revocation, Revoked};
use evertoken_core::oauth::server::Server;
use evertoken_core::oauth::token::RefreshToken;
use evertoken_core::oauth::token_response::Grant;
use tracing::info;

use crate::http::revocation_endpoint::revoke;

/// The server of a sign-in, with what its client authenticates with.
pub(super) struct SignInServer {
    pub(super) server: Server,
    pub(super) client_secret: Option<Bound<ClientSecret>>,
}

impl SignInServer {
    /// Revokes what an answer brought: the access token, if there is no refresh token that ends it too.
    pub(super) async fn drop_grant(&self, account: &AccountName, grant: &Grant) {
        match &grant.refresh_token {
            Some(token) => self.drop_login(account, token).await,
            None => {
                let token = Bound::new(grant.access_token.clone(), self.server.origins());
                self.revoke(account, Revoked::AccessToken(&token)).await;
            }
        }
    }

    /// Revokes a login.
    pub(super) async fn drop_login(&self, account: &AccountName, token: &RefreshToken) {
        let token = Bound::new(token.clone(), self.server.origins());
        self.revoke(account, Revoked::RefreshToken(&token)).await;
    }

    async fn revoke(&self, account: &AccountName, revoked: Revoked<'_>) {
        let Some(endpoint) = &self.server.revocation_endpoint else { return };
        let outcome = revoke(&self.server, endpoint, revoked, self.client_secret.as_ref()).await;
        info!(%account, "a sign-in's tokens are dropped: {}", Revocation::of(outcome).in_words());
    }
}
