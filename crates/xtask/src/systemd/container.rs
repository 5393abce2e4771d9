//! The example in packaging/container, with Debian's podman and the root of the machine as its image.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::binaries::target;
use crate::command::{command, run};

/// It takes a folder for images, the folder of the programs and the root.
const SCRIPT: &str = "crates/xtask/src/systemd/container.sh";

pub(super) fn follow(folder: &Path) -> Result<()> {
    let storage = folder.join("container");
    let empty = || if storage.exists() { fs::remove_dir_all(&storage) } else { Ok(()) };
    empty()?;
    fs::create_dir_all(&storage)?;
    let mut script = command("sh");
    script.arg(SCRIPT).arg(&storage).arg(target()?.join("debug")).arg(folder.join("root"));
    run(&mut script).context("not as packaging/container says")?;
    empty().context("the container's images")
}
