//! Tells the page how things are: when the agent reports a change, and when time alone changes a text.

use evertoken_client::environment::wall_clock;
use std::time::Duration;

use evertoken_core::api::status::State;
use evertoken_core::present::window::{Trouble, View, reads_the_same_for};
use jiff::Timestamp;
use tauri::{AppHandle, Emitter, Manager};
use tokio::sync::watch;

use crate::attention::Attention;
use crate::follow::AgentView;
use crate::window;

/// The page's event.
const VIEW: &str = "view";
/// The timer stands still while the machine sleeps; a text is wrong no longer than this after it wakes.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// A refresh usually takes less: that it began need not be drawn, only what it brought.
const A_GLANCE: Duration = Duration::from_secs(1);

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
            changed = known.changed() => {
                if changed.is_err() {
                    return;
                }
                if is_only_a_glance(&known.borrow()) {
                    // What it brings follows at once; a second view, if nothing comes, is this one.
                    let _ = tokio::time::timeout(A_GLANCE, known.changed()).await;
                }
            }
            () = looks.next() => {}
            () = tokio::time::sleep(reads_the_same_for.min(LONGEST_SLEEP)), if window::is_seen(&app) => {}
        }
    }
}

/// Is an account refreshed whose token still works?
fn is_only_a_glance(known: &AgentView) -> bool {
    let AgentView::Report(report) = known else { return false };
    report.accounts.iter().any(|account| account.state == State::Refreshing && account.access_token.is_some())
}

/// The page now, and how long it reads the same.
pub(crate) fn view(known: &AgentView) -> (View, Duration) {
    let (now, wall) = (Timestamp::now(), wall_clock());
    match known {
        AgentView::Nothing | AgentView::Quit => (View::Connecting, LONGEST_SLEEP),
        AgentView::Trouble(problem) => (View::AgentUnavailable(Trouble::from(problem.clone())), LONGEST_SLEEP),
        AgentView::Report(report) => (View::of(report, now, &wall), reads_the_same_for(report, now, &wall)),
    }
}
