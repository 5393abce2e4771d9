//! `cargo xtask`: set-up, run, test and measure, each in one command.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks to the person who called it")]

mod application;
mod bench;
mod binaries;
mod build;
mod command;
mod debian;
mod demo;
mod desktops;
mod end_to_end;
#[cfg(test)]
mod house;
mod interrupt;
mod mirror;
mod package;
mod packages;
mod platforms;
mod private_desktop;
mod procfs;
mod program;
mod run;
mod sandbox;
mod screen;
mod screenshots;
mod setup;
mod subject;
mod systemd;
mod test;
mod test_command;
mod windows;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Everything around the code: set-up, run, test, measure.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Install what is missing on this machine (Debian, Ubuntu), or name it (elsewhere)
    Setup(setup::Options),
    /// Build and start the application; with --demo beside a sandbox with short-lived tokens
    Run(run::Options),
    /// Format, lints, unit tests, simulation, the page's types, end to end; stops at the first failure
    Test(test_command::Options),
    /// Measure the release build: latency, start, memory, wake-ups (Linux)
    Bench(bench::Options),
    /// Run the README's two commands in fresh Debian roots (as root, an hour each)
    Debian(debian::Options),
    /// Walk through Debian's desktops (Xfce, sway, LXQt) with the built programs, and keep pictures (Linux)
    Desktops,
    /// Check and lint everything for Windows and macOS too, without either system
    Platforms,
    /// Make deb, rpm and tar.gz from a release build, with checksums, bill of materials and licence notices (Linux)
    Package {
        /// Make what people with Windows install in their place: a setup program, a zip, and manifests for winget and scoop
        system: Option<System>,
    },
    /// Print what CHANGELOG.md says about this version
    ReleaseNotes,
    /// Make the pictures of docs/pictures anew: every state of the window, light and dark (Linux)
    Screenshots,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum System {
    Windows,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Setup(options) => setup::setup(options),
        Task::Run(options) => run::run(options),
        Task::Test(options) => test::test(&options),
        Task::Bench(options) => bench::bench(options),
        Task::Debian(options) => debian::debian(&options),
        Task::Desktops => desktops::desktops(),
        Task::Platforms => platforms::check(),
        Task::ReleaseNotes => packages::release_notes(),
        Task::Package { system: None } => packages::package(),
        Task::Package { system: Some(System::Windows) } => windows::package(),
        Task::Screenshots => screenshots::screenshots(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_commands_of_the_readme_are_understood() {
        Arguments::command().debug_assert();
        for line in [
            "setup --check",
            "setup --platforms",
            "platforms",
            "run --demo",
            "run --release",
            "test --quick",
            "test --soak",
            "test window",
            "test systemd",
            "test windows",
            "bench",
            "debian",
            "debian trixie",
            "desktops",
            "screenshots",
            "package",
            "package windows",
            "release-notes",
            "test packages",
        ] {
            Arguments::try_parse_from(["xtask"].into_iter().chain(line.split(' '))).unwrap();
        }
    }
}
