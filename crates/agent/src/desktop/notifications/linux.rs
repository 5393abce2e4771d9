//! The notification daemon of the session bus, which may be absent, come later, or be replaced by another.

mod daemon;
mod left_behind;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use evertoken_core::present::notification::{Abilities, Notification};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use zbus::{Connection, MessageStream};

use super::{Command, Key, NotifierEvent};
use crate::system::power_and_network::bus;
use daemon::{Ended, NOTIFICATIONS, ends, reported_end, start_daemon};
use left_behind::LeftBehind;

/// First pause after a daemon that did not show a notification.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);
/// An answer that could not be shown for this long is none any more.
const LATEST_ANSWER: Duration = Duration::from_secs(5);

/// What should be on the screen.
#[derive(Debug)]
struct Outstanding {
    notification: Notification,
    /// The daemon's id of it.
    shown: Option<u32>,
    /// Is `notification` what the daemon shows?
    up_to_date: bool,
    /// Does only its text follow the time?
    quietly: bool,
    asked_at: Instant,
}

struct Notifications {
    commands: mpsc::UnboundedReceiver<Command>,
    sender: mpsc::UnboundedSender<NotifierEvent>,
    outstanding: BTreeMap<Key, Outstanding>,
    abilities: Abilities,
    /// Where what is shown was shown.
    session_bus: Option<Connection>,
    left_behind: LeftBehind,
    /// What an agent before this one left on the screen.
    inherited: BTreeMap<Key, u32>,
}

/// Nobody will ask for notifications any more.
struct Over;

pub(super) async fn run(
    commands: mpsc::UnboundedReceiver<Command>,
    sender: mpsc::UnboundedSender<NotifierEvent>,
    left_behind: PathBuf,
) {
    let abilities = Abilities { actions: true, markup: false };
    let outstanding = BTreeMap::new();
    let mut notifications = Notifications {
        commands,
        sender,
        outstanding,
        abilities,
        session_bus: None,
        left_behind: LeftBehind::new(left_behind),
        inherited: BTreeMap::new(),
    };
    loop {
        let over = tokio::select! {
            command = notifications.commands.recv() => match command {
                Some(command) => notifications.note(command).await,
                None => Err(Over),
            },
            session_bus = bus::session() => match notifications.serve(&session_bus).await {
                Ok(over) => over,
                Err(error) => {
                    tracing::warn!(%error, "notifications cannot be shown on this bus");
                    notifications.without_bus(&session_bus).await
                }
            },
        };
        if over.is_err() {
            return notifications.take_all_away().await;
        }
    }
}

impl Notifications {
    /// Shows what is outstanding until the bus is gone.
    async fn serve(&mut self, session_bus: &Connection) -> zbus::Result<Result<(), Over>> {
        let mut owners = bus::owner_changes(session_bus, NOTIFICATIONS).await?;
        let mut is_running = bus::has_owner(session_bus, NOTIFICATIONS).await?;
        let mut signals: Option<MessageStream> = None;
        let mut pause = FIRST_PAUSE;
        self.session_bus = Some(session_bus.clone());
        self.forget_shown();
        if is_running {
            self.meet(session_bus).await;
        }
        loop {
            signals = match signals.take() {
                _ if self.outstanding.is_empty() => None,
                Some(signals) => Some(signals),
                // Before anything is shown, so that no click is too early.
                None => Some(ends(session_bus).await?),
            };
            if is_running {
                self.bring_up_to_date(session_bus).await;
                let shown = self.outstanding.iter().filter_map(|(key, one)| Some((key.clone(), one.shown?)));
                self.left_behind.keep(shown.collect());
            }
            let is_pending = self.outstanding.values().any(|outstanding| !outstanding.up_to_date);
            if !is_pending {
                pause = FIRST_PAUSE;
            }
            tokio::select! {
                command = self.commands.recv() => {
                    let Some(command) = command else { return Ok(Err(Over)) };
                    if !is_running && matches!(command, Command::Show(_)) {
                        start_daemon(session_bus);
                    }
                    if self.note(command).await.is_err() {
                        return Ok(Err(Over));
                    }
                }
                message = owners.next() => {
                    let Some(Ok(message)) = message else { return Ok(Ok(())) };
                    is_running = bus::has_new_owner(&message);
                    pause = FIRST_PAUSE;
                    self.forget_shown();
                    if is_running {
                        self.meet(session_bus).await;
                    }
                }
                Some(message) = next(&mut signals) => {
                    if let Ok(message) = message && let Some(ended) = reported_end(&message) {
                        self.conclude(session_bus, ended).await;
                    }
                }
                () = tokio::time::sleep(pause), if is_running && is_pending => {
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// A daemon that was not known before.
    async fn meet(&mut self, session_bus: &Connection) {
        self.abilities = daemon::abilities(session_bus).await;
        self.inherited = self.left_behind.read(session_bus).await;
    }

    /// Takes note of what is wanted until the bus is another one.
    async fn without_bus(&mut self, session_bus: &Connection) -> Result<(), Over> {
        loop {
            tokio::select! {
                () = session_bus.closed() => return Ok(()),
                command = self.commands.recv() => self.note(command.ok_or(Over)?).await?,
            }
        }
    }

    async fn note(&mut self, command: Command) -> Result<(), Over> {
        match command {
            Command::Show(notification) => {
                let key = (notification.account.clone(), notification.kind);
                let asked_at = Instant::now();
                match self.outstanding.get_mut(&key) {
                    Some(outstanding) if outstanding.notification == notification => {}
                    Some(outstanding) => {
                        let shown = outstanding.shown;
                        *outstanding = Outstanding { notification, shown, up_to_date: false, quietly: false, asked_at };
                    }
                    None => {
                        let new =
                            Outstanding { notification, shown: None, up_to_date: false, quietly: false, asked_at };
                        self.outstanding.insert(key, new);
                    }
                }
            }
            Command::Update(notification) => {
                let key = (notification.account.clone(), notification.kind);
                if let Some(outstanding) = self.outstanding.get_mut(&key)
                    && outstanding.notification != notification
                {
                    outstanding.quietly = outstanding.shown.is_some();
                    outstanding.notification = notification;
                    outstanding.up_to_date = false;
                }
            }
            Command::Withdraw(key) => {
                let shown = self.outstanding.remove(&key).and_then(|outstanding| outstanding.shown);
                let shown = shown.or_else(|| self.inherited.remove(&key));
                if let (Some(id), Some(session_bus)) = (shown, &self.session_bus) {
                    daemon::close(session_bus, id).await;
                }
            }
        }
        if self.sender.is_closed() { Err(Over) } else { Ok(()) }
    }

    async fn bring_up_to_date(&mut self, session_bus: &Connection) {
        let is_late =
            |one: &Outstanding| one.notification.kind.is_transient() && one.asked_at.elapsed() > LATEST_ANSWER;
        self.outstanding.retain(|_, one| one.up_to_date || !is_late(one));
        for ((account, kind), outstanding) in &mut self.outstanding {
            if outstanding.up_to_date {
                continue;
            }
            let Outstanding { notification, shown, quietly, .. } = &*outstanding;
            let inherited = self.inherited.remove(&(account.clone(), *kind));
            let quietly = *quietly || inherited.is_some();
            match daemon::show(session_bus, notification, self.abilities, shown.or(inherited), quietly).await {
                Ok(id) => {
                    outstanding.up_to_date = true;
                    outstanding.shown = Some(id);
                    let shown = NotifierEvent::Shown { account: account.clone(), kind: *kind };
                    let _ending = self.sender.send(shown);
                }
                Err(error) => tracing::warn!(%error, %account, ?kind, "a notification could not be shown"),
            }
        }
    }

    /// The daemon is another one, or gone, and what it showed with it.
    fn forget_shown(&mut self) {
        self.outstanding.retain(|_, one| one.shown.is_none() || !one.notification.kind.is_transient());
        for outstanding in self.outstanding.values_mut() {
            outstanding.shown = None;
            outstanding.up_to_date = false;
            outstanding.quietly = false;
        }
    }

    async fn conclude(&mut self, session_bus: &Connection, ended: Ended) {
        let is_it = |outstanding: &Outstanding| outstanding.shown == Some(ended.id);
        let Some(key) = self.outstanding.iter().find(|(_, outstanding)| is_it(outstanding)).map(|(key, _)| key.clone())
        else {
            // Somebody else's, withdrawn, or heard of before.
            return;
        };
        let Some(Outstanding { notification, .. }) = self.outstanding.remove(&key) else { return };
        let _ending = self.sender.send(ended.end.event(notification));
        if ended.end.was_chosen() {
            // Some daemons leave it on the screen.
            daemon::close(session_bus, ended.id).await;
        }
    }

    async fn take_all_away(mut self) {
        self.left_behind.keep(Vec::new());
        let Some(session_bus) = self.session_bus else { return };
        for id in self.outstanding.into_values().filter_map(|outstanding| outstanding.shown) {
            daemon::close(&session_bus, id).await;
        }
    }
}

async fn next(signals: &mut Option<MessageStream>) -> Option<zbus::Result<zbus::Message>> {
    match signals {
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}
