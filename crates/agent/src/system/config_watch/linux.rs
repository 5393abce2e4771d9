//! inotify on the folder: editors and ourselves replace the file, which a watch on the file itself would lose.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;

/// The file is whole again. That it is gone says nothing: editors move it away before they write it anew.
const CHANGES: WatchFlags = WatchFlags::CLOSE_WRITE.union(WatchFlags::MOVED_TO);

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
    // Dotfile managers link to a file that lies elsewhere.
    let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    if let Some(other) = target.parent().filter(|other| *other != folder) {
        inotify::add_watch(queue.get_ref(), other, CHANGES)?;
    }
    let names = [file.file_name(), target.file_name()];
    loop {
        let changed = tokio::select! {
            () = sender.closed() => return Ok(()),
            ready = queue.readable() => {
                let mut ready = ready?;
                match ready.try_io(|queue| any_of(queue.get_ref(), &names)) {
                    Ok(changed) => changed?,
                    Err(_would_block) => continue,
                }
            }
        };
        if changed && sender.send(()).is_err() {
            return Ok(());
        }
    }
}

/// Takes everything off the queue; is one of the names among it?
fn any_of(queue: &OwnedFd, names: &[Option<&OsStr>]) -> io::Result<bool> {
    // Many events of the longest name, 255 bytes.
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(queue, &mut buffer);
    let mut found = None;
    loop {
        match events.next() {
            Ok(event) => {
                let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                // When the queue ran over, nobody knows what was lost.
                let is_it = names.contains(&name) || event.events().contains(ReadFlags::QUEUE_OVERFLOW);
                found = Some(found.unwrap_or(false) || is_it);
            }
            Err(rustix::io::Errno::AGAIN) => return found.ok_or_else(|| io::ErrorKind::WouldBlock.into()),
            Err(error) => return Err(error.into()),
        }
    }
}
