//! Work on a person's files: their disk may hang, as a home folder on a network does.

use std::time::Duration;

use tokio::sync::Semaphore;

/// A disk answers at once, and a person waits.
const WITHIN: Duration = Duration::from_secs(5);
/// Work that hangs keeps its thread. All threads together are for journals too, and there is a bound to them.
const MOST_THREADS: usize = 16;

static THREADS: Semaphore = Semaphore::const_new(MOST_THREADS);

/// Does the work on another thread. `None`: the disk has not answered in time.
pub(crate) async fn on_slow_disk<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let work = async {
        let place = THREADS.acquire().await.ok()?;
        let work = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        work.await.ok()
    };
    tokio::time::timeout(WITHIN, work).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Barrier};

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn disks_that_hang_take_so_many_threads_and_no_more() {
        let (begun, released) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(MOST_THREADS + 1)));
        let hangs = || {
            let (begun, released) = (Arc::clone(&begun), Arc::clone(&released));
            on_slow_disk(move || {
                begun.fetch_add(1, Ordering::SeqCst);
                released.wait();
            })
        };

        let answers = join_all((0..MOST_THREADS * 3).map(|_| hangs())).await;

        assert!(answers.iter().all(Option::is_none));
        assert_eq!(begun.load(Ordering::SeqCst), MOST_THREADS);
        released.wait();
        assert_eq!(on_slow_disk(|| 7).await, Some(7));
    }
}
