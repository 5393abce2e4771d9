//! macOS and Windows: not watched yet. The agent reads `config.toml` when it starts, and before each change of its own.

use std::io;
use std::path::Path;

use tokio::sync::mpsc;

#[expect(clippy::unused_async, reason = "the signature that Linux needs")]
pub(super) async fn watch(_file: &Path, _sender: &mpsc::UnboundedSender<()>) -> io::Result<()> {
    Ok(())
}
