//! `evertoken-agent`: the resident agent.
// Windows would open a console for it, at each sign-in.
#![cfg_attr(all(windows, not(test)), windows_subsystem = "windows")]

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
use std::alloc::System as Allocator;
use std::io::Write as _;
use std::process::ExitCode;

use evertoken_agent::{CHECK_START, LeftSocket, Options, STARTS, StartError, standard_error};
use lexopt::Arg::{Long, Short, Value};
use lexopt::{Parser, ValueExt as _};
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
use tikv_jemallocator::Jemalloc as Allocator;
use zeroizing_alloc::ZeroAlloc;

/// HTTP, JSON and D-Bus libraries copy what passes through them, tokens too: whatever is freed is wiped.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<Allocator> = ZeroAlloc(Allocator);

const HELP: &str = "\
Keeps Vault access tokens fresh: keychain, refresh, tray, notifications and the local API.

Usage: evertoken-agent [OPTIONS]

Options:
      --no-tray  Run without a tray icon
      --help     Print help
      --version  Print version
";
/// With commit and day where `cargo xtask package` built it.
const VERSION: &str = match option_env!("EVERTOKEN_BUILD_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};
/// Wrong usage, as in `evertoken`'s own exit codes.
const USAGE: u8 = 2;
/// `EX_CONFIG` of sysexits.h: another start does not help, as systemd's units know.
const CONFIGURATION: u8 = 78;

/// What the arguments ask for.
enum Request {
    Run(Options),
    /// A command started it, which does not stay.
    RunInBackground(Options),
    Say(&'static str),
    SayVersion,
    CheckStart,
}

fn request(mut arguments: Parser) -> Result<Request, lexopt::Error> {
    let mut options = Options::default();
    let (mut in_background, mut check_start) = (false, false);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("no-tray") => options.no_tray = true,
            Long("in-background") => in_background = true,
            Long("announce-ready") => options.announce_ready = true,
            Long(LeftSocket::OPTION) => options.left_socket = Some(arguments.value()?.parse()?),
            Long(CHECK_START) => check_start = true,
            Long("help") => return Ok(Request::Say(HELP)),
            Long("version") => return Ok(Request::SayVersion),
            other @ (Short(_) | Long(_) | Value(_)) => return Err(other.unexpected()),
        }
    }
    if check_start {
        return Ok(Request::CheckStart);
    }
    Ok(if in_background { Request::RunInBackground(options) } else { Request::Run(options) })
}

#[expect(clippy::print_stdout, reason = "a program answers --help")]
fn main() -> ExitCode {
    match request(Parser::from_env()) {
        Ok(Request::Say(text)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Ok(Request::SayVersion) => {
            println!("evertoken-agent {VERSION}");
            ExitCode::SUCCESS
        }
        Ok(Request::CheckStart) => match evertoken_agent::check_start() {
            Ok(()) => {
                print!("{STARTS}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                complain(&error.to_string());
                ExitCode::FAILURE
            }
        },
        Ok(Request::Run(options)) => run(options),
        Ok(Request::RunInBackground(options)) => run_in_background(options),
        Err(error) => {
            complain(&format!("{error}\nTry `evertoken-agent --help`."));
            ExitCode::from(USAGE)
        }
    }
}

fn run(options: Options) -> ExitCode {
    match evertoken_agent::run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ StartError::Configuration(_)) => {
            complain(&error.to_string());
            ExitCode::from(CONFIGURATION)
        }
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

#[cfg(unix)]
fn run_in_background(options: Options) -> ExitCode {
    complain(&evertoken_agent::become_background_agent(options.no_tray).to_string());
    ExitCode::FAILURE
}

/// Nothing is inherited here that is not asked for.
#[cfg(not(unix))]
fn run_in_background(options: Options) -> ExitCode {
    run(Options { announce_ready: true, ..options })
}

/// Says why it does not start.
fn complain(reason: &str) {
    let _nobody_listens = writeln!(standard_error(), "evertoken-agent: {reason}");
}
