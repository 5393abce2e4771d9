//! Says when a file was changed or replaced: `config.toml`, and the agent's own program.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
use elsewhere as platform;
#[cfg(target_os = "linux")]
use linux as platform;

use std::path::PathBuf;

use tokio::sync::mpsc;

/// Sends a message for each change of the file. Runs for as long as somebody receives; where the folder cannot be
/// watched it never sends, and `SIGHUP` or a restart does it.
pub(crate) async fn watch(file: PathBuf, sender: mpsc::UnboundedSender<()>) {
    if let Err(error) = platform::watch(&file, &sender).await {
        tracing::warn!(file = %file.display(), "cannot watch this file for changes: {error}");
    }
    sender.closed().await;
}
