//! The one owner of every account's state. Clients and inputs have a turn each with it; everyone else watches its reports.

mod access;
mod account;
mod accounts;
mod agent;
mod answer;
mod calls;
mod configuration;
mod desktop;
mod effects;
mod finish;
mod finished;
mod history;
mod hooks;
mod inputs;
mod jobs;
mod keep_token_files;
mod log_in;
mod log_ins;
mod log_ins_in_file;
mod logout;
mod managed_accounts;
mod openings;
mod reading;
mod registry;
mod status;
mod token_files;
mod tray_answers;
mod turns;
mod wakeups;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use evertoken_core::account::AccountName;
use evertoken_core::account::approval::AccessLog;
use evertoken_core::api::status::{AgentInfo, StatusReport};
use evertoken_core::config::Configuration;
use evertoken_core::config::paths::Paths;
use evertoken_core::login::notice::Notice;
use evertoken_core::login::policy::Policy;
use evertoken_core::login::session::Event;
use evertoken_core::present::tray::{Action, Answer};
use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tracing::{debug, info};

pub(crate) use self::agent::Agent;
use self::finished::Finished;
use self::inputs::Input;
pub(crate) use self::inputs::{Inputs, Stage};
use self::log_ins::LogIns;
use self::managed_accounts::ManagedAccounts;
use self::openings::Openings;
use self::reading::Reading;
use self::token_files::TokenFiles;
use self::tray_answers::TrayAnswers;
use self::turns::Next;
pub(crate) use self::turns::{Ended, Owner};
use self::wakeups::Wakeups;
use crate::desktop::clipboard::Clipboard;
use crate::desktop::notifications::Notifier;
use crate::desktop::tray::Tray;
use crate::rotation::Rotations;
use crate::store::config_file::ConfigurationFile;
use crate::store::keychain::Keychain;
use crate::store::token_file::TokenFileStore;
use crate::system::clock::{Clock, Wake};
use crate::system::power_and_network::SystemSignal;
use crate::system::process_signals::{ProcessSignal, ProcessSignals};
use crate::system::service_manager;

/// What the agent is made of.
pub(crate) struct Parts {
    pub(crate) configuration: Configuration,
    pub(crate) file: ConfigurationFile,
    pub(crate) paths: Paths,
    pub(crate) keychain: Keychain,
    pub(crate) info: AgentInfo,
    pub(crate) reports: watch::Sender<Arc<StatusReport>>,
    pub(crate) answers: watch::Sender<Option<Answer>>,
    pub(crate) finished: mpsc::UnboundedSender<Finished>,
    pub(crate) notifier: Notifier,
    pub(crate) notifications: JoinHandle<()>,
    pub(crate) tray: Option<Tray>,
    /// The agent before this one has left its token files to it.
    pub(crate) is_successor: bool,
}

impl Agent {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            configuration,
            file,
            paths,
            keychain,
            info,
            reports,
            answers,
            finished,
            notifier,
            notifications,
            tray,
            is_successor,
        } = parts;
        let token_files = TokenFiles::new(TokenFileStore::new(paths.token_files()));
        let mut agent = Self {
            policy: Policy::with(configuration.settings.refresh),
            configuration: Configuration { settings: configuration.settings.clone(), ..Configuration::default() },
            file,
            reading: Reading::default(),
            paths,
            keychain,
            accounts: ManagedAccounts::default(),
            wakeups: Wakeups::default(),
            openings: Openings::default(),
            running_jobs: 0,
            rotations: Rotations::default(),
            waits_for_idle: None,
            is_successor,
            clock: Clock::new(),
            info,
            reports,
            finished,
            clipboard: Arc::new(tokio::sync::Mutex::new(Clipboard::new())),
            accesses: AccessLog::default(),
            token_files,
            log_ins: LogIns::default(),
            notifier: Some(notifier),
            notifications,
            tray,
            answers: TrayAnswers::new(answers),
        };
        agent.adopt(configuration);
        agent.look_for_unfinished_log_ins();
        // Those of accounts that are gone, too.
        agent.keep_token_files();
        agent.follow_changes();
        agent
    }

    /// A turn: the clock is looked at first, and what has changed is followed afterwards.
    fn turn(&mut self, act: impl FnOnce(&mut Self) -> Next) -> Next {
        self.notice_clock_jump();
        let next = act(self);
        if next == Next::GoOn {
            self.follow_changes();
            self.say_if_idle();
        }
        next
    }

    /// Takes over what has come in.
    fn take(&mut self, input: Input) -> Next {
        match input {
            Input::Finished(finished) => self.job_finished(finished),
            Input::Tray(Action::Quit) => {
                self.say_goodbye();
                return Next::Quit;
            }
            Input::Tray(action) => self.tray_action(action),
            Input::Notifier(event) => self.notifier_event(event),
            Input::System(signal) => self.system_signal(signal),
            Input::KeychainReturned => self.keychain_returned(),
            Input::ConfigurationWritten => self.read_configuration(),
            Input::Process(ProcessSignal::Quit) => return Next::Quit,
            Input::Process(ProcessSignal::Reload) => self.reload(),
            Input::Stage(Stage::SayWhenIdle(waiting)) => self.waits_for_idle = Some(waiting),
            Input::Stage(Stage::LeaveIfIdle(reply)) => {
                let is_idle = self.is_idle();
                if reply.send(is_idle).is_ok() && is_idle {
                    return Next::Leave;
                }
            }
            Input::Woken(Wake::Elapsed) => self.timeout_elapsed(),
            Input::Woken(Wake::ClockSet) => debug!("the clock was set"),
        }
        Next::GoOn
    }

    /// Ends once no rotation is half done.
    async fn end(mut self, next: Next, inputs: &mut Inputs) -> Ended {
        info!("ending");
        if self.info.quitting {
            // One thread: the report is written once this task has let the others go on.
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        }
        self.clipboard.lock().await.clear_now().await;
        if next == Next::Leave {
            self.take_notifications_away().await;
            // Who told it to end meanwhile means it.
            if !is_told_to_quit(&mut inputs.process) {
                return Ended::ForTheNext;
            }
        }
        service_manager::ending();
        self.rotations.end();
        self.log_ins.end();
        self.keep_token_files();
        self.finish_jobs(inputs).await;
        self.finish_token_files(&mut inputs.finished).await;
        self.take_notifications_away().await;
        Ended::ForGood
    }

    /// A notification that nobody answers any more does not stay.
    async fn take_notifications_away(&mut self) {
        /// A notification daemon takes its notifications away within milliseconds.
        const WITHIN: Duration = Duration::from_secs(1);
        drop(self.notifier.take());
        let _ = tokio::time::timeout(WITHIN, &mut self.notifications).await;
    }

    fn say_if_idle(&mut self) {
        if self.waits_for_idle.is_some()
            && self.is_idle()
            && let Some(waiting) = self.waits_for_idle.take()
        {
            let _ = waiting.send(true);
        }
    }

    /// Whoever follows hears that a person meant it. The window then closes, instead of waiting for another agent.
    fn say_goodbye(&mut self) {
        self.info.quitting = true;
        self.publish(&BTreeSet::new());
    }

    fn timeout_elapsed(&mut self) {
        for name in self.wakeups.due(self.clock.now()) {
            self.step(&name, Event::TimeoutElapsed);
        }
    }

    /// Lengths of time stay what they were when somebody sets the clock.
    fn notice_clock_jump(&mut self) {
        if let Some(by) = self.clock.jump() {
            info!(seconds = by.as_secs(), "the clock was set");
            self.step_all(&Event::ClockSet { by });
            self.write_times();
        }
    }

    /// What the keychain says about the access tokens follows the clock.
    fn write_times(&mut self) {
        let names: Vec<AccountName> = self.accounts.keys().cloned().collect();
        for name in names {
            let Some((managed, context)) = self.accounts.get(&name).zip(self.context(&name)) else { continue };
            let (session, token) = (&managed.session, managed.access_token.clone());
            if let (Some(info), Some(times), Some(token)) = (session.refresh_token(), session.access_token(), token) {
                let id = managed.id.clone();
                self.start(&id, jobs::write_times(context, info.generation, times.clone(), token));
            }
        }
    }

    fn system_signal(&mut self, signal: SystemSignal) {
        debug!(?signal, "the system says");
        self.step_all(&Event::ConnectivityReturned);
        // A clock that stood still may have passed a deadline.
        self.step_all(&Event::TimeoutElapsed);
        match signal {
            SystemSignal::Resumed { since: Some(since) } => self.note_sleep(since),
            SystemSignal::Resumed { since: None } | SystemSignal::NetworkReturned => {}
        }
    }

    fn keychain_returned(&mut self) {
        self.accounts.values().for_each(|managed| managed.retry_store.notify_one());
        self.step_all(&Event::KeychainReturned);
    }

    fn step_all(&mut self, event: &Event) {
        let names: Vec<AccountName> = self.accounts.keys().cloned().collect();
        names.iter().for_each(|name| self.step(name, event.clone()));
    }

    /// A token that was asked for and not stored yet must not be lost because somebody quits. When the keychain does not take
    /// it, a person is told that quitting loses it, and has to quit once more.
    async fn finish_jobs(&mut self, inputs: &mut Inputs) {
        /// A rotation takes at most 30 s; ten more for a keychain that is slow to take the token.
        const LONGEST_GOODBYE: Duration = Duration::from_secs(40);
        let patience = tokio::time::sleep(LONGEST_GOODBYE);
        tokio::pin!(patience);
        let mut is_told = false;
        while self.running_jobs > 0 {
            tokio::select! {
                Some(finished) = inputs.finished.recv() => self.job_finished(finished),
                Some(()) = inputs.keychain.recv() => self.keychain_returned(),
                Some(event) = inputs.notifier.recv() => self.notifier_event(event),
                signal = inputs.process.next(), if is_told => match signal {
                    ProcessSignal::Quit => return tracing::error!("ended before the keychain took the new login"),
                    ProcessSignal::Reload => self.keychain_returned(),
                },
                () = &mut patience, if !is_told => {
                    let unstored = self.rotations.unstored();
                    if unstored.is_empty() {
                        return tracing::error!("a rotation could not be finished: the next start tries once more");
                    }
                    is_told = true;
                    // What came before could not mean it.
                    is_told_to_quit(&mut inputs.process);
                    for name in unstored {
                        tracing::error!(
                            account = %name,
                            "the new login is only in memory: unlock the keychain; a second signal ends the agent and loses it"
                        );
                        self.notify(&name, Notice::KeychainRefused);
                    }
                }
            }
        }
    }
}

/// Takes every signal that has come.
fn is_told_to_quit(process: &mut ProcessSignals) -> bool {
    let signals = std::iter::from_fn(|| process.next().now_or_never());
    signals.filter(|signal| matches!(signal, ProcessSignal::Quit)).count() > 0
}
