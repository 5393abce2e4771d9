//! The log: to standard error, filtered by `EVERTOKEN_LOG`, of our own modules only.

use std::io::{self, IsTerminal as _, Write};

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
        .with_writer(|| Lines)
        .with_ansi(cfg!(unix) && io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    let _ = tracing_subscriber::registry().with(ours).with(lines).try_init();
}

/// A line that nobody would read now is dropped. The agent waits for nobody: a terminal that was stopped with Ctrl-S, or a
/// pipe whose reader hangs.
struct Lines;

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if is_read() { standard_error().write(line) } else { Ok(line.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Does standard error take a line at once? A pipe that does has room for 4 KiB.
#[cfg(unix)]
fn is_read() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stderr = io::stderr();
    // One that is closed is no reason to wait either.
    poll(&mut [PollFd::new(&stderr, PollFlags::OUT)], Some(&Timespec::default())) != Ok(0)
}

#[cfg(not(unix))]
const fn is_read() -> bool {
    true
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
