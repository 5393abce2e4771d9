//! `cargo xtask desktops`: walks through Debian's own desktops with the built programs, and keeps pictures.

use std::fs;

use anyhow::Result;

use crate::binaries::target;
use crate::build;
use crate::end_to_end::{EndToEnd, NEEDS_DESKTOPS};
use crate::setup;
use crate::test_command::shut_off;

/// The pictures go to `target/desktops`. A desktop that is not installed, and cannot be, is skipped.
pub(crate) fn desktops() -> Result<()> {
    setup::for_testing(true)?;
    for missing in setup::for_desktops()? {
        println!("{missing} cannot be had here: the desktop that has it is skipped.");
    }
    let taken = target()?.join("desktops");
    if taken.exists() {
        fs::remove_dir_all(&taken)?;
    }
    fs::create_dir_all(&taken)?;
    let program = build::end_to_end(true)?;
    let tests =
        EndToEnd { program, command: |program| Ok(shut_off(program)), soak: false, pictures: Some(taken.clone()) };
    tests.run(tests.names(NEEDS_DESKTOPS)?)?;
    let count = fs::read_dir(&taken)?.count();
    println!("{count} pictures are in {}. Look at each.", taken.display());
    Ok(())
}
