//! The Desktop Application Autostart Specification 0.5: a file in `$XDG_CONFIG_HOME/autostart`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use evertoken_core::config::paths::Paths;

const ENTRY: &str = include_str!("../../../../../packaging/evertoken-agent-autostart.desktop");
const NAME: &str = "evertoken-agent.desktop";
/// Switches off what a package has put there for everybody.
const HIDDEN: &str = "[Desktop Entry]\nType=Application\nName=Evertoken agent\nHidden=true\n";
/// Where packages put entries for everybody, unless `XDG_CONFIG_DIRS` says otherwise.
const CONFIG_DIRS: &str = "/etc/xdg";

pub(super) fn set(paths: &Paths, wanted: bool) -> io::Result<()> {
    let file = entry(paths);
    if wanted {
        fs::create_dir_all(file.parent().unwrap_or(Path::new("/")))?;
        return fs::write(file, entry_for(&installed(std::env::current_exe()?)));
    }
    if is_installed_for_everybody() {
        fs::create_dir_all(file.parent().unwrap_or(Path::new("/")))?;
        return fs::write(file, HIDDEN);
    }
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Does the desktop have an entry of this name already?
pub(super) fn has_entry(paths: &Paths) -> bool {
    entry(paths).symlink_metadata().is_ok()
}

fn is_installed_for_everybody() -> bool {
    let folders = std::env::var_os("XDG_CONFIG_DIRS").filter(|folders| !folders.is_empty());
    let folders = folders.unwrap_or_else(|| CONFIG_DIRS.into());
    std::env::split_paths(&folders).any(|folder| folder.join("autostart").join(NAME).exists())
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
    use super::*;

    #[test]
    fn an_upgrade_under_a_running_agent_leaves_a_path_that_works() {
        let program = PathBuf::from("/usr/bin/evertoken-agent");
        assert_eq!(installed("/usr/bin/evertoken-agent (deleted)".into()), program);
        assert_eq!(installed(program.clone()), program);
    }

    #[test]
    fn the_entry_starts_the_program_that_runs_now_wherever_it_lies() {
        let entry = entry_for(Path::new("/home/me/50% new \"x\"/evertoken-agent"));
        assert!(entry.contains("Exec=\"/home/me/50%% new \\\\\"x\\\\\"/evertoken-agent\"\n"), "{entry}");
        assert!(entry.starts_with("[Desktop Entry]\n") && !entry.contains("TryExec"), "{entry}");
        assert!(!entry.contains("AutostartCondition"), "{entry}");
    }
}
