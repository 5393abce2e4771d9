//! Test data: a path that is absolute on the system that the tests run on.

/// The path itself, or on drive C.
pub(crate) fn absolute(path: &str) -> String {
    if cfg!(windows) { format!("C:{path}") } else { path.to_owned() }
}
