//! The tray is one more task: nothing has to own the main thread.

use tokio::sync::mpsc;

use super::{Inherited, Reports, StartError, TrayLink, block_on, serve};
use crate::desktop::tray::Tray;
use crate::options::Options;
use crate::system::power_and_network::bus;

pub(super) fn run(options: Options, inherited: Inherited, reports: Reports) -> Result<(), StartError> {
    if options.no_tray {
        // No desktop, so the buses that are not there now will not come.
        bus::expect_none();
    }
    block_on(async move {
        let (sender, actions) = mpsc::unbounded_channel();
        let tray = (!options.no_tray).then(|| Tray::start(reports.tray_provider(), sender));
        serve(options, inherited, reports, TrayLink { tray, actions }).await
    })
}
