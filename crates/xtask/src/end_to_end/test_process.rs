//! One test in a process of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::procfs;

/// How a line begins that is for us alone.
pub(super) const LEFT_TO_ITSELF: &str = "left to itself: ";

/// A test that runs.
pub(super) struct TestProcess {
    id: u32,
    overdue: Instant,
}

/// Waits for its end.
pub(super) struct Waiter {
    child: Child,
    name: String,
    begin: Instant,
    said: PathBuf,
}

/// A test that has ended.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) name: String,
    pub(super) passed: bool,
    pub(super) took: Duration,
    /// On a processor, its children included; unknown where the kernel does not tell.
    pub(super) processor: Option<Duration>,
    /// Everything that it said.
    pub(super) said: String,
}

impl TestProcess {
    /// Starts a test that may take so long at most. What it says is kept in a file in this folder.
    pub(super) fn start(mut command: Command, name: &str, place: &Path, bound: Duration) -> Result<(Self, Waiter)> {
        let said = place.join(format!("{}.txt", name.replace("::", "-")));
        let file = File::create(&said).with_context(|| format!("cannot write {}", said.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("cannot start the test {name}"))?;
        let begin = Instant::now();
        let test = Self { id: child.id(), overdue: begin + bound };
        Ok((test, Waiter { child, name: name.to_owned(), begin, said }))
    }

    /// Ends a test that takes too long; its programs end with it.
    pub(super) fn end_if_overdue(&self) {
        if Instant::now() > self.overdue {
            self.end();
        }
    }

    pub(super) fn end(&self) {
        procfs::kill(self.id);
    }
}

/// What a test says of programs that nobody waited for: the kernel does not count them to it.
fn left_to_itself(said: &str) -> Duration {
    let seconds = said.lines().filter_map(|line| line.strip_prefix(LEFT_TO_ITSELF)?.strip_suffix(" s on a processor"));
    Duration::from_secs_f64(seconds.filter_map(|seconds| seconds.parse::<f64>().ok()).sum())
}

impl Waiter {
    pub(super) fn finish(mut self) -> Finished {
        let processor = procfs::processor_time_at_the_end(self.child.id());
        let status = self.child.wait();
        let took = self.begin.elapsed();
        let mut said = String::from_utf8_lossy(&fs::read(&self.said).unwrap_or_default()).into_owned();
        let processor = processor.map(|time| time + left_to_itself(&said));
        match &status {
            Ok(status) if status.code().is_none() => said.push_str(&format!("ended by a signal: {status}\n")),
            Ok(_) => {}
            Err(error) => said.push_str(&format!("cannot wait for the test: {error}\n")),
        }
        Finished { name: self.name, passed: status.is_ok_and(|status| status.success()), took, processor, said }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_nobody_waited_for_count_too() {
        let said = "left to itself: 1.50 s on a processor\nleft to itself: x\nleft to itself: 0.25 s on a processor\n";
        assert_eq!(left_to_itself(said), Duration::from_millis(1_750));
    }
}
