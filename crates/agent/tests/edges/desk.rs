//! A private desktop for one test. The test starts itself again in the desktop's environment, because a process must
//! not change its own.

use std::collections::HashMap;
use std::future::Future;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::StreamExt;
use zbus::Connection;
use zbus::fdo::DBusProxy;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(30);
/// Holds the desktop's folder in the process that runs inside.
const INSIDE: &str = "EVERTOKEN_TEST_DESK";

/// A test inside a desktop of its own, `with` or `without` an X server.
macro_rules! desk_test {
    ($display:ident display: $name:ident, |$desk:ident| $body:block) => {
        #[test]
        fn $name() {
            let name = concat!(module_path!(), "::", stringify!($name));
            crate::desk::run(name, stringify!($display) == "with", |$desk: crate::desk::Desk| async move { $body });
        }
    };
}

/// The processes end with it.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(program: &str, arguments: &[&str], stdin: &str) -> (Self, BufReader<impl std::io::Read>) {
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", program])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        (Self(child), output)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

pub(crate) struct Desk {
    folder: PathBuf,
}

pub(crate) fn run<F: Future<Output = ()>>(name: &str, display: bool, body: impl FnOnce(Desk) -> F) {
    if let Some(folder) = std::env::var_os(INSIDE) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let body = body(Desk { folder: folder.into() });
        runtime.block_on(async { tokio::time::timeout(PATIENCE, body).await }).expect("in time");
        runtime.shutdown_background();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["home", "run"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    let (_, test) = name.split_once("::").unwrap();
    let mut inside = Command::new(std::env::current_exe().unwrap());
    inside
        .args([test, "--exact", "--nocapture"])
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("DISPLAY")
        .env(INSIDE, folder.path())
        .env("HOME", folder.path().join("home"))
        .env("XDG_RUNTIME_DIR", folder.path().join("run"))
        .env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", folder.path().join("session").display()))
        .env("DBUS_SYSTEM_BUS_ADDRESS", format!("unix:path={}", folder.path().join("system").display()));
    for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
        inside.env_remove(name);
    }
    let server = display.then(|| {
        // Without other programs the server would start anew, and refuse connections meanwhile, whenever one ends.
        let arguments = ["-displayfd", "1", "-nolisten", "tcp", "-noreset"];
        let (server, mut output) = Process::start("Xvfb", &arguments, "");
        let mut number = String::new();
        output.read_line(&mut number).unwrap();
        inside.env("DISPLAY", format!(":{}", number.trim()));
        server
    });
    let output = inside.output().unwrap();
    drop(server);
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

impl Desk {
    /// A copy of a program under another name.
    pub(crate) fn program(&self, of: &str, name: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::copy(Path::new("/usr/bin").join(of), &path).unwrap();
        path
    }

    pub(crate) fn session_bus(&self) -> Process {
        self.bus("session")
    }

    pub(crate) fn system_bus(&self) -> Process {
        self.bus("system")
    }

    /// A bus that starts no service by itself.
    fn bus(&self, name: &str) -> Process {
        let socket = self.folder.join(name);
        let _absent = std::fs::remove_file(&socket);
        let configuration = self.folder.join(format!("{name}.conf"));
        let text = format!(
            "<busconfig><listen>unix:path={}</listen><auth>EXTERNAL</auth><policy context=\"default\">\
             <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/>\
             </policy></busconfig>",
            socket.display()
        );
        std::fs::write(&configuration, text).unwrap();
        let configuration = format!("--config-file={}", configuration.display());
        let arguments = ["--nofork", "--print-address", &configuration];
        let (bus, mut output) = Process::start("dbus-daemon", &arguments, "");
        let mut address = String::new();
        output.read_line(&mut address).unwrap();
        bus
    }

    /// A keychain whose password is known, unlocked.
    pub(crate) async fn keychain(&self) -> Process {
        let connection = Connection::session().await.unwrap();
        let arguments = ["--foreground", "--unlock", "--components=secrets"];
        let (keychain, _) = Process::start("gnome-keyring-daemon", &arguments, "password");
        owned(&connection, "org.freedesktop.secrets").await;
        keychain
    }
}

/// Waits until the name has an owner.
pub(crate) async fn owned(connection: &Connection, name: &'static str) {
    let bus = DBusProxy::new(connection).await.unwrap();
    let mut changes = bus.receive_name_owner_changed_with_args(&[(0, name)]).await.unwrap();
    while !bus.name_has_owner(name.try_into().unwrap()).await.unwrap() {
        changes.next().await.unwrap();
    }
}

/// Waits until somebody on the bus listens for signals by a rule that contains `text`.
pub(crate) async fn listened_for(connection: &Connection, text: &str) {
    const BUS: &str = "org.freedesktop.DBus";
    loop {
        let (path, interface) = ("/org/freedesktop/DBus", "org.freedesktop.DBus.Debug.Stats");
        let rules = connection.call_method(Some(BUS), path, Some(interface), "GetAllMatchRules", &()).await.unwrap();
        let rules: HashMap<String, Vec<String>> = rules.body().deserialize().unwrap();
        if rules.values().flatten().any(|rule| rule.contains(text)) {
            return;
        }
    }
}

/// Threads of this process with the name.
pub(crate) fn threads(name: &str) -> usize {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let names = threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok());
    names.filter(|other| other.trim() == name).count()
}
