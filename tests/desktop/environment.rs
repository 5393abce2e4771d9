//! The folders and variables of one private desktop; nothing of the real one gets in.

use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::evertoken::built;
use super::wine::Wine;
use super::{evidence, procfs};

/// A temporary home with every XDG base directory, and the variables that point to it.
pub(crate) struct Environment {
    folder: TempDir,
    variables: Vec<(String, String)>,
    /// Where our programs are those for Windows.
    pub(super) wine: Option<Wine>,
}

impl Environment {
    pub(crate) fn create() -> Self {
        let folder = tempfile::Builder::new().prefix("evertoken-").tempdir().unwrap();
        for name in ["run", "home", "config", "data", "cache", "state", "services", "logs"] {
            fs::DirBuilder::new().mode(0o700).create(folder.path().join(name)).unwrap();
        }
        let mut environment = Self { folder, variables: Vec::new(), wine: None };
        environment.set_up();
        environment
    }

    fn set_up(&mut self) {
        for (name, place) in [
            ("HOME", "home"),
            ("XDG_RUNTIME_DIR", "run"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_STATE_HOME", "state"),
        ] {
            let path = self.path(place).display().to_string();
            self.set(name, &path);
        }
        // The machine's own system bus must not be reachable by accident.
        let no_bus = format!("unix:path={}", self.path("no-system-bus").display());
        self.set("DBUS_SYSTEM_BUS_ADDRESS", &no_bus);
        for (name, value) in [
            ("XDG_DATA_DIRS", "/usr/local/share:/usr/share"),
            ("LANG", "C.UTF-8"),
            ("TZ", "UTC"),
            ("GSETTINGS_BACKEND", "memory"),
            ("NO_AT_BRIDGE", "1"),
            ("GTK_A11Y", "none"),
            ("LIBGL_ALWAYS_SOFTWARE", "1"),
            ("RUST_BACKTRACE", "1"),
        ] {
            self.set(name, value);
        }
        for name in ["PATH", "USER", "LOGNAME", "LLVM_PROFILE_FILE"] {
            if let Ok(value) = std::env::var(name) {
                self.set(name, &value);
            }
        }
    }

    /// Sets a variable for every program started from now on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// The value of a variable; `None` when it is not set.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut variables = self.variables.iter();
        variables.find_map(|(known, value)| (known == name).then_some(value.as_str()))
    }

    /// A place in this desktop's folder.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program in this environment, that dies with the test process: `setpriv` sets the parent-death signal, which
    /// would need unsafe code here.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "TERM"])
            .arg(program.as_ref())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.path("home"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(self.log(program.as_ref()));
        command
    }

    /// One of the built programs, in this environment.
    pub(crate) fn evertoken(&self, name: &str) -> Command {
        match &self.wine {
            None => self.command(built(name)),
            Some(wine) => wine.command(self.command("chroot"), name),
        }
    }

    /// Where a program's complaints go: shown if the test fails.
    fn log(&self, program: &Path) -> File {
        let name = program.file_name().unwrap().to_string_lossy();
        let log = self.path(format!("logs/{name}.log"));
        File::options().create(true).append(true).open(log).unwrap()
    }

    /// Lets the private bus start one of the system's D-Bus services by name.
    pub(crate) fn offer_service(&self, name: &str) {
        let file = format!("{name}.service");
        let link = self.path("services").join(&file);
        if !link.exists() {
            std::os::unix::fs::symlink(Path::new("/usr/share/dbus-1/services").join(&file), link).unwrap();
        }
    }

    /// Every process that was started in this environment, whoever started it.
    pub(crate) fn processes(&self) -> Vec<procfs::Pid> {
        procfs::with_variable("HOME", &self.path("home").display().to_string())
    }

    /// Every regular file below this desktop's folder with its bytes.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file()
                    && let Ok(bytes) = fs::read(entry.path())
                {
                    files.push((entry.path(), bytes));
                }
            }
        }
        files
    }

    /// Writes the person's configuration.
    pub(crate) fn configure(&self, text: &str) {
        let file = self.configuration();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Where the configuration is.
    pub(crate) fn configuration(&self) -> PathBuf {
        self.path("config/evertoken/config.toml")
    }

    /// What the account's entries and files are called by, whatever its name is.
    pub(crate) fn account_id(&self, account: &str) -> String {
        let text = fs::read_to_string(self.configuration()).unwrap_or_default();
        let config: toml_edit::DocumentMut = text.parse().unwrap();
        let id = config.get("accounts").and_then(|accounts| accounts.get(account)?.get("id")?.as_str());
        id.unwrap_or_else(|| panic!("{account} has no id: {text}")).to_owned()
    }

    /// The account's `journal` or `lock`.
    pub(crate) fn account_file(&self, account: &str, extension: &str) -> PathBuf {
        self.path(format!("state/evertoken/{}.{extension}", self.account_id(account)))
    }

    /// The permission bits of a file or folder in this desktop.
    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        if evidence::is_wanted() {
            evidence::tell_logs(&self.path("logs"));
        }
        // Programs that were started by programs: an agent that a command started, a window that an agent started.
        for _ in 0..5 {
            let left = self.processes();
            if left.is_empty() {
                break;
            }
            for pid in left {
                procfs::kill(pid);
            }
        }
    }
}
