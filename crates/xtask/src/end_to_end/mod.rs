//! Runs the end-to-end tests, each in a process of its own: long ones first, as many at once as the machine carries.

mod costs;
mod report;
mod schedule;
mod test_process;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::binaries::target;
use crate::command::{output, root};
use costs::Costs;
use schedule::{Schedule, machine_is_crowded};
use test_process::{Finished, TestProcess};

/// How often it is looked whether another test can start.
const GLANCE: Duration = Duration::from_millis(250);

/// The tests of this module run in Wine's Debian alone.
pub(crate) const NEEDS_WINE: &str = "windows::";

/// The tests of this module need desktops that only `cargo xtask desktops` installs.
pub(crate) const NEEDS_DESKTOPS: &str = "desktops::";

/// The built test program, and what it is started with.
pub(crate) struct EndToEnd {
    /// The built `end_to_end`.
    pub(crate) program: PathBuf,
    /// Makes a command that is shut off from the person's own desktop.
    pub(crate) command: fn(&Path) -> Result<Command>,
    /// Repeat what depends on chance far more often.
    pub(crate) soak: bool,
    /// Where pictures go, if not to the target folder.
    pub(crate) pictures: Option<PathBuf>,
}

/// What a run is told while its tests are being prepared.
pub(crate) enum Prepared {
    /// These tests can run from now on.
    Tests(Vec<String>),
    /// What the others need cannot be had.
    Failed,
}

impl EndToEnd {
    /// The names of the tests whose name contains `filter`; those that need more only where they are asked for.
    pub(crate) fn names(&self, filter: &str) -> Result<Vec<String>> {
        let listed = output(self.command()?.args(["--list", "--format", "terse"]))?;
        let names = listed.lines().filter_map(|line| line.strip_suffix(": test"));
        let needs_more = |name: &str| [NEEDS_WINE, NEEDS_DESKTOPS].into_iter().find(|more| name.starts_with(more));
        let is_meant = |name: &&str| name.contains(filter) && needs_more(name).is_none_or(|more| more == filter);
        Ok(names.filter(is_meant).map(str::to_owned).collect())
    }

    /// Runs these tests and fails if one fails. How long each took is kept for the next run.
    pub(crate) fn run(&self, names: Vec<String>) -> Result<()> {
        let (prepared, tests) = channel();
        prepared.send(Prepared::Tests(names))?;
        drop(prepared);
        self.run_as_prepared(&tests)
    }

    /// The same for tests of which some are still being prepared.
    pub(crate) fn run_as_prepared(&self, tests: &Receiver<Prepared>) -> Result<()> {
        let begin = Instant::now();
        let place = target()?.join("end-to-end");
        fs::create_dir_all(&place)?;
        let mut costs = Costs::read(&place);
        let finished = self.run_all(tests, &costs, &place)?;
        costs.learn(&finished);
        costs.write(&place)?;
        report::longest(&finished);
        let failed = report::failures(&finished);
        report::result(&finished, begin.elapsed());
        if failed > 0 {
            bail!("{failed} of the end-to-end tests failed; what they said is in {}", place.display());
        }
        Ok(())
    }

    fn run_all(&self, tests: &Receiver<Prepared>, costs: &Costs, place: &Path) -> Result<Vec<Finished>> {
        let (ended, ends) = channel();
        let mut schedule = Schedule::default();
        let mut running = BTreeMap::new();
        let mut finished = Vec::new();
        let mut more_to_come = true;
        while more_to_come || !schedule.is_empty() || !running.is_empty() {
            match tests.try_recv() {
                Ok(Prepared::Tests(names)) => schedule.add(names.into_iter().map(|name| (costs.of(&name), name))),
                Ok(Prepared::Failed) => {
                    running.values().for_each(|(_, test): &(_, TestProcess)| test.end());
                    bail!("the other end-to-end tests cannot run");
                }
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => more_to_come = false,
            }
            while let Some((name, cost)) = schedule.next(machine_is_crowded()) {
                running.insert(name.clone(), (cost, self.start(&name, place, &ended)?));
            }
            let Ok(test) = ends.recv_timeout(GLANCE) else {
                running.values().for_each(|(_, test)| test.end_if_overdue());
                continue;
            };
            if let Some((cost, _)) = running.remove(&test.name) {
                schedule.has_ended(cost);
            }
            report::one(&test);
            finished.push(test);
        }
        Ok(finished)
    }

    fn start(&self, name: &str, place: &Path, ended: &Sender<Finished>) -> Result<TestProcess> {
        let mut command = self.command()?;
        // Where it failed is in the message; a backtrace would push away what the programs said.
        command.args(["--exact", name, "--nocapture"]).env_remove("RUST_BACKTRACE");
        let (test, waiter) = TestProcess::start(command, name, place, self.bound())?;
        let ended = ended.clone();
        thread::spawn(move || ended.send(waiter.finish()));
        Ok(test)
    }

    /// No test takes half as long; a test that still runs then waits for something that never comes.
    fn bound(&self) -> Duration {
        Duration::from_secs(if self.soak { 3 * 60 * 60 } else { 10 * 60 })
    }

    fn command(&self) -> Result<Command> {
        let mut command = (self.command)(&self.program)?;
        command.current_dir(root().join("tests"));
        if self.soak {
            command.env("EVERTOKEN_SOAK", "1");
        }
        if let Some(folder) = &self.pictures {
            command.env("EVERTOKEN_ARTEFACTS", folder);
        }
        Ok(command)
    }
}
