//! `cargo xtask screenshots`: drives the application through every state and keeps the pictures.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::binaries::target;
use crate::build;
use crate::command::{command, is_on_path, root, run};
use crate::end_to_end::EndToEnd;
use crate::setup;
use crate::test_command::shut_off;

/// The end-to-end tests that make them.
const GALLERY: &str = "window_gallery::";
/// What a picture of the gallery is called begins with this.
const PREFIX: &str = "window-";
/// Enough for flat areas and text: the pictures travel with the source.
const COLOURS: &str = "64";

/// Makes the pictures anew, light and dark, into `docs/pictures`.
pub(crate) fn screenshots() -> Result<()> {
    setup::for_testing(true)?;
    let taken = target()?.join("gallery");
    if taken.exists() {
        fs::remove_dir_all(&taken)?;
    }
    let program = build::end_to_end(true)?;
    let tests =
        EndToEnd { program, command: |program| Ok(shut_off(program)), soak: false, pictures: Some(taken.clone()) };
    tests.run(tests.names(GALLERY)?)?;
    let place = root().join("docs/pictures");
    fs::create_dir_all(&place)?;
    let mut names: Vec<String> = fs::read_dir(&taken)?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_prefix(PREFIX)?.to_owned()))
        .collect();
    names.sort();
    for name in &names {
        shrink(&taken.join(format!("{PREFIX}{name}")), &place.join(name))?;
    }
    println!("{} pictures are in docs/pictures. Look at each before you commit them.", names.len());
    Ok(())
}

fn shrink(from: &Path, to: &Path) -> Result<()> {
    if !is_on_path("convert") {
        fs::copy(from, to).with_context(|| format!("cannot write {}", to.display()))?;
        return Ok(());
    }
    let mut convert = command("convert");
    run(convert.arg(from).args(["-dither", "None", "-colors", COLOURS, "-strip"]).arg(format!("png8:{}", to.display())))
}
