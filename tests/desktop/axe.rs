//! axe-core from npm, which looks for what keeps people out of a page.

use std::fs;
use std::sync::OnceLock;

use super::{evertoken, npm};

/// Its script; `None` where there is no npm to fetch it with.
pub(crate) fn source() -> Option<&'static str> {
    static SOURCE: OnceLock<Option<String>> = OnceLock::new();
    SOURCE.get_or_init(read).as_deref()
}

fn read() -> Option<String> {
    let page = evertoken::source().join("ui");
    let script = page.join("node_modules/axe-core/axe.min.js");
    let _lock = npm::lock();
    (script.exists() || npm::fetch(&page)).then(|| fs::read_to_string(script).unwrap())
}
