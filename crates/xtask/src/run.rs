//! `cargo xtask run`: builds and starts the application.

use anyhow::Result;
use clap::Args;

use crate::application::{Application, has_display};
use crate::binaries::{Binaries, Profile};
use crate::interrupt::Interrupt;
use crate::{demo, setup};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Beside a sandbox with short-lived tokens, logged in, in folders of its own that are deleted at the end
    #[arg(long)]
    demo: bool,
    /// The optimised build, as people install it (about five minutes the first time)
    #[arg(long)]
    release: bool,
}

/// Builds and starts what was asked for, until Ctrl-C or the agent's end.
pub(crate) fn run(options: Options) -> Result<()> {
    let window = has_display();
    setup::for_running(window, options.demo)?;
    let profile = if options.release { Profile::Release } else { Profile::Dev };
    let binaries = Binaries::build(profile, window)?;
    let interrupt = Interrupt::catch()?;
    if options.demo { demo::show(&binaries, window, &interrupt) } else { start(&binaries, window, &interrupt) }
}

fn start(binaries: &Binaries, window: bool, interrupt: &Interrupt) -> Result<()> {
    let application = Application::new(binaries, Vec::new());
    let mut agent = if agent_answers() {
        println!("An agent runs already; this uses it. To run the one just built, quit that one first.");
        None
    } else {
        Some(application.start_agent()?)
    };
    let mut front = if window {
        println!("The window opens. Ctrl-C here ends it, and the agent with it if it was started here.");
        application.open_window()?
    } else {
        println!("There is no display, so no window and no tray: each change prints a line here. Ctrl-C ends it.");
        println!("Log in from another terminal: {} login", binaries.path("evertoken").display());
        application.watch_status()?
    };
    match &mut agent {
        // A closed window is no end: the tray opens it again.
        Some(agent) => interrupt.or_until(|| agent.has_ended()),
        None => interrupt.or_until(|| front.has_ended()),
    }
    Ok(())
}

/// Does an agent listen where this person's agent listens?
#[cfg(unix)]
fn agent_answers() -> bool {
    use std::path::PathBuf;
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let socket = folder("EVERTOKEN_SOCKET")
        .or_else(|| Some(folder("XDG_RUNTIME_DIR")?.join("evertoken/agent.sock")))
        .or_else(|| Some(folder("XDG_STATE_HOME")?.join("evertoken/agent.sock")))
        .or_else(|| Some(folder("HOME")?.join(".local/state/evertoken/agent.sock")));
    socket.is_some_and(|socket| std::os::unix::net::UnixStream::connect(socket).is_ok())
}

/// A second agent says itself that it is one.
#[cfg(not(unix))]
fn agent_answers() -> bool {
    false
}
