//! Pictures and logs that stay after the test.

use std::fs;
use std::path::PathBuf;

use super::evertoken::built;

/// Where a thing of this name is kept: `EVERTOKEN_ARTEFACTS`, or `artefacts` in the target folder.
pub(crate) fn place(name: &str) -> PathBuf {
    let folder = std::env::var_os("EVERTOKEN_ARTEFACTS")
        .map_or_else(|| built("evertoken").parent().unwrap().with_file_name("artefacts"), PathBuf::from);
    fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// Keeps these bytes.
pub(crate) fn keep(name: &str, bytes: &[u8]) {
    fs::write(place(name), bytes).unwrap();
}
