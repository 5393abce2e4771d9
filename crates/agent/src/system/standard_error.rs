//! Where the agent says what goes wrong.

use std::io::{self, Write};

/// Standard error. A program without a console on Windows has none unless its starter gives it one: then the log of an
/// agent in the background takes it.
#[cfg(windows)]
#[must_use]
pub fn standard_error() -> Box<dyn Write> {
    use std::os::windows::io::AsRawHandle as _;
    if !io::stderr().as_raw_handle().is_null() {
        return Box::new(io::stderr());
    }
    let paths = evertoken_client::environment::paths().ok();
    match paths.and_then(|paths| evertoken_client::background::Log::open(&paths.log()).ok()) {
        Some(log) => Box::new(log.into_file()),
        None => Box::new(io::sink()),
    }
}

/// Standard error.
#[cfg(not(windows))]
#[must_use]
pub fn standard_error() -> impl Write {
    io::stderr()
}
