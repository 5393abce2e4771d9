//! A desktop for measuring: its own folders, buses, screen, keyring and panel. Nothing of the person's is used.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::command::{output, private_folders};
use crate::program::Program;
use crate::screen::Screen;

/// How long a part of the desktop may take to come up.
const PATIENCE: Duration = Duration::from_secs(30);
const GLANCE: Duration = Duration::from_millis(50);

/// A panel with nothing in it but the tray.
const PANEL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array"><value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray"/>
  </property>
</channel>
"#;

/// Looks until it holds; fails with these words when it has not in that time.
pub(crate) fn until(patience: Duration, or_else: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !holds()? {
        if start.elapsed() > patience {
            bail!("{or_else}");
        }
        thread::sleep(GLANCE);
    }
    Ok(())
}

/// The running desktop; its programs end and its folder goes with it.
#[derive(Debug)]
pub(crate) struct PrivateDesktop {
    variables: Vec<(&'static str, OsString)>,
    // In the order in which they have to end: last started first.
    programs: Vec<Program>,
    folder: Folder,
}

impl PrivateDesktop {
    /// Starts everything and waits until the panel takes tray icons.
    pub(crate) fn start() -> Result<Self> {
        let folder = Folder::create()?;
        let variables = folder.variables();
        let mut desktop = Self { variables, programs: Vec::new(), folder };
        desktop.start_bus("system-bus", "DBUS_SYSTEM_BUS_ADDRESS")?;
        desktop.start_bus("bus", "DBUS_SESSION_BUS_ADDRESS")?;
        desktop.start_screen()?;
        desktop.start_keyring()?;
        desktop.start_panel()?;
        Ok(desktop)
    }

    /// The variables that lead programs here.
    pub(crate) fn variables(&self) -> Vec<(&'static str, OsString)> {
        self.variables.clone()
    }

    /// A place in its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    /// Where its agent listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path("run/evertoken/agent.sock")
    }

    /// Its agent's configuration.
    pub(crate) fn configuration(&self) -> PathBuf {
        self.path("config/evertoken/config.toml")
    }

    /// A program on this desktop.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// What is on its screen.
    pub(crate) fn screen(&self) -> Screen {
        Screen::at(self.path("screen/Xvfb_screen0"))
    }

    fn keep(&mut self, program: Program) {
        self.programs.insert(0, program);
    }

    /// Both buses are there, as on every desktop: an agent that misses one looks for it now and then.
    fn start_bus(&mut self, name: &str, variable: &'static str) -> Result<()> {
        let mut command = self.command("dbus-daemon");
        let address = format!("--address=unix:path={}", self.path("run").join(name).display());
        command.args(["--session", "--nofork", "--nopidfile", "--print-address=1", &address]);
        let (bus, address) = Program::start_until_line(&mut command, |line| Some(line.to_owned()))?;
        self.keep(bus);
        self.variables.push((variable, address.into()));
        Ok(())
    }

    fn start_screen(&mut self) -> Result<()> {
        let mut command = self.command("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp", "-noreset"]);
        command.arg("-fbdir").arg(self.path("screen"));
        let (screen, number) = Program::start_until_line(&mut command, |line| line.parse::<u32>().ok())?;
        self.keep(screen);
        self.variables.push(("DISPLAY", format!(":{number}").into()));
        Ok(())
    }

    fn start_keyring(&mut self) -> Result<()> {
        let password = self.path("password");
        fs::write(&password, "not a secret")?;
        let mut command = self.command("gnome-keyring-daemon");
        command.args(["--unlock", "--components=secrets", "--foreground"]).stdin(fs::File::open(password)?);
        let keyring = Program::start(command.stdout(Stdio::null()))?;
        self.keep(keyring);
        self.wait_for_name("org.freedesktop.secrets")
    }

    fn start_panel(&mut self) -> Result<()> {
        let layout = self.path("config/xfce4/xfconf/xfce-perchannel-xml");
        fs::create_dir_all(&layout)?;
        fs::write(layout.join("xfce4-panel.xml"), PANEL)?;
        let manager = Program::start(self.command("openbox").stdout(Stdio::null()))?;
        self.keep(manager);
        let panel = Program::start(self.command("xfce4-panel").arg("--disable-wm-check").stdout(Stdio::null()))?;
        self.keep(panel);
        self.wait_for_name("org.kde.StatusNotifierWatcher")
    }

    fn wait_for_name(&self, name: &str) -> Result<()> {
        let has_owner = || {
            let mut question = self.command("gdbus");
            question.args(["call", "--session", "--dest", "org.freedesktop.DBus", "--object-path"]);
            question.args(["/org/freedesktop/DBus", "--method", "org.freedesktop.DBus.NameHasOwner", name]);
            output(&mut question).map(|answer| answer.contains("true"))
        };
        until(PATIENCE, &format!("{name} does not appear on the private desktop"), has_owner)
    }

    /// The system's certificates and this one in one file, so that the whole trust store is loaded as in real life.
    pub(crate) fn trust(&mut self, certificate: &Path) -> Result<()> {
        let system = "/etc/ssl/certs/ca-certificates.crt";
        let mut bundle = fs::read(system).with_context(|| format!("{system} cannot be read"))?;
        bundle.extend(fs::read(certificate).context("the sandbox's certificate cannot be read")?);
        let file = self.path("certificates.pem");
        fs::write(&file, bundle)?;
        self.variables.push(("SSL_CERT_FILE", file.into_os_string()));
        Ok(())
    }
}

#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("evertoken-bench-{}", std::process::id()));
        let builder = private_folders();
        builder.create(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let folder = Self(path);
        for name in ["run", "home", "config", "state", "data", "cache", "screen"] {
            builder.create(folder.0.join(name))?;
        }
        Ok(folder)
    }

    fn variables(&self) -> Vec<(&'static str, OsString)> {
        let mut variables: Vec<(&'static str, OsString)> = [
            ("HOME", "home"),
            ("XDG_RUNTIME_DIR", "run"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
        ]
        .map(|(name, place)| (name, self.0.join(place).into_os_string()))
        .into();
        variables.push(("GSETTINGS_BACKEND", "memory".into()));
        variables.push(("NO_AT_BRIDGE", "1".into()));
        variables
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} could not be deleted: {error}", self.0.display());
        }
    }
}
