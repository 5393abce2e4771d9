//! How far the reading of a `config.toml` that was changed is.

/// What is known of the file's newest state. One thread at a time reads it.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) is_running: bool,
    /// The file was changed since that thread began.
    pub(super) is_outdated: bool,
    /// The service manager waits for the end of it.
    pub(super) is_reload: bool,
}

impl Reading {
    /// What is being read counts no more.
    pub(super) const fn outdate(&mut self) {
        self.is_outdated = true;
    }
}
