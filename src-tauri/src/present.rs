//! Tells the page how things are: when the agent reports a change, and when time alone changes a text.

use std::time::Duration;

use evertoken_core::present::window::{Trouble, View, reads_the_same_for};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tauri::{AppHandle, Emitter, Manager};
use tokio::sync::watch;

use crate::attention::Attention;
use crate::follow::AgentView;
use crate::window;

/// The page's event.
const VIEW: &str = "view";
/// The timer stands still while the machine sleeps; a text is wrong no longer than this after it wakes.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Starts to tell.
pub(crate) fn begin(app: &AppHandle) {
    tauri::async_runtime::spawn(present(app.clone()));
}

async fn present(app: AppHandle) {
    let mut known = app.state::<watch::Sender<AgentView>>().subscribe();
    let looks = app.state::<Attention>().inner().clone();
    let mut told = None;
    loop {
        if matches!(*known.borrow(), AgentView::Quit) {
            // Nothing is left to show: tokens are not refreshed any more.
            return window::close(&app);
        }
        let (view, reads_the_same_for) = view(&known.borrow_and_update());
        if told.as_ref() != Some(&view) {
            // A page that has gone needs no view.
            let _ = app.emit_to(window::LABEL, VIEW, &view);
            told = Some(view);
        }
        tokio::select! {
            changed = known.changed() => if changed.is_err() { return },
            () = looks.next() => {}
            () = tokio::time::sleep(reads_the_same_for.min(LONGEST_SLEEP)), if window::is_seen(&app) => {}
        }
    }
}

/// The page now, and how long it reads the same.
pub(crate) fn view(known: &AgentView) -> (View, Duration) {
    let (now, zone) = (Timestamp::now(), TimeZone::system());
    match known {
        AgentView::Nothing | AgentView::Quit => (View::Connecting, LONGEST_SLEEP),
        AgentView::Trouble(problem) => (View::AgentUnavailable(Trouble::from(problem.clone())), LONGEST_SLEEP),
        AgentView::Report(report) => (View::of(report, now, &zone), reads_the_same_for(report, now, &zone)),
    }
}
