//! The notification daemon of the session bus, which may be absent, come later, or be replaced by another.

mod daemon;
mod shown;

use std::collections::BTreeMap;
use std::time::Duration;

use evertoken_core::present::notification::Notification;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use zbus::{Connection, MessageStream};

use super::{Command, Key, NotifierEvent};
use crate::system::power_and_network::bus;
use daemon::{NOTIFICATIONS, ends, reported_end, start_daemon};
use shown::{Ended, Retired, Shown};

/// First pause after a daemon that did not show a notification.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// What should be on the screen.
#[derive(Debug)]
struct Outstanding {
    notification: Notification,
    shown: Option<Shown>,
    /// Is `notification` what the daemon shows?
    up_to_date: bool,
}

struct Notifications {
    commands: mpsc::UnboundedReceiver<Command>,
    sender: mpsc::UnboundedSender<NotifierEvent>,
    outstanding: BTreeMap<Key, Outstanding>,
    retired: Retired,
    ended: mpsc::UnboundedSender<Ended>,
    ends: mpsc::UnboundedReceiver<Ended>,
}

/// Nobody will ask for notifications any more.
struct Over;

pub(super) async fn run(commands: mpsc::UnboundedReceiver<Command>, sender: mpsc::UnboundedSender<NotifierEvent>) {
    let (ended, ends) = mpsc::unbounded_channel();
    let outstanding = BTreeMap::new();
    let mut notifications = Notifications { commands, sender, outstanding, retired: Retired::default(), ended, ends };
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
        self.forget_shown();
        loop {
            signals = match signals.take() {
                _ if self.outstanding.is_empty() => None,
                Some(signals) => Some(signals),
                // Before anything is shown, so that no click is too early.
                None => Some(ends(session_bus).await?),
            };
            if is_running {
                self.bring_up_to_date().await;
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
                }
                Some(message) = next(&mut signals) => {
                    if let Ok(message) = message && let Some(ended) = reported_end(&message) {
                        self.conclude(ended);
                    }
                }
                Some(ended) = self.ends.recv() => self.conclude(ended),
                () = tokio::time::sleep(pause), if is_running && is_pending => {
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
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
                match self.outstanding.get_mut(&key) {
                    Some(outstanding) if outstanding.notification == notification => {}
                    Some(outstanding) => {
                        outstanding.notification = notification;
                        outstanding.up_to_date = false;
                    }
                    None => {
                        let outstanding = Outstanding { notification, shown: None, up_to_date: false };
                        self.outstanding.insert(key, outstanding);
                    }
                }
            }
            Command::Withdraw(key) => {
                if let Some(Outstanding { shown: Some(shown), .. }) = self.outstanding.remove(&key) {
                    shown.close().await;
                    self.retire(shown);
                }
            }
        }
        if self.sender.is_closed() { Err(Over) } else { Ok(()) }
    }

    async fn bring_up_to_date(&mut self) {
        for ((account, kind), outstanding) in &mut self.outstanding {
            if outstanding.up_to_date {
                continue;
            }
            match Shown::show(&outstanding.notification, outstanding.shown.as_ref(), &self.ended).await {
                Ok(shown) => {
                    outstanding.up_to_date = true;
                    if let Some(before) = outstanding.shown.replace(shown) {
                        self.retired.keep(before);
                    }
                    let shown = NotifierEvent::Shown { account: account.clone(), kind: *kind };
                    let _ending = self.sender.send(shown);
                }
                Err(error) => tracing::warn!(%error, %account, ?kind, "a notification could not be shown"),
            }
        }
    }

    /// The daemon is another one, or gone, and what it showed with it.
    fn forget_shown(&mut self) {
        for outstanding in self.outstanding.values_mut() {
            outstanding.shown = None;
            outstanding.up_to_date = false;
        }
        self.retired.drop_all();
    }

    fn conclude(&mut self, ended: Ended) {
        let is_it = |outstanding: &Outstanding| outstanding.shown.as_ref().is_some_and(|shown| shown.id() == ended.id);
        let Some(key) = self.outstanding.iter().find(|(_, outstanding)| is_it(outstanding)).map(|(key, _)| key.clone())
        else {
            // Somebody else's, withdrawn, or heard of before.
            return;
        };
        let Some(Outstanding { notification, shown, .. }) = self.outstanding.remove(&key) else { return };
        if let Some(shown) = shown {
            self.retire(shown);
        }
        let _ending = self.sender.send(ended.end.event(notification));
    }

    fn retire(&mut self, shown: Shown) {
        self.retired.keep(shown);
        if self.outstanding.is_empty() {
            self.retired.drop_all();
        }
    }

    async fn take_all_away(self) {
        for shown in self.outstanding.into_values().filter_map(|outstanding| outstanding.shown) {
            shown.close().await;
        }
    }
}

async fn next(signals: &mut Option<MessageStream>) -> Option<zbus::Result<zbus::Message>> {
    match signals {
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}
