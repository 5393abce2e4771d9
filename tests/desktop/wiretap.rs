//! Everything that goes over the session bus, as `dbus-monitor` sees it.

use std::fs::{self, File};
use std::path::PathBuf;

use super::Desktop;
use super::deadline::eventually;
use super::process::Process;

/// Records the raw messages of all programs from the moment it was made.
pub(crate) struct Wiretap {
    record: PathBuf,
    _monitor: Process,
}

impl Wiretap {
    pub(crate) async fn begin(desktop: &Desktop) -> Self {
        let record = desktop.environment.path("wiretap");
        let mut command = desktop.environment.command("dbus-monitor");
        command.args(["--address", desktop.bus.address(), "--binary"]).stdout(File::create(&record).unwrap());
        let wiretap = Self { record, _monitor: Process::spawn(&mut command) };
        wiretap.has_heard(desktop).await;
        wiretap
    }

    /// Everything up to now.
    pub(crate) async fn record(&self, desktop: &Desktop) -> Vec<u8> {
        // The monitor hears messages in their order: with this one it has heard all before it.
        self.has_heard(desktop).await;
        fs::read(&self.record).unwrap()
    }

    async fn has_heard(&self, desktop: &Desktop) {
        let mark = format!("evertoken.mark.m{}", super::effort::random_bits());
        eventually("the wiretap hears the bus", async || {
            desktop.bus.has_owner(&mark).await;
            let bytes = fs::read(&self.record).unwrap();
            bytes.windows(mark.len()).any(|window| window == mark.as_bytes()).then_some(())
        })
        .await;
    }
}
