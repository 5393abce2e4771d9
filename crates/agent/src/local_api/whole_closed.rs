//! A named pipe is closed as a whole: its end is noticed where it is read.

/// Files that each connection takes.
pub(super) const FILES_EACH: usize = 1;
pub(super) const ALLOWS_HALF_CLOSE: bool = false;

/// Never resolves.
pub(super) fn until_closed<T>(_: &T) -> impl Future<Output = ()> + use<T> {
    std::future::pending()
}
