//! The Desktop Application Autostart Specification 0.5: a file in `$XDG_CONFIG_HOME/autostart`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use evertoken_core::config::paths::Paths;

const ENTRY: &str = include_str!("../../../../../packaging/evertoken-agent-autostart.desktop");
const NAME: &str = "evertoken-agent.desktop";
/// Switches off what a package has put there for everybody.
const HIDDEN: &str = "[Desktop Entry]\nType=Application\nName=Evertoken agent\nHidden=true\n";
const HIDDEN_KEY: &str = "Hidden";
const ENABLED_KEY: &str = "X-GNOME-Autostart-enabled";
const SWITCHES: [&str; 2] = [HIDDEN_KEY, ENABLED_KEY];
/// The line by which an entry of ours is known.
const MARK: &str = "X-Evertoken=1";
/// Where packages put entries for everybody, unless `XDG_CONFIG_DIRS` says otherwise.
const CONFIG_DIRS: &str = "/etc/xdg";

pub(super) fn set(paths: &Paths, wanted: bool) -> io::Result<()> {
    let file = entry(paths);
    let is_there = is_there(&file)?;
    if wanted {
        return write(&file, &marked(&entry_for(&installed(std::env::current_exe()?))));
    }
    if is_installed_for_everybody() {
        return write(&file, &marked(HIDDEN));
    }
    if is_there { fs::remove_file(file) } else { Ok(()) }
}

/// Is there an entry of ours? One that a person wrote is left to the person.
fn is_there(file: &Path) -> io::Result<bool> {
    let refused = |why: &str| {
        let sentence = format!("{} was left as it is: {why}", file.display());
        Err(io::Error::new(io::ErrorKind::AlreadyExists, sentence))
    };
    match file.symlink_metadata() {
        Ok(metadata) if !metadata.is_file() => refused("it is a link or no file"),
        Ok(_) if is_ours(&fs::read_to_string(file)?) => Ok(true),
        Ok(_) => refused("somebody else wrote it"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// It says so, only says "off", or is, but for the program, what earlier versions wrote.
fn is_ours(text: &str) -> bool {
    let without_program = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with("Exec=")).map(str::to_owned).collect()
    };
    text.lines().any(|line| line == MARK)
        || text == HIDDEN
        || only_says_off(text)
        || without_program(text) == without_program(&entry_for(Path::new("")))
}

/// So desktops switch off what a package has put there for everybody.
fn only_says_off(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let says_off = |line: &str| line == "[Desktop Entry]" || SWITCHES.iter().any(|key| value(line, key).is_some());
    is_off(text) && lines.all(says_off)
}

fn is_off(text: &str) -> bool {
    let is_line_off = |line| value(line, HIDDEN_KEY) == Some("true") || value(line, ENABLED_KEY) == Some("false");
    text.lines().any(is_line_off)
}

fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let (found, value) = line.split_once('=')?;
    (found.trim() == key).then_some(value.trim())
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let mut next = tempfile::NamedTempFile::new_in(folder)?;
    next.write_all(text.as_bytes())?;
    next.persist(file)?;
    Ok(())
}

/// Does the desktop have an entry of this name already?
pub(super) fn has_entry(paths: &Paths) -> bool {
    entry(paths).symlink_metadata().is_ok()
}

/// The person's entry counts, else that of a package.
pub(super) fn is_on(paths: &Paths, _configured: bool) -> bool {
    match fs::read_to_string(entry(paths)) {
        Ok(text) => !is_off(&text),
        Err(_) => {
            entries_for_everybody().find_map(|file| fs::read_to_string(file).ok()).is_some_and(|text| !is_off(&text))
        }
    }
}

fn is_installed_for_everybody() -> bool {
    entries_for_everybody().any(|file| file.exists())
}

fn entries_for_everybody() -> impl Iterator<Item = PathBuf> {
    let folders = std::env::var_os("XDG_CONFIG_DIRS").filter(|folders| !folders.is_empty());
    let folders = folders.unwrap_or_else(|| CONFIG_DIRS.into());
    let folders: Vec<_> = std::env::split_paths(&folders).collect();
    folders.into_iter().map(|folder| folder.join("autostart").join(NAME))
}

fn entry(paths: &Paths) -> PathBuf {
    paths.config.parent().unwrap_or(Path::new("/")).join("autostart").join(NAME)
}

/// Desktops name themselves (`XDG_CURRENT_DESKTOP`, Desktop Entry Specification); over SSH there is none.
pub(super) fn is_desktop_session() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    is_set("XDG_CURRENT_DESKTOP") && (is_set("WAYLAND_DISPLAY") || is_set("DISPLAY"))
}

/// Where the program lies. After an upgrade the kernel marks the file of the one that still runs.
fn installed(program: PathBuf) -> PathBuf {
    const REPLACED: &str = " (deleted)";
    match program.to_str().and_then(|path| path.strip_suffix(REPLACED)) {
        Some(before) => before.into(),
        None => program,
    }
}

fn marked(entry: &str) -> String {
    format!("{entry}{MARK}\n")
}

/// The entry that the packages ship, for a program that need not be on the `PATH`.
fn entry_for(program: &Path) -> String {
    let program = program.display().to_string();
    let exec = format!("Exec={}", quoted(&program));
    let is_for_packages = |line: &str| ["TryExec=", "AutostartCondition="].iter().any(|key| line.starts_with(key));
    let lines = ENTRY.lines().filter(|line| !is_for_packages(line));
    lines.map(|line| if line.starts_with("Exec=") { &exec } else { line }).flat_map(|line| [line, "\n"]).collect()
}

/// An argument of an Exec key (Desktop Entry Specification 1.5, "The Exec key"): in quotes, and escaped twice, for the
/// string and for the key.
fn quoted(argument: &str) -> String {
    let escaped: String = argument
        .chars()
        .map(|c| match c {
            '"' | '`' | '$' => format!("\\\\{c}"),
            '\\' => "\\\\\\\\".to_owned(),
            '%' => "%%".to_owned(),
            _ => c.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn an_upgrade_under_a_running_agent_leaves_a_path_that_works() {
        let program = PathBuf::from("/usr/bin/evertoken-agent");
        assert_eq!(installed("/usr/bin/evertoken-agent (deleted)".into()), program);
        assert_eq!(installed(program.clone()), program);
    }

    #[test]
    fn an_entry_that_somebody_else_wrote_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(NAME);
        let theirs = "[Desktop Entry]\nType=Application\nName=Evertoken agent\nExec=my-wrapper\n";
        fs::write(&file, theirs).unwrap();
        assert_eq!(is_there(&file).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        let link = folder.path().join("link.desktop");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(is_there(&link).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        let entry = entry_for(Path::new("/usr/bin/evertoken-agent"));
        for ours in [marked(&entry), entry, marked(HIDDEN), HIDDEN.to_owned()] {
            write(&file, &ours).unwrap();
            assert!(is_there(&file).unwrap(), "{ours}");
        }
        fs::remove_file(&file).unwrap();
        assert!(!is_there(&file).unwrap());
    }

    #[test]
    fn an_entry_that_only_says_off_may_be_replaced() {
        for off in ["Hidden=true", "X-GNOME-Autostart-enabled=false", "Hidden = true\n# by a desktop\n"] {
            assert!(is_ours(&format!("[Desktop Entry]\n{off}\n")), "{off}");
        }
        for theirs in ["Hidden=false", "Hidden=true\nExec=my-wrapper", ""] {
            assert!(!is_ours(&format!("[Desktop Entry]\n{theirs}\n")), "{theirs}");
        }
    }

    #[test]
    fn the_entry_starts_the_program_that_runs_now_wherever_it_lies() {
        let entry = entry_for(Path::new("/home/me/50% new \"x\"/evertoken-agent"));
        assert!(entry.contains("Exec=\"/home/me/50%% new \\\\\"x\\\\\"/evertoken-agent\"\n"), "{entry}");
        assert!(entry.starts_with("[Desktop Entry]\n") && !entry.contains("TryExec"), "{entry}");
        assert!(!entry.contains("AutostartCondition"), "{entry}");
    }
}
