//! A named pipe is closed as a whole: its end is noticed where it is read.

/// The connection itself, and what never resolves.
pub(super) fn until_closed<T>(stream: T) -> (T, impl Future<Output = ()>) {
    (stream, std::future::pending())
}
