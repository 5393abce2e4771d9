//! macOS and Windows tell the process, and its file only to unsafe code: it stays without a name there.

use evertoken_core::account::approval::Program;

pub(super) const fn program(_pid: u32) -> Option<Program> {
    None
}

pub(super) const fn parent_if_evertoken(_pid: u32) -> Option<u32> {
    None
}
