//! What ten thousand accounts cost beside one: to open them, to keep them, and for a token read. All but one are signed out,
//! because no keychain takes the tokens of so many.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::limits::{build, load, token};
use super::{ACCOUNT, Line, PATIENCE, log_in, pause};
use crate::application::Application;
use crate::interrupt::Interrupt;
use crate::private_desktop::{PrivateDesktop, until};
use crate::procfs;
use crate::program::Program;
use crate::sandbox::Sandbox;

const MANY: u32 = 10_000;
/// Seconds on a processor.
const OPENING_BOUND: f64 = 2.0;
/// A read among many beside a read of the only one.
const READ_BOUND: f64 = 1.1;
const MEMORY_BOUND_KIB: f64 = 4.0;
const IDLE_BOUND_MS: f64 = 3.0;
/// Clients that keep their connections.
const CLIENTS: u32 = 8;
const COMING_TO_REST: Duration = Duration::from_secs(20);
const A_MINUTE: Duration = Duration::from_secs(60);

struct Costs {
    /// On a processor, until every account is open, when a person has written them and at any later start.
    openings: [Duration; 2],
    /// In KiB.
    memory: u64,
    /// Of a minute in which nothing happens, on a processor.
    idle: Duration,
    /// On a processor, in microseconds.
    read: f64,
}

pub(super) fn measure(
    application: &Application<'_>,
    desktop: &PrivateDesktop,
    sandbox: &Sandbox,
    seconds: u64,
    interrupt: &Interrupt,
) -> Result<Vec<Line>> {
    let limit = build()?;
    let configured = desktop.configuration();
    fs::create_dir_all(desktop.path("config/evertoken"))?;
    let read = |agent: &Program| -> Result<f64> {
        let before = spent(agent)?;
        let (rate, _) = load(desktop.command(&limit), &desktop.socket(), &token(), CLIENTS, "kept", seconds)?;
        let reading = spent(agent)?.saturating_sub(before);
        #[expect(clippy::cast_precision_loss, reason = "seconds far below 2^52")]
        Ok(reading.as_secs_f64() * 1e6 / (rate * seconds as f64))
    };
    let costs = |accounts: u32| -> Result<Costs> {
        fs::write(&configured, configuration(accounts)?)?;
        let (mut agent, first) = opened(application, desktop)?;
        pause(interrupt, COMING_TO_REST)?;
        agent.end()?;
        let (mut agent, later) = opened(application, desktop)?;
        log_in(application, desktop, sandbox, ACCOUNT)?;
        pause(interrupt, COMING_TO_REST)?;
        let (memory, before) = (procfs::memory(agent.id())?.proportional, spent(&agent)?);
        pause(interrupt, A_MINUTE)?;
        let idle = spent(&agent)?.saturating_sub(before);
        let read = read(&agent)?;
        agent.end()?;
        Ok(Costs { openings: [first, later], memory, idle, read })
    };
    let (one, many) = (costs(0)?, costs(MANY)?);
    // The machine may be faster at one time than at another: a read of one is measured before and after.
    fs::write(&configured, configuration(0)?)?;
    let (mut agent, _) = opened(application, desktop)?;
    log_in(application, desktop, sandbox, ACCOUNT)?;
    pause(interrupt, COMING_TO_REST)?;
    let read_of_one = f64::midpoint(one.read, read(&agent)?);
    agent.end()?;
    #[expect(clippy::cast_precision_loss, reason = "kibibytes far below 2^52")]
    let each = many.memory.saturating_sub(one.memory) as f64 / f64::from(MANY);
    Ok(vec![
        Line::figure("processor for a token read, one account", read_of_one, "µs"),
        Line::new(format!("a read among {MANY} accounts ÷ a read of one"), many.read / read_of_one, "×", READ_BOUND),
        Line::figure(format!("opening {MANY} accounts for the first time"), many.openings[0].as_secs_f64(), "s"),
        Line::new(format!("opening {MANY} accounts, processor"), many.openings[1].as_secs_f64(), "s", OPENING_BOUND),
        Line::new("memory for each of them", each, "KiB", MEMORY_BOUND_KIB),
        Line::new("idle with them, processor", many.idle.as_secs_f64() * 1_000.0, "ms/min", IDLE_BOUND_MS),
    ])
}

/// Starts the agent and waits until every account is open; how long that took on a processor.
fn opened(application: &Application<'_>, desktop: &PrivateDesktop) -> Result<(Program, Duration)> {
    let agent = application.start_agent()?;
    let mut ready = desktop.command("curl");
    ready.args(["--silent", "--fail", "--output", "/dev/null", "--unix-socket"]);
    ready.arg(desktop.socket()).arg("http://localhost/v1/ready");
    until(PATIENCE, "the agent does not open its accounts", || {
        Ok(ready.status().context("cannot start curl")?.success())
    })?;
    let spent = spent(&agent)?;
    Ok((agent, spent))
}

fn spent(agent: &Program) -> Result<Duration> {
    procfs::time_of_living_threads(agent.id()).context("the agent has gone")
}

fn configuration(accounts: u32) -> Result<String> {
    let mut text = "[settings]\nkeychain = \"memory\"\n".to_owned();
    for number in 0..accounts {
        write!(text, "[accounts.merchant-{number:05}]\nendpoint = \"https://{number:05}.example/oauth/token\"\n")?;
    }
    Ok(text)
}
