//! What an agent that died without a word left on the screen: its successor replaces it, instead of showing it twice.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zbus::Connection;

use super::super::Key;
use super::daemon::NOTIFICATIONS;
use crate::system::files::open_private;
use crate::system::power_and_network::bus;

/// The daemon's ids, in a file that does not outlive the person's session.
#[derive(Debug)]
pub(super) struct LeftBehind {
    file: PathBuf,
    shown: Shown,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Shown {
    /// The bus, and the daemon on it: another one knows nothing of these ids.
    by: String,
    ids: Vec<(Key, u32)>,
}

impl LeftBehind {
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file, shown: Shown::default() }
    }

    /// What the daemon that runs now still has of ours.
    pub(super) async fn read(&mut self, session_bus: &Connection) -> BTreeMap<Key, u32> {
        let owner = bus::call(session_bus, "GetNameOwner", &NOTIFICATIONS).await;
        let owner = owner.and_then(|answer| answer.body().deserialize::<String>()).unwrap_or_default();
        let by = format!("{}/{owner}", session_bus.server_guid());
        let left = fs::read(&self.file).ok().and_then(|bytes| serde_json::from_slice::<Shown>(&bytes).ok());
        self.shown = Shown { by, ids: Vec::new() };
        left.filter(|left| left.by == self.shown.by).map(|left| left.ids.into_iter().collect()).unwrap_or_default()
    }

    /// Keeps what is on the screen now. Without the file a notification may be there twice after a crash.
    pub(super) fn keep(&mut self, ids: Vec<(Key, u32)>) {
        if self.shown.ids == ids {
            return;
        }
        self.shown.ids = ids;
        let bytes = serde_json::to_vec(&self.shown).unwrap_or_default();
        let file = open_private(&self.file, OpenOptions::new().write(true).create(true).truncate(true));
        if let Err(error) = file.and_then(|mut file| file.write_all(&bytes)) {
            tracing::debug!(%error, "what is on the screen is not kept");
        }
    }
}
