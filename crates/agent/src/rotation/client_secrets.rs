//! The client secret of an exchange: read, kept and dropped with the refresh token that it belongs to.

use evertoken_core::login::client_secrets::Change;
use evertoken_core::login::rotation::Purpose;
use evertoken_core::login::token_store::{KeychainProblem, RefreshTokenInfo, Slot};

use super::Workplace;
use super::secrets::Edge;
use crate::system::fail_point::fail_point;

impl Workplace {
    /// A client that authenticates and has no secret sends nothing.
    pub(super) async fn read_client_secrets(&self, purpose: &Purpose, edge: &mut Edge) -> Result<(), KeychainProblem> {
        edge.client_secrets = self.vault.read_client_secrets().await?;
        let found = edge.before.found();
        let has_secret = match (purpose, found.current()) {
            (Purpose::LogIn { .. }, current) => {
                let candidate = current.map_or(1, |current| current.generation + 1);
                edge.client_secrets.clone().of_candidate(&found, candidate, edge.given.client_secret.as_ref()).is_some()
            }
            (Purpose::Refresh { .. }, Some(current)) => {
                self.change_client_secrets(edge.client_secrets.before_refresh(&current), edge).await?;
                edge.client_secrets.for_generation(current.generation).is_some()
            }
            // Without a token there is nothing to send.
            (Purpose::Refresh { .. }, None) => true,
        };
        if has_secret { Ok(()) } else { Err(KeychainProblem::NoClientSecret) }
    }

    /// The token first: a candidate without its secret is refused and gives way, whenever this dies.
    pub(super) async fn store_candidate(&self, info: RefreshTokenInfo, edge: &mut Edge) -> Result<(), KeychainProblem> {
        edge.candidate = Some(info.generation);
        self.store(info, edge).await?;
        fail_point("candidate-without-secret");
        let given = edge.given.client_secret.as_ref();
        let changes = edge.client_secrets.before_login(&edge.before.found(), info.generation, given);
        self.change_client_secrets(changes, edge).await
    }

    /// The secret first, for the same reason.
    pub(super) async fn drop_candidate(&self, slot: Slot, edge: &mut Edge) -> Result<(), KeychainProblem> {
        let left_behind = edge.before.in_slot(slot).map(|stored| stored.generation);
        let generation = edge.candidate.or(left_behind);
        let change = generation.and_then(|generation| edge.client_secrets.after_refusal(generation));
        self.change_client_secrets(change, edge).await?;
        self.vault.drop_slot(slot).await
    }

    /// A log-in without a client secret ends the use of the one before it. Best effort.
    pub(super) async fn forget_unused_secret(&self, purpose: &Purpose) {
        let needed = self.account.token_endpoint_auth_method.needs_secret();
        match purpose {
            Purpose::LogIn { .. } if !needed => drop(self.vault.forget_client_secrets().await),
            Purpose::LogIn { .. } | Purpose::Refresh { .. } => {}
        }
    }

    async fn change_client_secrets(
        &self,
        changes: impl IntoIterator<Item = Change>,
        edge: &mut Edge,
    ) -> Result<(), KeychainProblem> {
        for change in changes {
            self.vault.change_client_secrets(&change).await?;
            edge.client_secrets = std::mem::take(&mut edge.client_secrets).after(&change);
        }
        Ok(())
    }
}
