//! The log: to standard error, filtered by `EVERTOKEN_LOG`, of our own modules only.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::standard_error::standard_error;

/// Starts the log. Libraries stay silent at every level: what an HTTP or D-Bus library says at `trace` may be a
/// token.
pub(crate) fn start() {
    let level = level(std::env::var("EVERTOKEN_LOG").ok().as_deref());
    let ours = Targets::new().with_target("evertoken", level);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(standard_error)
        .with_ansi(cfg!(unix) && io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    let _ = tracing_subscriber::registry().with(ours).with(lines).try_init();
}

fn level(wanted: Option<&str>) -> LevelFilter {
    wanted.and_then(|text| text.trim().parse().ok()).unwrap_or(LevelFilter::INFO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_in_the_variable_does_not_silence_the_log() {
        assert_eq!(level(Some("trace")), LevelFilter::TRACE);
        assert_eq!(level(Some("off")), LevelFilter::OFF);
        assert_eq!(level(Some("reqwest=trace")), LevelFilter::INFO);
        assert_eq!(level(None), LevelFilter::INFO);
    }
}
