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

use tracing::warn;

use crate::system::children::keep_variables_from;

/// Was a program started that opens it? Whether it then finds a browser, it tells nobody.
pub(crate) fn open(url: &str) -> bool {
    let Some(mut command) = platform::opener(url) else { return false };
    keep_variables_from(&mut command);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    match command.spawn() {
        Ok(mut opener) => {
            // Its end is waited for, so that it leaves no zombie.
            std::thread::spawn(move || opener.wait());
            true
        }
        Err(error) => {
            warn!("no browser can be opened: {error}");
            false
        }
    }
}
