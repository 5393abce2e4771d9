//! Without a timer on the wall clock: sleeping in slices, short enough that a deadline after a suspension or a
//! clock that was set is met within one slice.

use std::io;
use std::time::Duration;

use jiff::Timestamp;

use super::{Clock, Wake};

/// Longest sleep at a time.
const SLICE: Duration = Duration::from_secs(30);

/// An absolute wall-clock alarm for one waiting task.
#[derive(Debug)]
pub struct WallClockTimer {
    clock: Clock,
}

impl WallClockTimer {
    /// Makes the alarm.
    ///
    /// # Errors
    /// Never here; on Linux it can.
    pub fn new() -> io::Result<Self> {
        Ok(Self { clock: Clock::new() })
    }

    /// Waits until the wall clock shows `deadline`, or until somebody sets the clock; without a deadline only for
    /// the latter. The wait may be given up at any time.
    pub async fn until(&mut self, deadline: Option<Timestamp>) -> Wake {
        loop {
            if self.clock.jump().is_some() {
                return Wake::ClockSet;
            }
            let left = deadline.map(|deadline| deadline.duration_since(Timestamp::now()));
            let slice = match left {
                Some(left) if !left.is_positive() => return Wake::Elapsed,
                Some(left) => Duration::try_from(left).map_or(SLICE, |left| left.min(SLICE)),
                None => SLICE,
            };
            tokio::time::sleep(slice).await;
        }
    }
}
