//! `cargo xtask test systemd`: docs/servers.md followed to the letter, in a Debian that systemd has booted and in a
//! container.

mod container;
mod machine;
mod page;
mod root;

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use crate::binaries::target;
use crate::{build, command, setup};
pub(crate) use machine::{Machine, Shown};
pub(crate) use root::provide;

/// What each script shows, and the script. They run in this order in one machine, and as root.
const PARTS: [(&str, &str); 3] = [
    ("a service of the system", include_str!("service.sh")),
    ("a service of one person", include_str!("person.sh")),
    ("after a reboot", include_str!("reboot.sh")),
];
/// systemd with its logins and user services, sudo as the page uses it, and curl for the sandbox.
pub(crate) const PACKAGES: &str =
    "systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,ca-certificates,curl,procps,sudo,iproute2";
/// The functions that the scripts share.
pub(crate) const KIT: &str = include_str!("kit.sh");
/// Before this one the machine is started anew.
const AFTER_A_REBOOT: &str = PARTS[2].0;

pub(crate) fn test() -> Result<()> {
    ensure!(cfg!(target_os = "linux"), "systemd runs on Linux only");
    ensure!(setup::is_root(), "booting a machine takes root: run this as root");
    setup::for_a_booted_root()?;
    build::programs()?;
    let folder = target()?.join("systemd");
    provide(&folder.join("root"), PACKAGES)?;
    write_page(&folder.join("page"))?;
    let begin = Instant::now();
    let shown = vec![
        Shown { folder: target()?.join("debug"), name: "built" },
        // What the page installs, and the page's blocks.
        Shown { folder: command::root().join("packaging"), name: "source/packaging" },
        Shown { folder: folder.join("page"), name: "page" },
    ];
    let mut machine = Machine::boot(&folder, shown)?;
    println!("== booted: {:.0} s", begin.elapsed().as_secs_f64());
    for (name, script) in PARTS {
        println!("\n== {name}");
        if name == AFTER_A_REBOOT {
            machine = machine.reboot()?;
        }
        let start = Instant::now();
        machine.run(&format!("{KIT}\n{script}")).with_context(|| format!("{name}: not as docs/servers.md says"))?;
        println!("== {name}: {:.0} s", start.elapsed().as_secs_f64());
    }
    drop(machine);
    println!("\n== a container");
    let start = Instant::now();
    container::follow(&folder)?;
    println!("== a container: {:.0} s", start.elapsed().as_secs_f64());
    println!("\nAll passed, in {:.0} s since the machine was started.", begin.elapsed().as_secs_f64());
    Ok(())
}

/// Each block of shell of the page, as a file of its own that the scripts read.
fn write_page(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let text = fs::read_to_string(command::root().join("docs/servers.md")).context("docs/servers.md")?;
    for (name, block) in page::blocks(&text) {
        fs::write(folder.join(name), block)?;
    }
    Ok(())
}
