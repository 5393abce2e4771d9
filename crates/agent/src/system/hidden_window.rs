//! A window that nobody sees: Windows speaks to programs by messages to their windows.

use std::io;

use winsafe::co::SW;
use winsafe::gui::{WindowMain, WindowMainOpts};

/// Opens it on a thread of its own, because a window belongs to the thread that made it. `listen` says what it hears.
pub(super) fn open(class: &'static str, listen: impl FnOnce(&WindowMain) + Send + 'static) -> io::Result<()> {
    let run = move || {
        let window = WindowMain::new(WindowMainOpts { class_name: class, title: "Evertoken", ..Default::default() });
        listen(&window);
        if let Err(error) = window.run_main(Some(SW::HIDE)) {
            tracing::warn!(%error, "Windows cannot tell the agent anything any more");
        }
    };
    std::thread::Builder::new().name(class.to_owned()).spawn(run).map(drop)
}
