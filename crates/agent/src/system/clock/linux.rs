//! One `timerfd` on `CLOCK_REALTIME`: nothing wakes before the deadline, however far away it is.

use std::io;
use std::os::fd::OwnedFd;

use jiff::Timestamp;
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::Wake;

/// An absolute wall-clock alarm for one waiting task.
#[derive(Debug)]
pub struct WallClockTimer {
    timer: AsyncFd<OwnedFd>,
    /// What it was last armed for: an agent that is asked for a token arms it once, and not for each request.
    armed: Option<Option<Timestamp>>,
}

/// Armed instead of "never", because only an armed timer is told of a clock that was set. The year 2200: the kernel
/// counts nanoseconds in 63 bits.
const FAR_AWAY_SECONDS: i64 = 7_258_118_400;

impl WallClockTimer {
    /// Makes the alarm; call it inside the runtime that will wait.
    ///
    /// # Errors
    /// When the kernel has no file descriptor left.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Realtime, flags)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe, for descriptors that are closed too early: an OwnedFd is not"
        )]
        let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
        Ok(Self { timer, armed: None })
    }

    /// Waits until the wall clock shows `deadline`, or until somebody sets the clock; without a deadline only for
    /// the latter. The wait may be given up at any time.
    pub async fn until(&mut self, deadline: Option<Timestamp>) -> Wake {
        if self.armed != Some(deadline) {
            match self.arm(deadline) {
                Ok(()) => self.armed = Some(deadline),
                // The clock was set since the last wait. The timer is armed all the same.
                Err(Errno::CANCELED) => {
                    self.armed = Some(deadline);
                    return Wake::ClockSet;
                }
                Err(error) => {
                    tracing::error!(%error, "the wall-clock timer cannot be set");
                    return std::future::pending().await;
                }
            }
        }
        let mut expirations = [0; size_of::<u64>()];
        loop {
            let Ok(mut ready) = self.timer.readable().await else {
                // The runtime is shutting down.
                return std::future::pending().await;
            };
            let Ok(read) = ready.try_io(|timer| Ok(rustix::io::read(timer, &mut expirations)?)) else { continue };
            self.armed = None;
            match read {
                Ok(_) => return Wake::Elapsed,
                Err(error) if Errno::from_io_error(&error) == Some(Errno::CANCELED) => return Wake::ClockSet,
                Err(error) => {
                    tracing::error!(%error, "the wall-clock timer cannot be read");
                    return std::future::pending().await;
                }
            }
        }
    }

    fn arm(&self, deadline: Option<Timestamp>) -> rustix::io::Result<()> {
        let (seconds, nanoseconds) = match deadline {
            Some(deadline) if deadline.as_second() < FAR_AWAY_SECONDS => {
                (deadline.as_second(), deadline.subsec_nanosecond())
            }
            Some(_) | None => (FAR_AWAY_SECONDS, 0),
        };
        // The kernel reads zero as "disarm", and takes nothing before 1970.
        let (seconds, nanoseconds) =
            if seconds < 0 || (seconds, nanoseconds) == (0, 0) { (0, 1) } else { (seconds, nanoseconds) };
        let it_value = Timespec { tv_sec: seconds, tv_nsec: nanoseconds.into() };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        timerfd_settime(self.timer.get_ref(), flags, &Itimerspec { it_interval, it_value }).map(drop)
    }
}
