//! Windows as far as Wine goes, in the Debian that `cargo xtask test windows` makes. Its folders are those of this desktop.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::display::Display;
use super::environment::Environment;
use super::{Desktop, Outcome};

/// Names the root of that Debian.
const ROOT: &str = "EVERTOKEN_WINE";
/// Where the programs, and a Windows that is new, are below that root.
const PROGRAMS: &str = "mnt/windows";
const NEW: &str = "mnt/prefix";

/// Where programs for Windows run.
pub(crate) struct Wine {
    root: PathBuf,
}

impl Wine {
    /// One of our programs. The command has changed the root so far.
    pub(super) fn command(&self, chroot: Command, name: &str) -> Command {
        self.run(chroot, &[&format!("/{PROGRAMS}/{name}.exe")])
    }

    fn run(&self, mut chroot: Command, words: &[&str]) -> Command {
        chroot.arg(&self.root).arg("wine").args(words);
        chroot
    }
}

impl Desktop {
    /// A program of Windows and its arguments.
    pub(crate) fn wine_command(&self, words: &[&str]) -> Command {
        let wine = self.environment.wine.as_ref().expect("a desktop of Windows");
        wine.run(self.environment.command("chroot"), words)
    }

    /// Runs a program of Windows to its end.
    pub(crate) async fn wine(&self, words: &[&str]) -> Outcome {
        Outcome::of(self.wine_command(words), b"").await
    }

    /// What a person sees, and the system tells: the words of `windows-desk.c`.
    pub(crate) async fn at_the_desk(&self, words: &[&str]) -> Outcome {
        let mut desk = self.environment.evertoken("desk");
        desk.args(words);
        Outcome::of(desk, b"").await
    }

    /// A Windows that nobody has used, with a screen.
    pub(crate) async fn of_windows() -> Self {
        let root = std::env::var_os(ROOT).map(PathBuf::from);
        let root = root.unwrap_or_else(|| panic!("{ROOT} is not set: run cargo xtask test windows"));
        let mut environment = Environment::create();
        let display = Display::start_with(&environment, "openbox");
        environment.set("DISPLAY", display.name());
        install(&environment.path("wine"), &root.join(NEW));
        for (name, value) in
            [("WINEPREFIX", environment.path("wine").display().to_string()), ("WINEDEBUG", "-all".into())]
        {
            environment.set(name, &value);
        }
        for (name, place) in [("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state"), ("XDG_RUNTIME_DIR", "run")] {
            let path = on_drive(&environment.path(place));
            environment.set(name, &path);
        }
        let mut start = environment.command("chroot");
        start.arg(&root).args(["wine", "wineboot"]);
        environment.wine = Some(Wine { root });
        // What runs in the background is started by nobody who waits for its output.
        Outcome::of(start, b"").await.succeeded();
        Self::start(environment, Some(display)).await
    }
}

/// The same path as programs of Windows see it.
pub(crate) fn on_drive(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', r"\")
}

/// The system's own folder is shared, because nothing changes it; everything else is a copy.
fn install(folder: &Path, new: &Path) {
    let copied = Command::new("sh").args(["-ec", COPY, "sh"]).args([new, folder]).status().unwrap();
    assert!(copied.success(), "no Windows could be made");
}

const COPY: &str = r#"
mkdir -p "$2/drive_c"
cp -a "$1"/*.reg "$1/dosdevices" "$1/.update-timestamp" "$2"
for part in "$1"/drive_c/*; do
    case $part in
    */windows) ln -s /mnt/prefix/drive_c/windows "$2/drive_c/windows" ;;
    *) cp -a "$part" "$2/drive_c" ;;
    esac
done"#;
