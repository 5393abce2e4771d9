//! What comes in for the owner, beside calls.

use evertoken_core::present::tray::Action;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::finished::Finished;
use crate::desktop::notifications::NotifierEvent;
use crate::system::clock::{Wake, WallClockTimer};
use crate::system::power_and_network::SystemSignal;
use crate::system::process_signals::{ProcessSignal, ProcessSignals};

/// What the owner listens to.
pub(crate) struct Inputs {
    pub(crate) finished: mpsc::UnboundedReceiver<Finished>,
    pub(crate) tray: mpsc::UnboundedReceiver<Action>,
    pub(crate) notifier: mpsc::UnboundedReceiver<NotifierEvent>,
    pub(crate) system: mpsc::UnboundedReceiver<SystemSignal>,
    pub(crate) keychain: mpsc::UnboundedReceiver<()>,
    pub(crate) configuration: mpsc::UnboundedReceiver<()>,
    pub(crate) stages: mpsc::UnboundedReceiver<Stage>,
    pub(crate) process: ProcessSignals,
    pub(crate) timer: WallClockTimer,
}

/// What has come in.
pub(super) enum Input {
    Finished(Finished),
    Tray(Action),
    Notifier(NotifierEvent),
    System(SystemSignal),
    KeychainReturned,
    ConfigurationWritten,
    Process(ProcessSignal),
    Stage(Stage),
    Woken(Wake),
}

/// The stages in which the agent makes room for another one.
pub(crate) enum Stage {
    /// Answer when nothing is half done.
    SayWhenIdle(oneshot::Sender<bool>),
    /// End if nothing is half done, so that the next agent goes on with what there is; answer whether.
    LeaveIfIdle(oneshot::Sender<bool>),
}

impl Inputs {
    pub(super) async fn next(&mut self, deadline: Option<Timestamp>) -> Input {
        tokio::select! {
            Some(finished) = self.finished.recv() => Input::Finished(finished),
            Some(action) = self.tray.recv() => Input::Tray(action),
            Some(event) = self.notifier.recv() => Input::Notifier(event),
            Some(signal) = self.system.recv() => Input::System(signal),
            Some(()) = self.keychain.recv() => Input::KeychainReturned,
            Some(()) = self.configuration.recv() => Input::ConfigurationWritten,
            signal = self.process.next() => Input::Process(signal),
            Some(stage) = self.stages.recv() => Input::Stage(stage),
            wake = self.timer.until(deadline) => Input::Woken(wake),
        }
    }
}
