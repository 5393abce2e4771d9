//! The clipboard as another program sees it.

use super::Desktop;
use super::deadline::eventually;
use super::process::{Outcome, Process};

/// Reads and takes the clipboard with `xclip`.
pub(crate) struct Clipboard<'a> {
    desktop: &'a Desktop,
}

impl<'a> Clipboard<'a> {
    pub(crate) fn of(desktop: &'a Desktop) -> Self {
        Self { desktop }
    }

    /// The text; empty when there is none.
    pub(crate) async fn text(&self) -> String {
        if self.desktop.is_sway() {
            let mut command = self.desktop.environment.command("wl-paste");
            command.arg("--no-newline");
            return Outcome::of(command, b"").await.stdout;
        }
        self.xclip(&["-o"]).await
    }

    /// The formats the owner offers.
    pub(crate) async fn targets(&self) -> Vec<String> {
        let targets = self.xclip(&["-o", "-t", "TARGETS"]).await;
        targets.lines().map(str::to_owned).collect()
    }

    /// The content in one format.
    pub(crate) async fn content(&self, target: &str) -> String {
        self.xclip(&["-o", "-t", target]).await
    }

    /// Waits until the text fits.
    pub(crate) async fn until(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        eventually(what, async || {
            let text = self.text().await;
            fits(&text).then_some(text)
        })
        .await
    }

    /// Another program copies something.
    pub(crate) async fn take(&self, text: &str) -> Process {
        let mut command = self.desktop.environment.command("xclip");
        command.args(["-selection", "clipboard", "-i", "-quiet"]);
        let owner = Process::spawn_with_input(&mut command, text.as_bytes());
        self.until("another program owns the clipboard", |seen| seen == text).await;
        owner
    }

    async fn xclip(&self, arguments: &[&str]) -> String {
        let mut command = self.desktop.environment.command("timeout");
        command.args(["5", "xclip", "-selection", "clipboard"]).args(arguments);
        Outcome::of(command, b"").await.stdout
    }
}
