//! A machine that systemd boots, with its own processes, users, cgroups and network; it ends with the task.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::command::{command, output, succeeds};
use crate::program::Program;

/// A busy machine boots or ends in half a minute.
const PATIENCE: Duration = Duration::from_secs(120);
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

pub(crate) struct Machine {
    program: Program,
    folder: PathBuf,
    shown: Vec<Shown>,
}

/// A folder of this machine that the booted one reads below `/opt`.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) folder: PathBuf,
    pub(crate) name: &'static str,
}

impl Machine {
    /// A machine with nothing on it, whose services run.
    pub(crate) fn boot(folder: &Path, shown: Vec<Shown>) -> Result<Self> {
        for name in OVERLAY {
            let part = folder.join(name);
            if part.exists() {
                fs::remove_dir_all(&part)?;
            }
            fs::create_dir_all(part)?;
        }
        let machine = Self { program: start(folder, &shown)?, folder: folder.to_owned(), shown };
        machine.until_it_runs()
    }

    /// As `systemctl reboot` does it.
    pub(crate) fn reboot(mut self) -> Result<Self> {
        self.run("systemctl reboot")?;
        self.wait(|machine| Ok(machine.program.has_ended()))?;
        let program = start(&self.folder, &self.shown)?;
        let machine = Self { program, folder: self.folder.clone(), shown: self.shown.clone() };
        machine.until_it_runs()
    }

    /// Runs a script of bash as root; where it fails, its last commands and the agent's words are shown.
    pub(crate) fn run(&self, script: &str) -> Result<()> {
        let mut bash = self.command("bash")?.arg("-eu").stdin(Stdio::piped()).spawn()?;
        bash.stdin.take().context("bash has no input")?.write_all(script.as_bytes())?;
        let status = bash.wait()?;
        if !status.success() {
            bail!("{status}\n{}", output(self.command("sh")?.args(["-c", LAST_COMMANDS]))?);
        }
        Ok(())
    }

    fn until_it_runs(mut self) -> Result<Self> {
        self.wait(|machine| {
            if machine.program.has_ended() {
                bail!("the machine does not start; its console: {}", console(&machine.folder).display());
            }
            let Some(_) = machine.leader() else { return Ok(false) };
            Ok(succeeds(machine.command("systemctl")?.args(["is-active", "--quiet", "multi-user.target"])))
        })?;
        Ok(self)
    }

    fn wait(&mut self, condition: impl Fn(&mut Self) -> Result<bool>) -> Result<()> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if condition(self)? {
                return Ok(());
            }
            thread::sleep(GLANCE);
        }
        bail!(
            "the machine takes longer than {} s; its console: {}",
            PATIENCE.as_secs(),
            console(&self.folder).display()
        )
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

fn console(folder: &Path) -> PathBuf {
    folder.join("console.log")
}

/// The whole of it dies with this task, whatever ends the task.
fn start(folder: &Path, shown: &[Shown]) -> Result<Program> {
    let log = fs::File::options().create(true).append(true).open(console(folder))?;
    let mut boot = command("setpriv");
    boot.args(["--pdeathsig", "TERM", "unshare", "--mount", "--propagation", "private"]);
    boot.args(["sh", "-ec", MOUNT_AND_BOOT, "sh"]).arg(folder);
    boot.args(["systemd-nspawn", "--directory=merged", "--boot", "--register=no", "--keep-unit"]);
    boot.args(["--private-network", "--machine=evertoken-test", "--hostname=server"]);
    boot.args(shown.iter().map(|it| format!("--bind-ro={}:/opt/{}", it.folder.display(), it.name)));
    Program::start(boot.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log))
}
