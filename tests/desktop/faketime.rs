//! A wall clock that a test can set, for the programs of one desktop that are started under it.
//!
//! libfaketime stands before the C library. What asks the kernel itself is not deceived: the clock that counts since
//! the start of the machine, by which the agent notices that somebody set the other one, and `timerfd`. So the agent's
//! own deadlines do not come, and whoever asks it meets exactly what was at hand when the clock was set.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;

use super::{Agent, Desktop};

/// Years ahead, so that a clock set back is still ahead of the kernel's: a deadline in the past would wake for ever.
const AHEAD: SignedDuration = SignedDuration::from_hours(3 * 366 * 24);

/// The clock of the programs started with [`Faketime::start_agent`].
pub(crate) struct Faketime {
    file: PathBuf,
    ahead: SignedDuration,
}

impl Faketime {
    pub(crate) fn of(desktop: &Desktop) -> Self {
        let clock = Self { file: desktop.environment.path("clock"), ahead: AHEAD };
        clock.write();
        clock
    }

    /// Somebody sets the clock; forward if positive.
    pub(crate) fn set(&mut self, by: SignedDuration) {
        self.ahead += by;
        self.write();
    }

    /// An agent that believes this clock.
    pub(crate) async fn start_agent(&self, desktop: &mut Desktop) -> Agent {
        let file = self.file.display().to_string();
        let variables = [
            ("LD_PRELOAD", library()),
            ("FAKETIME_TIMESTAMP_FILE", file.as_str()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        for (name, value) in variables {
            desktop.environment.set(name, value);
        }
        let mut agent = Agent::launch(desktop, &[]);
        for (name, _) in variables {
            desktop.environment.set(name, "");
        }
        agent.is_ready(desktop).await;
        let started_at = desktop.status().await.0["agent"]["started_at"].as_str().unwrap().to_owned();
        let started_at: jiff::Timestamp = started_at.parse().unwrap();
        let ahead = started_at.duration_since(jiff::Timestamp::now());
        assert!((ahead - self.ahead).abs() < SignedDuration::from_mins(1), "the agent's clock is ahead by {ahead}");
        agent
    }

    /// Replaced as a whole, because it is read at every look at the clock.
    fn write(&self) {
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{:+}s", self.ahead.as_secs())).unwrap();
        fs::rename(new, &self.file).unwrap();
    }
}

fn library() -> &'static str {
    let places = [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
        "/usr/lib64/faketime/libfaketime.so.1",
    ];
    places.into_iter().find(|place| Path::new(place).exists()).expect("the package faketime is installed")
}
