//! The state of every account, and the ways to the world.

use std::future::Future;
use std::sync::Arc;

use evertoken_core::account::AccountId;
use evertoken_core::account::approval::AccessLog;
use evertoken_core::api::status::{AgentInfo, StatusReport};
use evertoken_core::config::Configuration;
use evertoken_core::config::paths::Paths;
use evertoken_core::login::policy::{Jitter, Policy};
use evertoken_core::login::session::StepInput;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::finished::{Finished, JobResult};
use super::log_ins::LogIns;
use super::managed_accounts::ManagedAccounts;
use super::openings::Openings;
use super::reading::Reading;
use super::token_files::TokenFiles;
use super::tray_answers::TrayAnswers;
use super::wakeups::Wakeups;
use crate::desktop::clipboard::Clipboard;
use crate::desktop::notifications::Notifier;
use crate::desktop::tray::Tray;
use crate::rotation::Rotations;
use crate::store::config_file::ConfigurationFile;
use crate::store::keychain::Keychain;
use crate::system::clock::Clock;

/// The state, and the ways to the world.
pub(crate) struct Agent {
    pub(super) configuration: Configuration,
    pub(super) file: ConfigurationFile,
    pub(super) reading: Reading,
    pub(super) paths: Paths,
    pub(super) keychain: Keychain,
    pub(super) policy: Policy,
    pub(super) accounts: ManagedAccounts,
    pub(super) wakeups: Wakeups,
    pub(super) openings: Openings,
    pub(super) running_jobs: usize,
    /// While they are ending, nothing new is begun.
    pub(super) rotations: Rotations,
    /// Is told when no job runs.
    pub(super) waits_for_idle: Option<oneshot::Sender<bool>>,
    /// The agent before this one has left its token files to it.
    pub(super) is_successor: bool,
    pub(super) clock: Clock,
    pub(super) info: AgentInfo,
    pub(super) reports: watch::Sender<Arc<StatusReport>>,
    pub(super) finished: mpsc::UnboundedSender<Finished>,
    pub(super) clipboard: Arc<tokio::sync::Mutex<Clipboard>>,
    pub(super) accesses: AccessLog,
    pub(super) token_files: TokenFiles,
    pub(super) log_ins: LogIns,
    /// `None`: what it showed is taken away.
    pub(super) notifier: Option<Notifier>,
    /// Ends when everything is taken away.
    pub(super) notifications: JoinHandle<()>,
    pub(super) tray: Option<Tray>,
    pub(super) answers: TrayAnswers,
}

impl Agent {
    /// Runs a job to its end, whoever goes away.
    pub(super) fn start(&mut self, id: &AccountId, job: impl Future<Output = Option<JobResult>> + Send + 'static) {
        let (account, finished) = (Some(id.clone()), self.finished.clone());
        self.running_jobs += 1;
        tokio::spawn(async move {
            let result = job.await.map(Box::new);
            let _ = finished.send(Finished { account, last: true, result });
        });
    }

    /// Is nothing half done?
    pub(super) fn is_idle(&self) -> bool {
        self.running_jobs == 0 && !self.token_files.is_busy()
    }

    pub(super) fn moment(&self) -> StepInput {
        StepInput { now: self.clock.now(), chance: Jitter::from_bits(random_bits()) }
    }
}

/// Without the system's randomness everything still works, less well spread.
pub(super) fn random_bits() -> u64 {
    getrandom::u64().unwrap_or(1 << 63)
}
