//! macOS and Windows, by the notify crate: a watch on the folder, because editors and ourselves replace the file.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use notify::{Event, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

pub(super) async fn watch(file: &Path, sender: &mpsc::UnboundedSender<()>) -> io::Result<()> {
    let folder = file.parent().unwrap_or(file);
    fs::create_dir_all(folder)?;
    let (name, changes) = (file.file_name().map(OsStr::to_owned), sender.clone());
    let changed = move |event: notify::Result<Event>| {
        // What an error hides may be a change.
        if event.map_or(true, |event| changes_file(&event, name.as_deref())) {
            let _ending = changes.send(());
        }
    };
    let mut watcher = notify::recommended_watcher(changed).map_err(io::Error::other)?;
    watcher.watch(folder, RecursiveMode::NonRecursive).map_err(io::Error::other)?;
    // What was changed between the first reading and now.
    let _ = sender.send(());
    sender.closed().await;
    Ok(())
}

/// That it was read, or is gone, says nothing: editors move it away before they write it anew.
fn changes_file(event: &Event, name: Option<&OsStr>) -> bool {
    let is_about_reading = event.kind.is_access() || event.kind.is_remove();
    !is_about_reading && event.paths.iter().any(|path| path.file_name() == name)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use notify::event::{AccessKind, CreateKind, EventKind, RemoveKind};

    use super::*;

    #[test]
    fn only_a_change_of_the_file_itself_counts() {
        let counts = |kind: EventKind, path: &str| {
            changes_file(&Event::new(kind).add_path(PathBuf::from(path)), Some("config.toml".as_ref()))
        };
        assert!(counts(EventKind::Create(CreateKind::File), "folder/config.toml"));
        assert!(!counts(EventKind::Create(CreateKind::File), "folder/config.toml.swp"));
        assert!(!counts(EventKind::Remove(RemoveKind::File), "folder/config.toml"));
        assert!(!counts(EventKind::Access(AccessKind::Read), "folder/config.toml"));
    }
}
