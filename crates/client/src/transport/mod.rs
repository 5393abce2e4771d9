//! The byte stream to the agent: a Unix socket, or a named pipe on Windows.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::connect;
#[cfg(target_os = "linux")]
pub(crate) use unix::connect_at_once;
#[cfg(windows)]
pub(crate) use windows::connect;
