//! inotify on the folder: editors and ourselves replace the file, which a watch on the file itself would lose.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;

/// The file is whole again, or a link leads elsewhere. That it is gone says nothing: editors move it away before they
/// write it anew.
const CHANGES: WatchFlags =
    WatchFlags::CLOSE_WRITE.union(WatchFlags::MOVED_TO).union(WatchFlags::CREATE).union(FOLDER_GOES);
/// The folder itself was moved away or deleted.
const FOLDER_GOES: WatchFlags = WatchFlags::MOVE_SELF.union(WatchFlags::DELETE_SELF);
/// The same, or the queue ran over: what else has changed is not known.
const UNCERTAIN: ReadFlags = ReadFlags::MOVE_SELF.union(ReadFlags::DELETE_SELF).union(ReadFlags::QUEUE_OVERFLOW);
/// As many as the kernel follows (path_resolution(7)).
const MOST_LINKS: usize = 40;

pub(super) async fn watch(file: &Path, sender: &mpsc::UnboundedSender<()>) -> io::Result<()> {
    let queue = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for descriptors that are closed too early: an OwnedFd is not"
    )]
    let queue = AsyncFd::with_interest(queue, Interest::READABLE)?;
    let folder = file.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    inotify::add_watch(queue.get_ref(), folder, CHANGES)?;
    let mut places = watch_places(queue.get_ref(), file);
    // What was changed between the first reading and now.
    let _ = sender.send(());
    loop {
        let changed = tokio::select! {
            () = sender.closed() => return Ok(()),
            ready = queue.readable() => {
                let mut ready = ready?;
                match ready.try_io(|queue| any_of(queue.get_ref(), &places)) {
                    Ok(changed) => changed?,
                    Err(_would_block) => continue,
                }
            }
        };
        if !changed {
            continue;
        }
        // Links may lead elsewhere now.
        places = watch_places(queue.get_ref(), file);
        if sender.send(()).is_err() {
            return Ok(());
        }
    }
}

/// Watches the folder of the file, of each link on the way to it, and of a folder on the way that is a link itself or gone.
/// Those that are not on the way any more stay watched, which costs nothing.
fn watch_places(queue: &OwnedFd, file: &Path) -> Vec<PathBuf> {
    let places = places(file);
    for folder in places.iter().filter_map(|place| place.parent()) {
        let _ = inotify::add_watch(queue, folder, CHANGES);
    }
    places
}

fn places(file: &Path) -> Vec<PathBuf> {
    let mut places = vec![file.to_owned()];
    let mut at = 0;
    while let Some(place) = places.get(at).cloned()
        && at < MOST_LINKS
    {
        at += 1;
        let folder = place.parent().unwrap_or(Path::new("/"));
        if let Ok(target) = fs::read_link(&place) {
            places.push(folder.join(target));
        }
        if folder.is_symlink() || !folder.exists() {
            places.push(folder.to_owned());
        }
    }
    places
}

/// Takes everything off the queue; is one of the places among it?
fn any_of(queue: &OwnedFd, places: &[PathBuf]) -> io::Result<bool> {
    // Many events of the longest name, 255 bytes.
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(queue, &mut buffer);
    let mut found = None;
    loop {
        match events.next() {
            Ok(event) => {
                let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                let mut named = places.iter().filter(|place| place.file_name() == name);
                // A file that was made is not written yet; a link or a folder is whole.
                let is_whole = !event.events().contains(ReadFlags::CREATE);
                let is_it = named.any(|place| is_whole || place.is_symlink() || place.is_dir())
                    || event.events().intersects(UNCERTAIN);
                found = Some(found.unwrap_or(false) || is_it);
            }
            Err(rustix::io::Errno::AGAIN) => return found.ok_or_else(|| io::ErrorKind::WouldBlock.into()),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use std::os::unix::fs::symlink;

    #[tokio::test]
    async fn a_folder_that_was_put_in_the_place_of_the_first_is_watched() {
        let parent = tempfile::tempdir().unwrap();
        let (folder, aside) = (parent.path().join("evertoken"), parent.path().join("aside"));
        let (sender, mut changes) = mpsc::unbounded_channel();
        let file = folder.join("config.toml");
        let watched = file.clone();
        let watching = tokio::spawn(async move { watch(&watched, &sender).await });
        let mut told = async || {
            let told = tokio::time::timeout(std::time::Duration::from_secs(10), changes.recv()).await;
            told.unwrap().unwrap();
            // One change may be several events.
            while changes.try_recv().is_ok() {}
        };
        told().await;
        for _ in 0..2 {
            let _ = fs::remove_dir_all(&aside);
            fs::rename(&folder, &aside).unwrap();
            told().await;
            fs::create_dir(&folder).unwrap();
            told().await;
            fs::write(&file, "version = 1").unwrap();
            told().await;
        }
        watching.abort();
    }

    #[test]
    fn every_link_on_the_way_is_watched() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("dotfiles")).unwrap();
        symlink("dotfiles", path("evertoken")).unwrap();
        symlink("../second.toml", path("dotfiles/config.toml")).unwrap();
        symlink("third.toml", path("second.toml")).unwrap();
        let places = places(&path("evertoken/config.toml"));
        for place in ["evertoken/config.toml", "evertoken", "evertoken/../second.toml", "dotfiles"] {
            assert!(places.contains(&path(place)), "{place}: {places:?}");
        }
        // `a/../b` is another folder when `a` is a link: the last one is found through the file system.
        assert!(places.iter().any(|place| place.ends_with("third.toml")), "{places:?}");
        symlink("loop.toml", path("loop.toml")).unwrap();
        assert!(super::places(&path("loop.toml")).len() <= MOST_LINKS + 1);
    }
}
