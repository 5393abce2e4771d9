//! The tray is one more task: nothing has to own the main thread.

use tokio::sync::mpsc;

use super::{Options, Reports, StartError, TrayLink, block_on, serve};
use crate::tray::Tray;

pub(super) fn run(options: Options, reports: Reports) -> Result<(), StartError> {
    block_on(async move {
        let (sender, actions) = mpsc::unbounded_channel();
        let tray = (!options.no_tray).then(|| Tray::start(reports.tray_provider(), sender));
        serve(options, reports, TrayLink { tray, actions }).await
    })
}
