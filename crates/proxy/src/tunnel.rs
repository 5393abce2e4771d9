//! After a 101, bytes go both ways until either side ends.

use std::sync::Arc;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::sync::OwnedSemaphorePermit;

/// Joins the two connections once both have changed their protocol; keeps its place among the connections.
pub(crate) fn join(client: OnUpgrade, server: OnUpgrade, place: Arc<OwnedSemaphorePermit>) {
    tokio::spawn(async move {
        let _place = place;
        let Ok((client, server)) = tokio::try_join!(client, server) else { return };
        // Whoever breaks off ends it for both.
        let _ = copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(server)).await;
    });
}
