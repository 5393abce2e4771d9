//! What everybody who watches is told.

use std::collections::BTreeSet;
use std::sync::Arc;

use evertoken_core::account::{Account, AccountName};
use evertoken_core::api::metrics::open_metrics;
use evertoken_core::api::status::{AccountStatus, StatusReport};

use super::account::ManagedAccount;
use super::agent::Agent;

impl Agent {
    pub(super) fn report(&self) -> StatusReport {
        StatusReport {
            agent: self.info.clone(),
            accounts: self.accounts.iter().map(|(name, managed)| self.account_status(name, managed)).collect(),
            account_order: self.configuration.settings.account_order.clone(),
        }
    }

    pub(super) fn metrics(&self) -> String {
        let counts = self.accounts.iter().map(|(name, managed)| (name.clone(), managed.refreshes)).collect();
        open_metrics(&self.report(), &counts)
    }

    pub(super) fn account_status(&self, name: &AccountName, managed: &ManagedAccount) -> AccountStatus {
        let Account { server, sharing, .. } = managed.account();
        let is_default = self.configuration.implied_account() == Some(name);
        AccountStatus {
            token_file: self.token_files.status(sharing),
            approvals: managed.asking.to_vec(),
            identity: Some(managed.identity().clone()),
            ..managed.session.status(name, server, is_default, self.clock.now())
        }
    }

    /// Follows what the last input has changed: what a read has not touched costs nothing, however many accounts there are.
    pub(super) fn follow_changes(&mut self) {
        if self.accounts.is_untouched() {
            return;
        }
        self.keep_token_files();
        let touched = self.accounts.take_touched();
        for name in &touched {
            let managed = self.accounts.get(name);
            // What came between the last step and now is due at once.
            let wakeup = managed.and_then(|it| it.session.next_wakeup(it.stepped_at, &self.policy));
            self.wakeups.set(name, wakeup.map(|(at, _)| at));
        }
        self.publish(&touched);
    }

    /// Tells everybody who watches, if there is anything new to tell of these accounts, or of the agent itself.
    pub(super) fn publish(&self, touched: &BTreeSet<AccountName>) {
        let status = |name| self.accounts.get(name).map(|managed| self.account_status(name, managed));
        let order = &self.configuration.settings.account_order;
        let changed = self.reports.send_if_modified(|report| {
            let news: Vec<_> = touched
                .iter()
                .map(|name| (name, status(name)))
                .filter(|(name, status)| report.is_news(name, status.as_ref()))
                .collect();
            if news.is_empty() && report.agent == self.info && report.account_order == *order {
                return false;
            }
            let report = Arc::make_mut(report);
            report.agent.clone_from(&self.info);
            report.account_order.clone_from(order);
            report.accounts.reserve_exact(self.accounts.len().saturating_sub(report.accounts.len()));
            news.into_iter().for_each(|(name, status)| report.put(name, status));
            true
        });
        if let (true, Some(tray)) = (changed, &self.tray) {
            tray.refresh();
        }
    }
}
