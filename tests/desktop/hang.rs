//! A disk or a program that does not answer: strace(1) holds the agent in a system call.

use std::fs;
use std::path::{Path, PathBuf};

use super::deadline::eventually;
use super::effort::note;
use super::process::Process;
use super::procfs::{self, Pid};
use super::{Agent, Desktop};

/// Longer than anybody here waits.
const DELAY: &str = "delay_enter=60s";

/// Ends when this value goes: what was held goes on.
pub(crate) struct Hang {
    tracer: Process,
    log: PathBuf,
    call: &'static str,
}

impl Hang {
    /// From now on this system call of the agent hangs if it is about this file. `None`, and a word about it, where this
    /// process may not trace.
    pub(crate) async fn of(desktop: &Desktop, agent: &Agent, call: &'static str, file: &Path) -> Option<Self> {
        let log = desktop.environment.path(format!("logs/strace-{call}"));
        let mut command = desktop.environment.command("strace");
        command.args(["-f", "-qq", "-e", "signal=none", "-e", &format!("trace={call}")]);
        command.args(["-e", &format!("inject={call}:{DELAY}"), "-o"]).arg(&log).arg("-P").arg(file);
        command.args(["-p", &agent.pid().to_string()]);
        let mut tracer = Process::spawn(&mut command);
        let is_traced = eventually("the agent is traced", async || {
            if !tracer.is_running() {
                return Some(false);
            }
            is_traced(agent.pid()).then_some(true)
        })
        .await;
        if !is_traced {
            note("left out: this process may not trace another one (run the tests as root)");
            return None;
        }
        Some(Self { tracer, log, call })
    }

    /// Waits until the agent is in the call.
    pub(crate) async fn has_begun(&self) {
        let beginning = format!("{}(", self.call);
        eventually(&format!("the agent is in {}", self.call), async || {
            fs::read_to_string(&self.log).is_ok_and(|log| log.contains(&beginning)).then_some(())
        })
        .await;
    }
}

impl Drop for Hang {
    fn drop(&mut self) {
        self.tracer.quit();
    }
}

fn is_traced(pid: Pid) -> bool {
    procfs::threads(pid).iter().all(|status| !status.contains("TracerPid:\t0\n"))
}
