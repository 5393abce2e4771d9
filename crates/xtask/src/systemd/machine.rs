//! A machine that systemd boots, with its own processes, users, cgroups and network; it ends with the task.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::binaries::target;
use crate::command::{command, output, root, succeeds};
use crate::program::Program;

/// A busy machine boots in half a minute.
const BOOTS_WITHIN: Duration = Duration::from_secs(120);
const GLANCE: Duration = Duration::from_millis(100);
/// What changes in the machine lies in a folder above the root, which stays as it was made. $1: the folder with `root`,
/// the rest: the machine's command line.
const MOUNT_AND_BOOT: &str =
    "mount -t overlay overlay -o lowerdir=$1/root,upperdir=$1/changes,workdir=$1/work $1/merged
    cd $1 && shift && exec \"$@\"";
/// What a failed script did last.
const LAST_COMMANDS: &str = "tail -n 25 /root/trace | cut -c 1-160";
/// The folders of that.
const OVERLAY: [&str; 3] = ["changes", "work", "merged"];

pub(super) struct Machine {
    program: Program,
    log: PathBuf,
}

impl Machine {
    /// Starts it and waits until its services run.
    pub(super) fn boot(folder: &Path) -> Result<Self> {
        for name in OVERLAY {
            let part = folder.join(name);
            if part.exists() {
                fs::remove_dir_all(&part)?;
            }
            fs::create_dir_all(part)?;
        }
        let log = folder.join("console.log");
        let console = fs::File::create(&log)?;
        // The whole of it dies with this task, whatever ends the task.
        let mut boot = command("setpriv");
        boot.args(["--pdeathsig", "TERM", "unshare", "--mount", "--propagation", "private"]);
        boot.args(["sh", "-ec", MOUNT_AND_BOOT, "sh"]).arg(folder);
        boot.args(["systemd-nspawn", "--directory=merged", "--boot", "--register=no", "--keep-unit"]);
        boot.args(["--private-network", "--machine=evertoken-test", "--hostname=server"]);
        // The built programs, this workspace and the blocks of the page, for reading.
        boot.arg(format!("--bind-ro={}:/opt/built", target()?.join("debug").display()));
        boot.arg(format!("--bind-ro={}:/opt/source", root().display()));
        boot.arg(format!("--bind-ro={}:/opt/page", folder.join("page").display()));
        boot.stdin(Stdio::null()).stdout(console.try_clone()?).stderr(console);
        let mut machine = Self { program: Program::start(&mut boot)?, log };
        machine.until_it_runs(None)?;
        Ok(machine)
    }

    /// As `systemctl reboot` does it.
    pub(super) fn reboot(&mut self) -> Result<()> {
        let before = self.leader();
        self.run("systemctl reboot")?;
        self.until_it_runs(before)
    }

    /// Runs a script of bash as root; where it fails, its last commands and the agent's words are shown.
    pub(super) fn run(&self, script: &str) -> Result<()> {
        let mut bash = self.command("bash")?.arg("-eu").stdin(Stdio::piped()).spawn()?;
        bash.stdin.take().context("bash has no input")?.write_all(script.as_bytes())?;
        let status = bash.wait()?;
        if !status.success() {
            bail!("{status}\n{}", output(self.command("sh")?.args(["-c", LAST_COMMANDS]))?);
        }
        Ok(())
    }

    fn until_it_runs(&mut self, leader_before: Option<u32>) -> Result<()> {
        let begin = Instant::now();
        while begin.elapsed() < BOOTS_WITHIN {
            if self.program.has_ended() {
                bail!("the machine does not start:\n{}", fs::read_to_string(&self.log).unwrap_or_default());
            }
            let is_new = self.leader().is_some_and(|leader| Some(leader) != leader_before);
            if is_new && succeeds(self.command("systemctl")?.args(["is-active", "--quiet", "multi-user.target"])) {
                return Ok(());
            }
            thread::sleep(GLANCE);
        }
        bail!("the machine is not up after {} s; its console: {}", BOOTS_WITHIN.as_secs(), self.log.display())
    }

    /// The process that is the first one in the machine.
    fn leader(&self) -> Option<u32> {
        let id = self.program.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
        children.split(' ').next()?.parse().ok()
    }

    /// A command in the machine, as root and with nothing of this environment.
    fn command(&self, program: &str) -> Result<Command> {
        let leader = self.leader().context("the machine has ended")?;
        let mut enter = command("nsenter");
        enter.args(["--target", &leader.to_string(), "--all", "/usr/bin/env", "--ignore-environment"]);
        enter.args(["HOME=/root", "USER=root", "LOGNAME=root", "LANG=C.UTF-8"]);
        enter.args(["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", program]);
        Ok(enter)
    }
}
