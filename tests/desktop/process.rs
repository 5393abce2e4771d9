//! A program that runs beside the test, and a program that runs to its end.

use std::fs;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::io::AsyncWriteExt;

use super::deadline::eventually;
use super::evidence;
use super::procfs::{self, Pid};

/// A running program. It is killed when this value goes.
pub(crate) struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts a program.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let name = name(command);
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        Self { child, name }
    }

    /// Starts a program and hands it its standard input.
    pub(crate) fn spawn_with_input(command: &mut Command, input: &[u8]) -> Self {
        let mut process = Self::spawn(command.stdin(Stdio::piped()));
        let mut stdin = process.child.stdin.take().unwrap();
        stdin.write_all(input).unwrap();
        process
    }

    /// Starts a program and reads its standard output up to and with the first line that `wanted` accepts. The pipe is
    /// drained to the end of the program, so that it never blocks or breaks.
    pub(crate) fn spawn_until_line<T>(command: &mut Command, mut wanted: impl FnMut(&str) -> Option<T>) -> (Self, T) {
        let mut process = Self::spawn(command.stdout(Stdio::piped()));
        let mut lines = BufReader::new(process.child.stdout.take().unwrap());
        let mut said = String::new();
        let found = loop {
            let start = said.len();
            assert!(
                lines.read_line(&mut said).unwrap() > 0,
                "{} ended before it was ready; it said: {said}{}",
                process.name,
                complaints(command)
            );
            if let Some(found) = wanted(said[start..].trim_end()) {
                break found;
            }
        };
        std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
        (process, found)
    }

    pub(crate) fn pid(&self) -> Pid {
        self.child.id()
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGKILL, and gone when this returns.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end and gives it a moment, for programs that leave something behind when they are killed.
    pub(crate) fn quit(&mut self) {
        procfs::signal(self.pid(), Signal::TERM);
        let end = Instant::now() + Duration::from_secs(2);
        while self.is_running() && Instant::now() < end {
            std::thread::yield_now();
        }
    }

    /// SIGTERM, then the end within a bound.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        procfs::signal(self.pid(), Signal::TERM);
        self.ended().await
    }

    /// Waits for the end within a bound.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let what = format!("{} ends", self.name);
        eventually(&what, async || self.child.try_wait().unwrap()).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The program behind `setpriv`, and its arguments.
fn line(command: &Command) -> String {
    let words: Vec<_> = command.get_args().skip(2).map(|word| word.to_string_lossy().into_owned()).collect();
    words.join(" ")
}

/// The program behind `setpriv`.
fn name(command: &Command) -> String {
    command.get_args().nth(2).map(|program| program.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The last lines that a program wrote to the log that its environment gave it.
fn complaints(command: &Command) -> String {
    let home = command.get_envs().find_map(|(name, value)| (name == "HOME").then_some(value?));
    let Some(folder) = home.and_then(|home| Path::new(home).parent()) else { return String::new() };
    let program = name(command);
    let program = Path::new(&program).file_name().unwrap_or_default().to_string_lossy();
    let log = fs::read_to_string(folder.join(format!("logs/{program}.log"))).unwrap_or_default();
    evidence::last_lines(&log)
}

/// How long a program that should end by itself may take.
const RUN_BOUND: Duration = Duration::from_secs(60);

/// What a program that ran to its end left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    command: String,
    /// The exit code; -1 when a signal ended it.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// Runs a program to its end with this standard input.
    pub(crate) async fn of(command: Command, input: &[u8]) -> Self {
        Self::within(RUN_BOUND, command, input).await
    }

    /// The same for a program that may take longer.
    pub(crate) async fn within(bound: Duration, command: Command, input: &[u8]) -> Self {
        if name(&command) == "chroot" {
            return Self::by_files(bound, command, input).await;
        }
        let line = line(&command);
        let mut child = tokio::process::Command::from(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {line}: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        // A program that fails before it reads its input closes the pipe; that is its right.
        let _ = stdin.write_all(input).await;
        drop(stdin);
        let output = tokio::time::timeout(bound, child.wait_with_output())
            .await
            .unwrap_or_else(|_| {
                panic!("`{line}` did not end, or left a child that keeps its output open, in {bound:?}")
            })
            .unwrap();
        Self {
            command: line,
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The same where programs in the background, which Wine starts, keep a pipe open.
    async fn by_files(bound: Duration, command: Command, input: &[u8]) -> Self {
        let line = line(&command);
        let files = [(); 2].map(|()| tempfile::tempfile().unwrap());
        let [stdout, stderr] = files.each_ref().map(|file| file.try_clone().unwrap());
        let mut child = tokio::process::Command::from(command)
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {line}: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        let _ = stdin.write_all(input).await;
        drop(stdin);
        let status = tokio::time::timeout(bound, child.wait()).await;
        let [stdout, stderr] = files.map(|mut file| {
            file.rewind().unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let status = status.unwrap_or_else(|_| panic!("`{line}` did not end in {bound:?}: {stdout}{stderr}")).unwrap();
        Self { command: line, code: status.code().unwrap_or(-1), stdout, stderr }
    }

    /// Standard output without the last newline; panics unless the program said 0.
    #[track_caller]
    pub(crate) fn succeeded(&self) -> &str {
        assert!(self.code == 0, "`{}` should succeed: {self:#?}", self.command);
        self.stdout.strip_suffix('\n').unwrap_or(&self.stdout)
    }

    /// Standard error; panics unless the program ended with this code, with nothing on standard output and with
    /// one or two lines a person can read.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32) -> &str {
        assert!(self.code == code, "`{}` should end with {code}: {self:#?}", self.command);
        assert!(self.stdout.is_empty(), "a failure prints no result: {self:#?}");
        let lines: Vec<_> = self.stderr.lines().filter(|line| !line.is_empty()).collect();
        assert!(
            (1..=3).contains(&lines.len()) && lines.iter().all(|line| line.len() > 3),
            "one line of what happened, one of what to do: {self:#?}"
        );
        for noise in ["panicked", "RUST_BACKTRACE", "Os {", "Error(", "os error"] {
            assert!(!self.stderr.contains(noise), "{noise} is no sentence: {self:#?}");
        }
        &self.stderr
    }
}
