//! Puts the agent together and runs it.

#[cfg(unix)]
mod background;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;
mod only_agent;
mod room;
mod start_error;

#[cfg(not(target_os = "linux"))]
use elsewhere as platform;
#[cfg(target_os = "linux")]
use linux as platform;

#[cfg(unix)]
pub use background::become_background_agent;
pub use start_error::StartError;

use std::io::{self, Write};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use evertoken_client::environment;
use evertoken_client::environment::wall_clock;
use evertoken_core::account::order::AccountOrder;
use evertoken_core::api::status::{AgentInfo, StatusReport};
use evertoken_core::config::paths::Paths;
use evertoken_core::config::{Keychain as KeychainSetting, Settings};
use evertoken_core::present::tray::{Action, Answer};
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tracing::info;

use self::only_agent::OnlyAgent;
use self::room::Serving;
use crate::desktop::notifications::Notifier;
use crate::desktop::tray::Tray;
use crate::local_api;
use crate::options::{LeftSocket, Options};
use crate::owner::{Agent, Ended, Inputs, Owner, Parts};
use crate::request::OwnerHandle;
use crate::store::config_file::ConfigurationFile;
use crate::store::keychain;
use crate::store::keychain::Keychain;
use crate::store::token_file::TokenFileStore;
use crate::store::token_store::TokenStore;
use crate::system::clock::WallClockTimer;
use crate::system::own_program::OwnProgram;
use crate::system::process_signals::ProcessSignals;
use crate::system::service_manager::{self, Inherited};
use crate::system::{children, file_watch, hardening, logging, power_and_network};

/// Runs the agent until it is told to end.
///
/// # Errors
/// [`StartError`] when it cannot start. Nothing was changed then.
pub fn run(options: Options) -> Result<(), StartError> {
    // First, because it changes the environment: while there is one thread.
    let inherited = Inherited::take(options.left_socket);
    children::keep_files();
    hardening::protect_process();
    logging::start();
    platform::run(options, inherited, Reports::new())
}

/// Would an agent start here? Reads the configuration, and what the keychain has of one account; changes nothing.
///
/// # Errors
/// [`StartError`]: why not.
pub fn check_start() -> Result<(), StartError> {
    hardening::protect_process();
    block_on(async {
        let paths = environment::paths()?;
        let file = ConfigurationFile::new(paths.config_file());
        let configuration = file.read()?;
        if !file.exists() && has_journals(&paths) {
            return Err(io::Error::other("config.toml is missing, but there is state of accounts").into());
        }
        if let Some(id) = configuration.accounts.values().find_map(|account| account.id.clone()) {
            let tokens = TokenStore::new(keychain_of(&configuration.settings, &paths), id);
            tokens.read().await.map_err(|problem| io::Error::other(problem.to_string()))?;
        }
        Ok(())
    })
}

fn has_journals(paths: &Paths) -> bool {
    let files = std::fs::read_dir(&paths.state).into_iter().flatten().flatten();
    files.into_iter().any(|file| file.path().extension() == Some("journal".as_ref()))
}

/// Who started us waits no longer than 30 s. A keychain answers at once, or after this it does not count.
const OPENED_WITHIN: Duration = Duration::from_secs(3);

/// What the agent reports, and to whom. Made first: where the tray owns the main thread, it watches before the agent
/// runs.
struct Reports {
    info: AgentInfo,
    sender: watch::Sender<Arc<StatusReport>>,
    /// What the tray says about the last copy.
    answers: watch::Sender<Option<Answer>>,
}

impl Reports {
    fn new() -> Self {
        let info = AgentInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_at: Timestamp::now(),
            quitting: false,
        };
        let empty = StatusReport { agent: info.clone(), accounts: Vec::new(), account_order: AccountOrder::default() };
        Self { info, sender: watch::channel(Arc::new(empty)).0, answers: watch::channel(None).0 }
    }

    /// What the tray shows.
    fn tray_provider(&self) -> crate::desktop::tray::Provider {
        let (watched, answers) = (self.sender.subscribe(), self.answers.subscribe());
        Arc::new(move || {
            let (report, answer) = (Arc::clone(&watched.borrow()), answers.borrow().clone());
            let (now, wall) = (Timestamp::now(), wall_clock());
            evertoken_core::present::tray::Tray::of(&report.in_order(), answer.as_ref(), now, &wall)
        })
    }
}

/// The tray and what people ask for in it.
struct TrayLink {
    tray: Option<Tray>,
    actions: mpsc::UnboundedReceiver<Action>,
}

/// Runs `agent` to its end on a runtime of its own.
fn block_on(agent: impl Future<Output = Result<(), StartError>>) -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(agent);
    // A thread that waits for a hanging keychain must not keep the process.
    runtime.shutdown_background();
    result
}

async fn serve(options: Options, inherited: Inherited, reports: Reports, tray: TrayLink) -> Result<(), StartError> {
    let paths = environment::paths()?;
    let file = ConfigurationFile::new(paths.config_file());
    let watched_file = paths.config_file();
    let left_behind = paths.socket.with_added_extension("notifications");
    let configuration = file.read()?;
    std::fs::create_dir_all(&paths.state).map_err(|error| StartError::Folder(paths.state.clone(), error))?;
    let _only_agent = OnlyAgent::claim(&paths, &inherited)?;
    // Before anybody can know that this agent runs and tell it to end.
    let process = ProcessSignals::new()?;
    let listener = local_api::bind(&paths.socket, inherited)?;
    let Reports { info, sender: reports, answers } = reports;
    let (watched, followed, opened) = (reports.subscribe(), reports.subscribe(), reports.subscribe());
    info!(version = info.version, socket = %paths.socket.display(), "the agent runs");

    let (finished, finished_in) = mpsc::unbounded_channel();
    let (notifier_out, notifier_in) = mpsc::unbounded_channel();
    let (system_out, system_in) = mpsc::unbounded_channel();
    let (keychain_out, keychain_in) = mpsc::unbounded_channel();
    let (configuration_out, configuration_in) = mpsc::unbounded_channel();
    let (stages, stages_in) = mpsc::unbounded_channel();

    let keychain = keychain_of(&configuration.settings, &paths);
    // A login that is only in memory would be lost with this process.
    let arguments = LeftSocket::without(std::env::args_os().skip(1));
    let program = if keychain.forgets() { None } else { OwnProgram::running(arguments) };
    if keychain.is_of_the_system() {
        tokio::spawn(keychain::watch(keychain_out));
    }
    let inputs = Inputs {
        finished: finished_in,
        tray: tray.actions,
        notifier: notifier_in,
        system: system_in,
        keychain: keychain_in,
        configuration: configuration_in,
        stages: stages_in,
        process,
        timer: WallClockTimer::new()?,
    };
    let token_files = TokenFileStore::new(paths.token_files());
    let (notifier, notifications) = Notifier::start(notifier_out, left_behind);
    let parts = Parts {
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
        tray: tray.tray,
        is_successor: options.left_socket.is_some(),
    };
    let owner = Arc::new(Owner::new(Agent::new(parts)));
    let taking = Arc::clone(&owner);
    let handle = OwnerHandle::new(Arc::new(move |call| taking.take_call(call)), owner.life(), watched);
    let serve = move |listener, opened: Option<watch::Receiver<_>>| {
        let (closing, is_closing) = watch::channel(false);
        let (handle, token_files) = (handle.clone(), token_files.clone());
        let api = tokio::spawn(async move {
            if let Some(opened) = opened {
                until_opened(opened).await;
            }
            local_api::serve(listener, handle, token_files, is_closing).await
        });
        Serving { api, closing }
    };
    // After an upgrade everybody waits in the socket's queue until the tokens are known.
    let mut serving = serve(listener, options.left_socket.map(|_| opened.clone()));
    tokio::spawn(file_watch::watch(watched_file, configuration_out));
    tokio::spawn(power_and_network::watch(system_out));
    service_manager::follow(followed);
    if options.announce_ready {
        tokio::spawn(announce_when_opened(opened));
    }
    let next = {
        let mut making = pin!(room::make(program, stages, &mut serving, |listener| serve(listener, None)));
        // A task of its own is woken without a system call, unlike the runtime's first one.
        let mut running = tokio::spawn(async move { owner.run(inputs).await });
        let (ended, next) = tokio::select! {
            ended = &mut running => (ended, None),
            next = making.as_mut() => (running.await, Some(next)),
        };
        match (ended.map_err(io::Error::from)?, next) {
            (Ended::ForTheNext, Some(next)) => Some(next),
            (Ended::ForTheNext, None) => Some(making.await),
            (Ended::ForGood, _) => None,
        }
    };
    if let Some(next) = next {
        return Err(next.take_over().into());
    }
    if !serving.api.is_finished() {
        serving.api.abort();
        let _ = serving.api.await;
    }
    Ok(())
}

fn keychain_of(settings: &Settings, paths: &Paths) -> Keychain {
    match settings.keychain {
        KeychainSetting::Os => Keychain::os(&service_name()),
        KeychainSetting::Memory => Keychain::memory(),
        KeychainSetting::File => {
            let file = settings.keychain_file.clone();
            let path = file.path.unwrap_or_else(|| paths.keychain_file());
            Keychain::file(&service_name(), path, file.key, std::env::var_os("CREDENTIALS_DIRECTORY"))
        }
    }
}

/// The first command after a start tells how the accounts are, and not that they are being opened.
async fn announce_when_opened(reports: watch::Receiver<Arc<StatusReport>>) {
    until_opened(reports).await;
    announce_ready();
}

async fn until_opened(mut reports: watch::Receiver<Arc<StatusReport>>) {
    let opened = reports.wait_for(|report| report.is_opened());
    let _ = tokio::time::timeout(OPENED_WITHIN, opened).await;
}

/// Who started us waits for this line. Nobody reading it is no reason to end.
fn announce_ready() {
    let mut out = io::stdout().lock();
    let _ = out.write_all(b"ready\n").and_then(|()| out.flush());
}

/// The service name of all our entries. Debug builds keep their hands off the real logins.
fn service_name() -> String {
    const DEFAULT: &str = if cfg!(debug_assertions) { "evertoken-dev" } else { "evertoken" };
    std::env::var("EVERTOKEN_KEYCHAIN_SERVICE")
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| DEFAULT.to_owned())
}
