//! What an open window costs while nobody does anything.

use std::time::{Duration, Instant};

use super::Desktop;
use super::deadline::throughout;
use super::procfs;

/// What a page that was just drawn still does.
const COMING_TO_REST: Duration = Duration::from_secs(10);

/// The share of a processor that the window and WebKit's processes have over a span in which a person does nothing.
pub(crate) async fn window_share(desktop: &Desktop, span: Duration) -> f64 {
    throughout(COMING_TO_REST, "a person does nothing", async || true).await;
    let (begin, before) = (Instant::now(), spent(desktop));
    throughout(span, "a person does nothing", async || true).await;
    (spent(desktop) - before) / begin.elapsed().as_secs_f64()
}

/// The time that the window and WebKit's processes have had on a processor, in seconds.
fn spent(desktop: &Desktop) -> f64 {
    let is_the_window = |line: &str| line.contains("evertoken-desktop") || line.contains("WebKitWebProcess");
    let processes = desktop.environment.processes().into_iter();
    processes.filter(|pid| is_the_window(&procfs::command_line(*pid))).map(procfs::processor_seconds).sum()
}
