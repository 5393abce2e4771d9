//! What an open window costs while nobody does anything.

use std::time::{Duration, Instant};

use super::Desktop;
use super::deadline::throughout;
use super::procfs;

/// A page that was just drawn comes to rest: when it did nothing for so long, or after so many such spans.
const REST: Duration = Duration::from_secs(2);
const SPANS: u32 = 15;
const NOTHING: f64 = 0.02;

/// The share of a processor that the window and WebKit's processes have over a span in which a person does nothing.
pub(crate) async fn window_share(desktop: &Desktop, span: Duration) -> f64 {
    for _ in 0..SPANS {
        let before = spent(desktop);
        throughout(REST, "a person does nothing", async || true).await;
        if spent(desktop) - before < NOTHING {
            break;
        }
    }
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
