//! Opens an address in the person's browser.

#[cfg(not(any(target_os = "macos", windows)))]
mod freedesktop;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

#[cfg(not(any(target_os = "macos", windows)))]
use freedesktop as platform;
#[cfg(target_os = "macos")]
use macos as platform;
#[cfg(windows)]
use windows as platform;

use std::process::Stdio;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::warn;

use crate::system::children::keep_variables_from;

/// A program starts at once, unless its disk hangs. A person waits for the address.
const STARTS_WITHIN: Duration = Duration::from_secs(5);

/// Was a program started that opens it? Whether it then finds a browser, it tells nobody.
pub(crate) async fn open(url: &str) -> bool {
    let Some(mut command) = platform::opener(url) else { return false };
    keep_variables_from(&mut command);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let (started, is_started) = oneshot::channel();
    std::thread::spawn(move || match command.spawn() {
        Ok(mut opener) => {
            let _ = started.send(());
            // Its end is waited for, so that it leaves no zombie.
            let _ = opener.wait();
        }
        Err(error) => warn!("no browser can be opened: {error}"),
    });
    timeout(STARTS_WITHIN, is_started).await.is_ok_and(|started| started.is_ok())
}
