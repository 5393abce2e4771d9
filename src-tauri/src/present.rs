//! Tells the page how things are: when the agent reports a change, and when time alone changes a text.

use evertoken_client::environment::wall_clock;
use std::time::Duration;

use evertoken_core::api::status::State;
use evertoken_core::present::window::{Trouble, View, stays_for};
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
        let (view, stays_for) = view(&known.borrow_and_update());
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
                until_seen(&mut known, A_GLANCE).await;
            }
            () = looks.next() => {}
            () = tokio::time::sleep(stays_for.min(LONGEST_SLEEP)), if window::is_seen(&app) => {}
        }
    }
}

/// Waits until no refresh is under way, at most for `most`: the results of several are drawn together.
async fn until_seen(known: &mut watch::Receiver<AgentView>, most: Duration) {
    let _ = tokio::time::timeout(most, known.wait_for(|now| !is_only_a_glance(now))).await;
}

/// Is an account refreshed whose token still works?
fn is_only_a_glance(known: &AgentView) -> bool {
    let AgentView::Report(report) = known else { return false };
    report.accounts.iter().any(|account| account.state == State::Refreshing && account.access_token.is_some())
}

/// The page now, and how long it can stay so.
pub(crate) fn view(known: &AgentView) -> (View, Duration) {
    let (now, wall) = (Timestamp::now(), wall_clock());
    match known {
        AgentView::Nothing | AgentView::Quit => (View::Connecting, LONGEST_SLEEP),
        AgentView::Trouble(problem) => (View::AgentUnavailable(Trouble::from(problem.clone())), LONGEST_SLEEP),
        AgentView::Report(report) => (View::of(report, now, &wall), stays_for(report, now, &wall)),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use evertoken_core::api::status::StatusReport;
    use serde_json::json;

    use super::*;

    fn known(states: [&str; 2]) -> AgentView {
        let token =
            json!({ "issued_at": "2026-11-22T08:00:00Z", "expires_at": "2026-11-23T08:00:00Z", "expires_in": 86_400 });
        let account = |state: &str| {
            json!({ "name": state, "default": false, "endpoint": "https://api.vault.ist/", "state": state, "scope": [],
                    "access_token": token, "refresh": { "failures": 0 }, "login": {} })
        };
        let agent = json!({ "version": "0.1.0", "pid": 1, "started_at": "2026-11-22T08:00:00Z" });
        let report = json!({ "agent": agent, "accounts": states.map(account) });
        AgentView::Report(serde_json::from_value::<StatusReport>(report).unwrap())
    }

    #[test]
    fn what_several_refreshes_bring_is_drawn_at_once() {
        let (tell, mut heard) = watch::channel(known(["refreshing", "valid"]));
        tauri::async_runtime::block_on(async {
            until_seen(&mut heard, Duration::ZERO).await;
            let mut seen = pin!(until_seen(&mut heard, Duration::MAX));
            for more in [["refreshing", "refreshing"], ["valid", "refreshing"]] {
                tell.send_replace(known(more));
                let waits = poll_fn(|cx| Poll::Ready(seen.as_mut().poll(cx).is_pending())).await;
                assert!(waits, "{more:?}");
            }

            tell.send_replace(known(["valid", "valid"]));

            let is_drawn = poll_fn(|cx| Poll::Ready(seen.as_mut().poll(cx).is_ready())).await;
            assert!(is_drawn);
        });
    }
}
