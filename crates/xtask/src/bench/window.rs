//! From a click on the tray icon to the painted window: what a person waits for.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::{Line, PATIENCE, median, next_call, watch_calls};
use crate::command::output;
use crate::private_desktop::PrivateDesktop;
use crate::screen::{Colour, Screen};

const BOUND_MS: f64 = 450.0;
/// The call with which a panel tells of a click. It counts from when the bus has it: the program that sends it here takes
/// some time to start, which a panel does not.
const CLICK: &str = "Activate";
/// The button that an account's card is painted with last, and nothing else on this desktop (`--accent` of the page).
const BUTTON: Colour = [0x0b, 0x7a, 0x66];
/// Between two looks at the screen: what the figure may be too high by.
const GLANCE: Duration = Duration::from_millis(5);
/// A window that was closed leaves processes that are still ending.
const REST: Duration = Duration::from_secs(2);

/// Opens the window so many times with a click on the icon of this agent, in milliseconds to the painted card.
pub(super) fn measure(desktop: &PrivateDesktop, agent: u32, times: u32) -> Result<Line> {
    let screen = desktop.screen();
    let (_monitor, clicks) = watch_calls(desktop, CLICK)?;
    let mut taken = Vec::new();
    for number in 0..=times {
        thread::sleep(REST);
        while clicks.try_recv().is_ok() {}
        click(desktop, agent)?;
        let start = next_call(&clicks, CLICK)?;
        wait(&screen, true)?;
        // The first time the programs are read from the disk.
        if number > 0 {
            taken.push(start.elapsed().as_secs_f64() * 1_000.0);
        }
        close(desktop)?;
        wait(&screen, false)?;
    }
    println!("Tray click to painted, in ms: {}", shown(&taken));
    Ok(Line::new("window, click to painted, median", median(taken), "ms", BOUND_MS))
}

/// What the panel does at a left click.
fn click(desktop: &PrivateDesktop, agent: u32) -> Result<()> {
    let mut call = desktop.command("gdbus");
    call.args(["call", "--session", "--dest", &format!("org.kde.StatusNotifierItem-{agent}-1")]);
    call.args(["--object-path", "/StatusNotifierItem", "--method"]);
    call.arg(format!("org.kde.StatusNotifierItem.{CLICK}")).args(["0", "0"]);
    output(&mut call).map(drop).context("the tray icon cannot be clicked")
}

/// As a person does it, through the window manager.
fn close(desktop: &PrivateDesktop) -> Result<()> {
    for arguments in [["search", "--name", "^Evertoken", "windowactivate", "--sync"].as_slice(), &["key", "alt+F4"]] {
        output(desktop.command("xdotool").args(arguments)).context("the window cannot be closed")?;
    }
    Ok(())
}

fn wait(screen: &Screen, shows: bool) -> Result<()> {
    let start = Instant::now();
    while screen.shows(BUTTON)? != shows {
        if start.elapsed() > PATIENCE {
            bail!("the window does not {}", if shows { "appear" } else { "go" });
        }
        thread::sleep(GLANCE);
    }
    Ok(())
}

fn shown(milliseconds: &[f64]) -> String {
    milliseconds.iter().map(|taken| format!("{taken:.0}")).collect::<Vec<_>>().join(" ")
}
