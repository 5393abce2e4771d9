//! `cargo xtask run --demo`: two minutes in the life of a login, leaving nothing behind.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::application::Application;
use crate::binaries::Binaries;
use crate::command::private_folders;
use crate::interrupt::Interrupt;
use crate::program::Program;
use crate::sandbox::Sandbox;

/// Short enough to see several refreshes within the first minute.
const ACCESS_TOKEN_LIVES: &str = "20s";
/// The login's end comes while a newcomer still watches.
const LOGIN_LIVES: &str = "90s";
/// Never the person's own entries.
const KEYCHAIN_SERVICE: &str = "evertoken-demo";
const ACCOUNT: &str = "demo";
/// `evertoken`: the keychain is locked or unavailable.
const KEYCHAIN_UNAVAILABLE: i32 = 5;
const IN_MEMORY: &str = "version = 1\n\n[settings]\nkeychain = \"memory\"\n";

/// Runs the demo until Ctrl-C or the agent's end. What is made first goes last.
pub(crate) fn show(binaries: &Binaries, window: bool, interrupt: &Interrupt) -> Result<()> {
    let folder = Folder::create()?;
    let mut command = binaries.command("evertoken-sandbox");
    command.args(["--expires-in", ACCESS_TOKEN_LIVES, "--refresh-expires-in", LOGIN_LIVES]);
    let sandbox = Sandbox::start(&mut command)?;
    let application = Application::new(binaries, folder.variables());
    let shortcut = folder.write_shortcut(&binaries.path("evertoken"))?;
    let (mut agent, keychain) = logged_in(&application, &folder, &sandbox)?;
    let _login = Login { application: &application };
    explain(&sandbox, keychain, &folder, &shortcut, window);
    let _window = if window { Some(application.open_window()?) } else { None };
    let _watch = application.watch_status()?;
    interrupt.or_until(|| agent.has_ended());
    println!("\nThe demo ends; its login, its folder and its programs go.");
    Ok(())
}

/// Where the demo's login is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keychain {
    Os,
    Memory,
}

/// Starts the agent and logs in: with the real keychain if it takes the login, in memory otherwise.
fn logged_in(application: &Application<'_>, folder: &Folder, sandbox: &Sandbox) -> Result<(Program, Keychain)> {
    let mut agent = application.start_agent()?;
    if log_in(application, sandbox)? {
        return Ok((agent, Keychain::Os));
    }
    agent.end()?;
    folder.keep_login_in_memory()?;
    let agent = application.start_agent()?;
    if !log_in(application, sandbox)? {
        bail!("the demo's login could not be kept, not even in memory");
    }
    Ok((agent, Keychain::Memory))
}

/// Logs the account in; `false` when the keychain did not take it.
fn log_in(application: &Application<'_>, sandbox: &Sandbox) -> Result<bool> {
    let token_response = sandbox.sign_in()?;
    match application.ask(&["login", ACCOUNT, "--endpoint", &sandbox.endpoint()], &token_response)? {
        (0, _) => Ok(true),
        (KEYCHAIN_UNAVAILABLE, _) => Ok(false),
        (code, said) => bail!("`evertoken login {ACCOUNT}` ended with {code}: {said}"),
    }
}

/// The login in the keychain; removed when the demo ends.
struct Login<'a> {
    application: &'a Application<'a>,
}

impl Drop for Login<'_> {
    fn drop(&mut self) {
        match self.application.ask(&["logout", ACCOUNT], "") {
            Ok((0, _)) => {}
            Ok((_, said)) => eprintln!("The demo's login could not be removed from the keychain: {said}"),
            Err(error) => eprintln!("The demo's login could not be removed from the keychain: {error:#}"),
        }
    }
}

fn explain(sandbox: &Sandbox, keychain: Keychain, folder: &Folder, shortcut: &Path, window: bool) {
    let keychain = match keychain {
        Keychain::Os => format!("your real keychain, under the name {KEYCHAIN_SERVICE}; removed at the end"),
        Keychain::Memory => "in memory, because no keychain answered here".to_owned(),
    };
    let (origin, sign_in) = (sandbox.origin(), sandbox.sign_in_url());
    let shortcut = shortcut.display();
    println!(
        "
Evertoken demo
  sandbox    {origin}: access tokens live {ACCESS_TOKEN_LIVES}, the login {LOGIN_LIVES}
  account    {ACCOUNT}
  login      {keychain}
  folder     {}; deleted at the end

Get a token, in a second terminal
    {shortcut} token
    {shortcut} header | curl -s -H @- {origin}/v2.0/user/info

What you will see
  now        {}
  15 s       the access token is refreshed by itself, and again every 15 s
  80 s       {}
  90 s       the login expires: the next refresh is refused, and the state changes to \"log in soon\"{}
  110 s      at the latest, the last access token expires too: \"log in again\"

Log in again
  {}
    curl -s -X POST {sign_in} | {shortcut} login {ACCOUNT}

Ctrl-C ends the demo.
",
        folder.path.display(),
        if window { "the window, and an icon in the tray" } else { "no display here, so a line below for each change" },
        if window { "a notification: the login expires soon" } else { "the login expires soon" },
        if window { "; another\n             notification asks you to log in" } else { "" },
        if window {
            format!(
                "click Log in again in the window and paste what `curl -s -X POST {sign_in}` prints,\n  or in a second terminal:"
            )
        } else {
            "in a second terminal:".to_owned()
        },
    );
}

/// The demo's own folder; deleted when the demo ends.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn create() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("evertoken-demo-{}", std::process::id()));
        create_private(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let folder = Self { path };
        for name in ["config", "state", "data", "cache", "run"] {
            create_private(&folder.path.join(name))?;
        }
        Ok(folder)
    }

    /// The bus, the screen and the runtime folder stay the person's own, so that tray, notifications and keychain are
    /// the real ones.
    fn variables(&self) -> Vec<(&'static str, OsString)> {
        let mut variables: Vec<(&'static str, OsString)> = [
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
        ]
        .map(|(name, place)| (name, self.path.join(place).into_os_string()))
        .into();
        variables.push(("EVERTOKEN_SOCKET", self.socket()));
        variables.push(("EVERTOKEN_KEYCHAIN_SERVICE", KEYCHAIN_SERVICE.into()));
        if std::env::var_os("EVERTOKEN_LOG").is_none() {
            // The status lines tell the story; the log is for those who ask.
            variables.push(("EVERTOKEN_LOG", "error".into()));
        }
        variables
    }

    fn socket(&self) -> OsString {
        if cfg!(windows) {
            format!(r"\\.\pipe\evertoken-demo-{}", std::process::id()).into()
        } else {
            self.path.join("run/agent.sock").into_os_string()
        }
    }

    fn keep_login_in_memory(&self) -> Result<()> {
        let folder = self.path.join("config/evertoken");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("config.toml"), IN_MEMORY)?;
        Ok(())
    }

    /// `evertoken` in the demo's environment, for a second terminal.
    fn write_shortcut(&self, evertoken: &Path) -> Result<PathBuf> {
        let shortcut = self.path.join(if cfg!(windows) { "evertoken.cmd" } else { "evertoken" });
        fs::write(&shortcut, self.shortcut(evertoken))?;
        #[cfg(unix)]
        fs::set_permissions(&shortcut, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        Ok(shortcut)
    }

    fn shortcut(&self, evertoken: &Path) -> String {
        let evertoken = evertoken.display();
        let variables = self.variables();
        let variables = variables.iter().map(|(name, value)| (name, value.to_string_lossy()));
        if cfg!(windows) {
            let lines: String = variables.map(|(name, value)| format!("@set {name}={value}\r\n")).collect();
            format!("{lines}@\"{evertoken}\" %*\r\n")
        } else {
            let lines: String = variables.map(|(name, value)| format!("export {name}={}\n", quoted(&value))).collect();
            format!("#!/bin/sh\n{lines}exec {} \"$@\"\n", quoted(&evertoken.to_string()))
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!("{} could not be deleted: {error}", self.path.display());
        }
    }
}

/// A word that a shell takes as it is.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn create_private(path: &Path) -> io::Result<()> {
    private_folders().create(path)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn the_demo_touches_nothing_of_the_persons_and_leaves_nothing() {
        let folder = Folder::create().unwrap();
        let path = folder.path.clone();
        for (name, value) in folder.variables() {
            let is_marked = value.to_string_lossy().contains("evertoken-demo");
            assert!(is_marked || name == "EVERTOKEN_LOG", "{name}={value:?}");
            assert!(!["XDG_RUNTIME_DIR", "HOME", "DBUS_SESSION_BUS_ADDRESS"].contains(&name));
        }
        folder.keep_login_in_memory().unwrap();
        assert!(path.join("config/evertoken/config.toml").is_file());
        drop(folder);
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn the_shortcut_runs_in_the_demos_environment() {
        let folder = Folder { path: std::env::temp_dir().join(format!("it's evertoken-demo {}", std::process::id())) };
        create_private(&folder.path).unwrap();
        let shortcut = folder.write_shortcut(Path::new("/usr/bin/env")).unwrap();
        // By its interpreter: a test that forks meanwhile has the new file open for writing for a moment, and what is
        // being written cannot be executed.
        let said =
            crate::command::output(std::process::Command::new("sh").arg(&shortcut).args(["-u", "HOME"])).unwrap();
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&shortcut).unwrap().permissions()) & 0o100,
            0o100
        );
        assert!(said.contains(&format!("XDG_CONFIG_HOME={}\n", folder.path.join("config").display())), "{said}");
    }
}
