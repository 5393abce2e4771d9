//! macOS and Windows: the tray's event loop owns the main thread, the agent runs on another. Not yet run.

use std::sync::mpsc::sync_channel;

use tokio::sync::mpsc;

use super::{Inherited, Reports, StartError, TrayLink, block_on, serve};
use crate::desktop::tray::run_on_main_thread;
use crate::options::Options;

pub(super) fn run(options: Options, inherited: Inherited, reports: Reports) -> Result<(), StartError> {
    let (sender, actions) = mpsc::unbounded_channel();
    if options.no_tray {
        return block_on(serve(options, inherited, reports, TrayLink { tray: None, actions }));
    }
    let provider = reports.tray_provider();
    let (hand_over, handed_over) = sync_channel(1);
    let agent = std::thread::Builder::new().name("agent".to_owned());
    agent.spawn(move || {
        let tray = handed_over.recv().ok();
        let result = block_on(serve(options, inherited, reports, TrayLink { tray, actions }));
        if let Err(error) = &result {
            tracing::error!("{error}");
        }
        // The event loop never returns, so the agent's end is the process's.
        std::process::exit(i32::from(result.is_err()));
    })?;
    run_on_main_thread(&provider, &sender, move |tray| drop(hand_over.send(tray)))
}
