//! What everybody who watches is told.

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
            ..managed.session.status(name, server, is_default, self.clock.now())
        }
    }

    /// Tells everybody who watches, if there is anything new to tell.
    pub(super) fn publish(&mut self) {
        self.keep_token_files();
        let report = self.report();
        let changed = self.reports.send_if_modified(|last| {
            let changed = without_countdown(last) != without_countdown(&report);
            if changed {
                *last = Arc::new(report.clone());
            }
            changed
        });
        if let (true, Some(tray)) = (changed, &self.tray) {
            tray.refresh();
        }
    }
}

/// Seconds that count down are not news.
fn without_countdown(report: &StatusReport) -> StatusReport {
    let mut report = report.clone();
    for token in report.accounts.iter_mut().filter_map(|account| account.access_token.as_mut()) {
        token.expires_in = 0;
    }
    report
}
