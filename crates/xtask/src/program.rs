//! A program that runs beside the task, and ends with it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// How long a program may take to be ready, or to end after SIGTERM: longer than the agent's own bound for a request
/// on its way.
const PATIENCE: Duration = Duration::from_secs(40);
const GLANCE: Duration = Duration::from_millis(20);

/// A line of a program's standard output.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) read_at: Instant,
}

/// A running program. It gets SIGTERM when this value goes, and SIGKILL if it does not heed it.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    name: String,
}

impl Program {
    /// Starts a program in a process group of its own, so that Ctrl-C reaches the task alone, which then ends its
    /// programs in the right order.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let name = crate::command::shown(command);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { child, name })
    }

    /// Starts a program and hands on its lines as they come. They are read to the end even if nobody listens any
    /// more, or the program would stop at a full pipe.
    pub(crate) fn start_reading(command: &mut Command) -> Result<(Self, Receiver<Line>)> {
        let mut program = Self::start(command.stdout(Stdio::piped()))?;
        let Some(stdout) = program.child.stdout.take() else { bail!("{} has no output", program.name) };
        let (sender, lines) = channel();
        thread::spawn(move || {
            for text in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(Line { text, read_at: Instant::now() });
            }
        });
        Ok((program, lines))
    }

    /// Starts a program and waits for the first line of its standard output that `wanted` accepts.
    pub(crate) fn start_until_line<T>(command: &mut Command, wanted: impl Fn(&str) -> Option<T>) -> Result<(Self, T)> {
        let (mut program, lines) = Self::start_reading(command)?;
        loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    if let Some(found) = wanted(&line.text) {
                        return Ok((program, found));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    bail!("`{}` is not ready after {} s", program.name, PATIENCE.as_secs())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = program.child.wait()?;
                    bail!("`{}` ended before it was ready ({status})", program.name)
                }
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGTERM, then the end.
    pub(crate) fn end(&mut self) -> Result<ExitStatus> {
        let start = Instant::now();
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        terminate(&mut self.child);
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(GLANCE);
        }
        self.child.kill()?;
        Ok(self.child.wait()?)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("`{}` could not be ended: {error:#}", self.name);
        }
    }
}

#[cfg(unix)]
fn terminate(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process};
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // An error means that it has ended already.
        let _ = kill_process(pid, Signal::TERM);
    }
}

#[cfg(not(unix))]
fn terminate(child: &mut Child) {
    let _ = child.kill();
}

#[cfg(all(test, unix))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn a_program_is_asked_before_it_is_killed() {
        let mut command = Command::new("sh");
        command.args(["-c", "trap 'exit 7' TERM; echo ready; while :; do read x; done"]).stdin(Stdio::piped());
        let (mut program, line) = Program::start_until_line(&mut command, |line| Some(line.to_owned())).unwrap();
        assert_eq!(line, "ready");
        assert!(!program.has_ended());
        program.child.stdin.take();
        assert_eq!(program.end().unwrap().code(), Some(7));
        assert!(program.has_ended());
    }

    #[test]
    fn a_program_that_ends_too_early_is_an_error_and_no_endless_wait() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo other; exit 4"]);
        let error = Program::start_until_line(&mut command, |line| (line == "ready").then_some(())).unwrap_err();
        assert!(error.to_string().contains("ended before it was ready"), "{error}");
    }
}
