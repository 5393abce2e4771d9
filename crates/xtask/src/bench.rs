//! `cargo xtask bench`: what the README says about size and speed, measured in the release build.

mod accounts;
mod calm;
mod limits;
mod proxy;
mod refresh;
mod window;

use std::fs;
use std::process::Stdio;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::application::Application;
use crate::binaries::{Binaries, Profile};
use crate::command::{output, run};
use crate::interrupt::Interrupt;
use crate::private_desktop::PrivateDesktop;
use crate::program::{self, Program};
use crate::sandbox::Sandbox;
use crate::{procfs, setup};

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Options {
    /// Seconds over which the idle agent's wake-ups are counted
    #[arg(long, default_value_t = 120, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    idle: u64,
    /// How often the agent is started for the start time
    #[arg(long, default_value_t = 10, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(1..))]
    starts: u32,
    /// Seconds for which the proxy is under load
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    load: u64,
    /// How often the window is opened for the time until it is painted
    #[arg(long, default_value_t = 10, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(1..))]
    openings: u32,
    /// Only the proxy
    #[arg(long)]
    proxy: bool,
    /// Only the window
    #[arg(long, conflicts_with_all = ["proxy", "reads"])]
    window: bool,
    /// Only token reads, compared with the machine's limit
    #[arg(long, conflicts_with = "proxy")]
    reads: bool,
    /// Only a refresh and its parts
    #[arg(long, conflicts_with_all = ["proxy", "reads", "window"])]
    refresh: bool,
    /// Only ten thousand accounts beside one
    #[arg(long, conflicts_with_all = ["proxy", "reads", "window", "refresh"])]
    accounts: bool,
}

/// `evertoken token`, on average.
const LATENCY_BOUND_MS: f64 = 2.5;
/// From the start of the process to the icon's registration, median.
const START_BOUND_MS: f64 = 50.0;
/// Proportional set size of the idle agent with a tray icon, one account and a refresh over TLS behind it.
const MEMORY_BOUND_MIB: f64 = 6.0;
const PRIVATE_DIRTY_BOUND_MIB: f64 = 1.2;
/// Of all threads of the idle agent.
const SWITCHES_BOUND: f64 = 2.0;
/// What a refresh leaves behind (connections that close, pages that are given back) has passed after this.
const SETTLING: Duration = Duration::from_secs(30);
/// How long an icon or a window may take before the measurement gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// The call with which an icon registers at the panel.
const REGISTRATION: &str = "RegisterStatusNotifierItem";

const ACCOUNT: &str = "bench";
/// `evertoken`: the keychain is locked or unavailable.
const KEYCHAIN_UNAVAILABLE: i32 = 5;

/// Measures, prints a line each, and fails when a bound is broken.
pub(crate) fn bench(options: Options) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("the measurements read /proc and a D-Bus desktop: run them on Linux");
    }
    setup::for_measuring()?;
    let binaries =
        Binaries::build(Profile::Release, !(options.proxy || options.reads || options.refresh || options.accounts))?;
    let interrupt = Interrupt::catch()?;
    let mut desktop = PrivateDesktop::start()?;
    let certificate = desktop.path("sandbox.pem");
    let sandbox = Sandbox::start(binaries.command("evertoken-sandbox").arg("--tls-cert").arg(&certificate))?;
    desktop.trust(&certificate)?;
    let application = Application::new(&binaries, desktop.variables());

    if options.proxy {
        let _agent = application.start_agent()?;
        log_in(&application, &desktop, &sandbox, ACCOUNT)?;
        return print(&proxy::measure(&application, &desktop, options.load)?);
    }
    if options.reads {
        let _agent = application.start_agent()?;
        log_in(&application, &desktop, &sandbox, ACCOUNT)?;
        return print(&limits::measure(&application, &desktop, options.load)?);
    }
    if options.refresh {
        let agent = application.start_agent()?;
        log_in(&application, &desktop, &sandbox, ACCOUNT)?;
        return print(&refresh::measure(&application, &desktop, &sandbox, agent, &interrupt)?);
    }
    if options.accounts {
        return print(&accounts::measure(&application, &desktop, &sandbox, options.load, &interrupt)?);
    }
    if options.window {
        let agent = application.start_agent()?;
        log_in(&application, &desktop, &sandbox, ACCOUNT)?;
        let opening = window::measure(&desktop, agent.id(), options.openings)?;
        return print(&[vec![opening], calm::measure(&binaries, &application, &desktop)?].concat());
    }
    let (starts, agent) = start_repeatedly(&application, &desktop, &sandbox, options.starts)?;
    let start = median(starts);
    let latency = latency(&application, &desktop)?;
    refresh_once(&application, &interrupt)?;
    println!("Waiting {} s for the agent to come to rest, then counting for {} s.", SETTLING.as_secs(), options.idle);
    pause(&interrupt, SETTLING)?;
    let before = procfs::context_switches(agent.id())?;
    pause(&interrupt, Duration::from_secs(options.idle))?;
    let switches = procfs::context_switches(agent.id())? - before;
    let memory = procfs::memory(agent.id())?;

    #[expect(clippy::cast_precision_loss, reason = "counts and kibibytes far below 2^52")]
    let (per_minute, mib) = (switches as f64 * 60.0 / options.idle as f64, |kib: u64| kib as f64 / 1024.0);
    let mut lines = vec![
        Line::new("evertoken token, mean", latency, "ms", LATENCY_BOUND_MS),
        Line::new("agent, start to tray, median", start, "ms", START_BOUND_MS),
        Line::new("idle agent, memory (PSS)", mib(memory.proportional), "MiB", MEMORY_BOUND_MIB),
        Line::new("idle agent, private dirty memory", mib(memory.private_dirty), "MiB", PRIVATE_DIRTY_BOUND_MIB),
        Line::new("idle agent, context switches", per_minute, "/min", SWITCHES_BOUND),
    ];
    lines.push(window::measure(&desktop, agent.id(), options.openings)?);
    lines.extend(limits::measure(&application, &desktop, options.load)?);
    lines.extend(proxy::measure(&application, &desktop, options.load)?);
    lines.extend(calm::measure(&binaries, &application, &desktop)?);
    lines.extend(refresh::measure(&application, &desktop, &sandbox, agent, &interrupt)?);
    lines.extend(accounts::measure(&application, &desktop, &sandbox, options.load, &interrupt)?);
    print(&lines)
}

fn print(lines: &[Line]) -> Result<()> {
    println!();
    for line in lines {
        println!("{}", line.shown());
    }
    if lines.iter().any(|line| !line.holds()) {
        bail!("a bound is broken");
    }
    Ok(())
}

/// One result, and what it is held against.
#[derive(Debug, Clone)]
struct Line {
    what: String,
    value: f64,
    unit: &'static str,
    bound: Bound,
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    Most(f64),
    Least(f64),
    /// It is there to be read.
    Free,
}

impl Line {
    fn new(what: impl Into<String>, value: f64, unit: &'static str, bound: f64) -> Self {
        Self { what: what.into(), value, unit, bound: Bound::Most(bound) }
    }

    fn at_least(what: impl Into<String>, value: f64, unit: &'static str, bound: f64) -> Self {
        Self { what: what.into(), value, unit, bound: Bound::Least(bound) }
    }

    fn figure(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { what: what.into(), value, unit, bound: Bound::Free }
    }

    fn holds(&self) -> bool {
        match self.bound {
            Bound::Most(bound) => self.value <= bound,
            Bound::Least(bound) => self.value >= bound,
            Bound::Free => true,
        }
    }

    fn shown(&self) -> String {
        let bound = match self.bound {
            Bound::Most(bound) => format!("(at most {bound})"),
            Bound::Least(bound) => format!("(at least {bound})"),
            Bound::Free => String::new(),
        };
        let verdict = if self.holds() { "" } else { "  BROKEN" };
        let line = format!("{:<52}{:>10.2} {:<5} {bound}{verdict}", self.what, self.value, self.unit);
        line.trim_end().to_owned()
    }
}

/// Starts the agent so many times, in milliseconds to its icon; the first time it also logs in. The last one stays.
fn start_repeatedly(
    application: &Application<'_>,
    desktop: &PrivateDesktop,
    sandbox: &Sandbox,
    times: u32,
) -> Result<(Vec<f64>, Program)> {
    let mut agent = application.start_agent()?;
    log_in(application, desktop, sandbox, ACCOUNT)?;
    let (_monitor, tray) = watch_calls(desktop, REGISTRATION)?;
    let mut starts = Vec::new();
    for _ in 0..times {
        agent.end()?;
        while tray.try_recv().is_ok() {}
        let start = Instant::now();
        agent = application.start_agent()?;
        starts.push(next_call(&tray, REGISTRATION)?.duration_since(start).as_secs_f64() * 1_000.0);
    }
    Ok((starts, agent))
}

/// The lines of a monitor that sees calls with this name on the session bus.
fn watch_calls(desktop: &PrivateDesktop, member: &str) -> Result<(Program, Receiver<program::Line>)> {
    let rule = format!("type='method_call',member='{member}'");
    let (monitor, lines) =
        Program::start_reading(desktop.command("dbus-monitor").args(["--session", "--profile", &rule]))?;
    // The first line says that the monitor listens.
    lines.recv_timeout(PATIENCE).context("the bus cannot be watched")?;
    Ok((monitor, lines))
}

/// When the bus sees the next one.
fn next_call(lines: &Receiver<program::Line>, member: &str) -> Result<Instant> {
    loop {
        let line = lines.recv_timeout(PATIENCE).with_context(|| format!("nobody calls {member}"))?;
        if line.text.contains(member) {
            return Ok(line.read_at);
        }
    }
}

/// Logs in over TLS. A keyring that was just started may not be unlocked yet; it takes nothing until then.
fn log_in(application: &Application<'_>, desktop: &PrivateDesktop, sandbox: &Sandbox, account: &str) -> Result<()> {
    let start = Instant::now();
    loop {
        let token_response = sign_in(desktop, sandbox)?;
        match application.ask(&["login", account, "--endpoint", &sandbox.endpoint()], &token_response)? {
            (0, _) => return Ok(()),
            (KEYCHAIN_UNAVAILABLE, _) if start.elapsed() < PATIENCE => {}
            (code, said) => bail!("`evertoken login` ended with {code}: {said}"),
        }
    }
}

/// A first token response as JSON, over TLS.
fn sign_in(desktop: &PrivateDesktop, sandbox: &Sandbox) -> Result<String> {
    let mut curl = desktop.command("curl");
    curl.args(["--silent", "--fail", "--request", "POST", &sandbox.sign_in_url()]);
    output(curl.env("CURL_CA_BUNDLE", desktop.path("certificates.pem")))
}

/// A real refresh over TLS. The endpoint is not asked twice within half a minute, so it may have to wait.
fn refresh_once(application: &Application<'_>, interrupt: &Interrupt) -> Result<()> {
    let start = Instant::now();
    loop {
        match application.ask(&["refresh", ACCOUNT], "")? {
            (0, _) => return Ok(()),
            (code, said) if start.elapsed() > Duration::from_secs(60) => {
                bail!("`evertoken refresh` ended with {code}: {said}")
            }
            (_, _) => pause(interrupt, Duration::from_secs(5))?,
        }
    }
}

/// Milliseconds that `evertoken token` takes on average, by hyperfine without a shell.
fn latency(application: &Application<'_>, desktop: &PrivateDesktop) -> Result<f64> {
    let report = desktop.path("hyperfine.csv");
    let command = application.command("evertoken");
    let program = command.get_program().to_string_lossy().into_owned();
    let mut hyperfine = desktop.command("hyperfine");
    hyperfine.args(["--shell=none", "--warmup", "50", "--runs", "1000", "--export-csv"]).arg(&report);
    run(hyperfine.arg(format!("{program} token {ACCOUNT}")).stderr(Stdio::inherit()))?;
    mean(&fs::read_to_string(report)?)
}

/// The mean in milliseconds; hyperfine writes seconds in the second column.
fn mean(csv: &str) -> Result<f64> {
    let row = csv.lines().nth(1).context("hyperfine measured nothing")?;
    let seconds: f64 = row.split(',').nth(1).context("hyperfine's table has no mean")?.parse()?;
    Ok(seconds * 1_000.0)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn pause(interrupt: &Interrupt, duration: Duration) -> Result<()> {
    let start = Instant::now();
    interrupt.or_until(|| start.elapsed() >= duration);
    if interrupt.has_come() {
        bail!("interrupted");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn a_broken_bound_is_seen() {
        assert!(Line::new("x", 8.0, "MiB", 8.0).holds());
        let line = Line::new("x", 8.1, "MiB", 8.0);
        assert!(!line.holds() && line.shown().ends_with("(at most 8)  BROKEN"));
        assert!(Line::at_least("x", 2.0, "/s", 2.0).holds());
        let line = Line::at_least("x", 1.9, "/s", 2.0);
        assert!(!line.holds() && line.shown().ends_with("(at least 2)  BROKEN"));
        assert!(Line::figure("x", 1.0, "ms").shown().ends_with("1.00 ms"));
    }

    #[test]
    fn hyperfines_table_is_read() {
        let csv = "command,mean,stddev,median,user,system,min,max\nevertoken token,0.0021,0.1,0.1,0.1,0.1,0.1,0.1\n";
        assert!((mean(csv).unwrap() - 2.1).abs() < 1e-9);
        assert!(mean("command,mean\n").is_err());
    }

    #[test]
    fn one_slow_start_does_not_count() {
        assert!((median(vec![90.0, 10.0, 12.0]) - 12.0).abs() < 1e-9);
    }
}
