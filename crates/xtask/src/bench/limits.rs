//! What the machine allows: small programs that do no more than a token read must, built and run beside the real ones. Ratios
//! tell more than figures, which are another machine's tomorrow.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use super::{ACCOUNT, Line, PATIENCE, median};
use crate::application::Application;
use crate::binaries::target;
use crate::command::{cargo, is_on_path, output, run};
use crate::private_desktop::{PrivateDesktop, until};
use crate::program::Program;

/// `evertoken token` beside a static program that asks a socket and prints what it says.
const COMMAND_BOUND: f64 = 1.25;
/// Of a whole `evertoken token`, from the loader's first to the last.
const INSTRUCTIONS_BOUND: f64 = 220_000.0;
/// A token read beside an answer that never changes: clients, whether they keep their connections, the least ratio.
const READS: [(u32, &str, f64); 3] = [(64, "new", 0.65), (8, "kept", 0.36), (64, "kept", 0.36)];
/// 99 % are answered within so many times what the echo server takes.
const SLOWEST_BOUND: f64 = 2.0;
/// A machine that others use too is faster in one second than in the next: all is measured in turn with its limit, so often, and
/// the median of the ratios counts.
const ROUNDS: u32 = 5;
const COMMANDS_EACH: u32 = 200;

/// The program that does no more than it must, and its server, which repeats the agent's own answer.
struct Limits<'a> {
    desktop: &'a PrivateDesktop,
    program: String,
    _server: Program,
    echo: PathBuf,
    agent: PathBuf,
}

/// Measures each for this many seconds.
pub(super) fn measure(application: &Application<'_>, desktop: &PrivateDesktop, seconds: u64) -> Result<Vec<Line>> {
    let limits = Limits::start(desktop)?;
    let mut lines = limits.command(application)?;
    for (clients, connections, bound) in READS {
        lines.extend(limits.reads(clients, connections, seconds, bound)?);
    }
    Ok(lines)
}

impl<'a> Limits<'a> {
    fn start(desktop: &'a PrivateDesktop) -> Result<Self> {
        let program = build()?;
        let agent = desktop.socket();
        let (echo, answer) = (desktop.path("echo.sock"), desktop.path("answer"));
        let mut curl = desktop.command("curl");
        curl.args(["--silent", "--include", "--unix-socket"]).arg(&agent).arg(format!("http://localhost{}", token()));
        fs::write(&answer, output(&mut curl)?)?;
        let server = Program::start(desktop.command(&program).arg("serve").arg(&echo).arg(&answer))?;
        until(PATIENCE, "the echo server does not start", || Ok(echo.exists()))?;
        Ok(Self { desktop, program, _server: server, echo, agent })
    }

    fn command(&self, application: &Application<'_>) -> Result<Vec<Line>> {
        let evertoken = self.installed(application.command("evertoken").get_program())?;
        let token = format!("{evertoken} token {ACCOUNT}");
        let limit = format!("{} ask {}", self.installed(self.program.as_ref())?, self.echo.display());
        let report = self.desktop.path("commands.csv");
        let (mut limits, mut tokens, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let mut hyperfine = self.desktop.command("hyperfine");
            hyperfine.args(["--shell=none", "--warmup", "50", "--runs", &COMMANDS_EACH.to_string()]);
            hyperfine.arg("--export-csv").arg(&report).args([&limit, &token]);
            run(hyperfine.stdout(Stdio::null()).stderr(Stdio::inherit()))?;
            let report = fs::read_to_string(&report)?;
            let (limit, token) = (median_of_row(&report, 1)?, median_of_row(&report, 2)?);
            limits.push(limit);
            tokens.push(token);
            ratios.push(token / limit);
        }
        let mut lines = vec![
            Line::figure("static echo client, median", median(limits), "ms"),
            Line::figure("evertoken token, median", median(tokens), "ms"),
            Line::new("evertoken token ÷ echo client", median(ratios), "×", COMMAND_BOUND),
        ];
        if is_on_path("valgrind") {
            lines.push(Line::new("evertoken token, instructions", self.instructions(&token)?, "", INSTRUCTIONS_BOUND));
        }
        Ok(lines)
    }

    /// A copy, as an installation makes one. How many of a program's pages a fault brings depends on how its file was last read.
    fn installed(&self, program: &OsStr) -> Result<String> {
        let name = Path::new(program).file_name().context("a program without a name")?;
        let copy = self.desktop.path("installed").join(name);
        fs::create_dir_all(self.desktop.path("installed"))?;
        fs::copy(program, &copy)?;
        Ok(copy.to_str().context("the desktop's folder is not text")?.to_owned())
    }

    fn instructions(&self, line: &str) -> Result<f64> {
        let log = self.desktop.path("callgrind.log");
        let mut valgrind = self.desktop.command("valgrind");
        valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
        valgrind.arg(format!("--log-file={}", log.display())).args(line.split(' '));
        output(&mut valgrind)?;
        collected(&fs::read_to_string(log)?)
    }

    fn reads(&self, clients: u32, connections: &str, seconds: u64, bound: f64) -> Result<Vec<Line>> {
        let ask = |socket: &Path, path: &str| {
            let seconds = (seconds / u64::from(ROUNDS)).max(1);
            load(self.desktop.command(&self.program), socket, path, clients, connections, seconds)
        };
        let (mut limits, mut refusals, mut reads, mut slowest) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (limit, limit_slowest) = ask(&self.echo, "/")?;
            let (refused, _) = ask(&self.agent, "/v1/nothing")?;
            let (read, read_slowest) = ask(&self.agent, &token())?;
            limits.push(limit);
            refusals.push(refused / limit);
            reads.push(read / limit);
            slowest.push(read_slowest / limit_slowest);
        }
        let what = |what: &str| format!("{what}, {clients} clients, {connections} connections");
        let mut lines = vec![
            Line::figure(what("echo server"), median(limits), "/s"),
            Line::figure(what("refused at once ÷ echo"), median(refusals), "×"),
            Line::at_least(what("token reads ÷ echo"), median(reads), "×", bound),
        ];
        if clients == 64 {
            lines.push(Line::new(what("99 % ÷ echo"), median(slowest), "×", SLOWEST_BOUND));
        }
        Ok(lines)
    }
}

/// Builds the program that does no more than it must, and tells where it is.
pub(super) fn build() -> Result<String> {
    run(&mut cargo("rustc --release --package xtask --example limit -- -C target-feature=+crt-static"))?;
    let program = target()?.join("release/examples/limit");
    Ok(program.to_str().context("the target folder's name is not text")?.to_owned())
}

pub(super) fn token() -> String {
    format!("/v1/accounts/{ACCOUNT}/token")
}

/// The median in milliseconds; hyperfine writes seconds in the fourth column.
fn median_of_row(csv: &str, row: usize) -> Result<f64> {
    let row = csv.lines().nth(row).context("hyperfine measured nothing")?;
    let seconds: f64 = row.split(',').nth(3).context("hyperfine's table has no median")?.parse()?;
    Ok(seconds * 1_000.0)
}

/// What callgrind counted.
fn collected(log: &str) -> Result<f64> {
    let count = log.lines().find_map(|line| line.split_once("Collected : ")).context("callgrind counted nothing")?;
    Ok(count.1.trim().parse()?)
}

/// Lets that many clients ask for so many seconds: the requests a second, and the microseconds within which 99 % were answered.
pub(super) fn load(
    mut limit: Command,
    socket: &Path,
    path: &str,
    clients: u32,
    connections: &str,
    seconds: u64,
) -> Result<(f64, f64)> {
    limit.arg("load").arg(socket).arg(path).arg(clients.to_string()).arg(connections).arg(seconds.to_string());
    rate_and_slowest(&output(&mut limit)?)
}

/// What the load prints.
fn rate_and_slowest(report: &str) -> Result<(f64, f64)> {
    let (rate, slowest) = report.trim().split_once(' ').context("the load measured nothing")?;
    Ok((rate.parse()?, slowest.parse()?))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn the_reports_are_read() {
        let csv = "command,mean,stddev,median,user,system,min,max\na,1,1,0.0005,1,1,1,1\nb,1,1,0.001,1,1,1,1\n";
        assert!((median_of_row(csv, 1).unwrap() - 0.5).abs() < 1e-9);
        assert!((median_of_row(csv, 2).unwrap() - 1.0).abs() < 1e-9);
        assert!(median_of_row(csv, 3).is_err());
        assert!((collected("==7== Events : Ir\n==7== Collected : 219999\n").unwrap() - 219_999.0).abs() < 1e-9);
        assert_eq!(rate_and_slowest("1000 27\n").unwrap(), (1000.0, 27.0));
        assert!(rate_and_slowest("").is_err());
    }
}
