//! The log: to standard error, filtered by `EVERTOKEN_LOG`, of this crate only. Methods, origins, paths and statuses;
//! no query, no header, no body.

use std::io::{self, IsTerminal};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts the log. Libraries stay silent at every level: what an HTTP library says at `trace` may be a token.
/// Warnings only unless more is wanted: the terminal may be a command's.
pub(crate) fn start() {
    let wanted = std::env::var("EVERTOKEN_LOG").ok();
    let level = wanted.and_then(|text| text.trim().parse().ok()).unwrap_or(LevelFilter::WARN);
    let ours = Targets::new().with_target("evertoken_proxy", level);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(cfg!(unix) && io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    let _ = tracing_subscriber::registry().with(ours).with(lines).try_init();
}
