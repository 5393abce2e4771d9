//! An agent that systemd started takes the place of one that runs already.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use tracing::info;

use super::lock_holder::holder;

/// A rotation that has begun is finished before an agent ends: up to 40 s.
const ENDS_WITHIN: Duration = Duration::from_secs(45);
const PAUSE: Duration = Duration::from_millis(50);
/// What the kernel calls our program (at most 15 bytes).
const AGENT: &str = "evertoken-agent";

/// Asks the agent that holds this lock to end, and waits until `is_free`. `false`: it is no agent, or it stays.
pub(crate) fn ask_to_end(lock: &Path, mut is_free: impl FnMut() -> io::Result<bool>) -> io::Result<bool> {
    let Some(holder) = holder(lock).filter(|holder| holder.program == AGENT) else { return Ok(false) };
    info!(pid = holder.pid, "the agent that runs already is asked to end");
    if !terminate(holder.pid) {
        return Ok(false);
    }
    let end = Instant::now() + ENDS_WITHIN;
    while Instant::now() < end {
        if is_free()? {
            return Ok(true);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(false)
}

#[cfg(unix)]
fn terminate(pid: u32) -> bool {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok())
}

#[cfg(not(unix))]
const fn terminate(_pid: u32) -> bool {
    false
}
