//! A real KeePassXC as the Secret Service, with a database of its own.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::timeout;

use super::Desktop;
use super::deadline::eventually;
use super::process::{Outcome, Process};
use super::secret_service::SecretService;

const PASSWORD: &str = "not a secret";

/// The root group is what other programs may see; the same id in Base64 and as a UUID.
const DATABASE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<KeePassFile>
  <Meta>
    <CustomData><Item>
      <Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{00000000-0000-4000-8000-000000000001}</Value>
    </Item></CustomData>
  </Meta>
  <Root><Group><UUID>AAAAAAAAQACAAAAAAAAAAQ==</UUID><Name>Root</Name></Group></Root>
</KeePassFile>
"#;

/// Programs are let in without a question to a person. The window stays hidden: KeePassXC 2.7.10 that shows its window
/// while it opens a database dies of a segmentation fault in most starts (Qt's `showChildren`).
const SETTINGS: &str = "\
[General]
ConfigVersion=2
UpdateCheckMessageShown=true
[GUI]
CheckForUpdates=false
MinimizeOnStartup=true
MinimizeToTray=true
ShowTrayIcon=true
[FdoSecrets]
Enabled=true
ShowNotification=false
ConfirmAccessItem=false
ConfirmDeleteItem=false
";

/// On a busy machine KeePassXC now and then overlooks the password on its standard input, and waits for a person.
const OPEN_WITHIN: Duration = Duration::from_secs(12);
const TRIES: usize = 3;

/// What a write set going has been saved when the file has rested for so long.
const SAVED_AFTER: Duration = Duration::from_secs(2);

/// A running KeePassXC. Killed when it goes.
pub(crate) struct KeePassXc {
    process: Process,
    database: PathBuf,
}

impl KeePassXc {
    /// Starts it on the desktop's screen and unlocks its database; makes one the first time.
    pub(crate) async fn start(desktop: &Desktop) -> Self {
        let place = |name: &str| desktop.environment.path(format!("data/{name}"));
        let (database, settings) = (place("logins.kdbx"), place("keepassxc.ini"));
        if !database.exists() {
            fs::write(place("logins.xml"), DATABASE).unwrap();
            let mut import = desktop.environment.command("keepassxc-cli");
            import.args(["import", "--set-password", "--quiet"]).arg(place("logins.xml")).arg(&database);
            Outcome::of(import, format!("{PASSWORD}\n{PASSWORD}\n").as_bytes()).await.succeeded();
        }
        fs::write(&settings, SETTINGS).unwrap();
        for _ in 0..TRIES {
            let mut command = desktop.environment.command("keepassxc");
            command.arg("--config").arg(&settings).arg("--localconfig").arg(place("keepassxc-here.ini"));
            // One instance for each folder of temporary files.
            command.arg("--pw-stdin").arg(&database).env("TMPDIR", desktop.environment.path("run"));
            let process = Process::spawn_with_input(&mut command, format!("{PASSWORD}\n").as_bytes());
            let is_open = async { SecretService::on(&desktop.bus).await.is_open().await };
            if timeout(OPEN_WITHIN, is_open).await.is_ok() {
                return Self { process, database };
            }
        }
        panic!("KeePassXC does not open its database");
    }

    /// Dies without a word, as in a crash; not while it saves, because whether its file survives that is not on trial.
    pub(crate) async fn kill(mut self) {
        eventually("the database is saved", async || {
            let saved = fs::metadata(&self.database).ok()?.modified().ok()?;
            saved.elapsed().is_ok_and(|since| since > SAVED_AFTER).then_some(())
        })
        .await;
        self.process.kill();
    }
}
