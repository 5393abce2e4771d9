//! `evertoken-agent`: the resident agent.

use std::process::ExitCode;

use clap::Parser;
use evertoken_agent::Options;

/// Keeps Vault access tokens fresh: keychain, refresh, tray, notifications and the local API.
#[derive(Parser)]
#[command(name = "evertoken-agent", version)]
struct Arguments {
    /// Run without a tray icon
    #[arg(long)]
    no_tray: bool,
    /// Print `ready` on standard output when the local API listens
    #[arg(long, hide = true)]
    announce_ready: bool,
}

#[expect(clippy::print_stderr, reason = "a program says on standard error why it does not start")]
fn main() -> ExitCode {
    let Arguments { no_tray, announce_ready } = Arguments::parse();
    match evertoken_agent::run(Options { no_tray, announce_ready }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("evertoken-agent: {error}");
            ExitCode::FAILURE
        }
    }
}
