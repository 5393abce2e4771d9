//! Waiting for a condition, with an end.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

/// How long a test waits for something that should happen at once. Generous, because two tests share a loaded
/// two-core machine with a compiler.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How often a condition is looked at that nobody announces.
const GLANCE: Duration = Duration::from_millis(15);

/// Looks until `probe` answers `Some`, and panics with `what` when it has not within [`PATIENCE`].
pub(crate) async fn eventually<T>(what: &str, probe: impl AsyncFnMut() -> Option<T>) -> T {
    within(PATIENCE, what, probe).await
}

/// Like [`eventually`], with a bound of its own.
pub(crate) async fn within<T>(bound: Duration, what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    succeeds_within(bound, what, async || probe().await.ok_or("it did not happen")).await
}

/// Like [`within`]; panics with what the last try said, too.
pub(crate) async fn succeeds_within<T, E: Display>(
    bound: Duration,
    what: &str,
    mut probe: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let end = Instant::now() + bound;
    let mut glances = interval(GLANCE);
    glances.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        glances.tick().await;
        match probe().await {
            Ok(seen) => return seen,
            Err(why) => assert!(Instant::now() < end, "not within {bound:?}: {what}: {why}"),
        }
    }
}

/// Looks for the whole of `span` and panics as soon as `probe` is false: for things that must *not* happen.
pub(crate) async fn throughout(span: Duration, what: &str, mut probe: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + span;
    let mut glances = interval(GLANCE);
    glances.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < end {
        glances.tick().await;
        assert!(probe().await, "no longer true: {what}");
    }
}
