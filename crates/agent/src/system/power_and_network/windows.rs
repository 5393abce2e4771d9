//! Windows tells every window, shown or not, when the machine falls asleep and wakes up.

use std::cell::Cell;

use jiff::Timestamp;
use tokio::sync::mpsc;
use winsafe::{co, prelude::*};

use super::SystemSignal;
use crate::system::hidden_window;

/// By this name the tests find the window.
const CLASS: &str = "EvertokenPower";

pub(super) fn watch(sender: mpsc::UnboundedSender<SystemSignal>) {
    let opened = hidden_window::open(CLASS, move |window| {
        let asleep = Asleep::default();
        window.on().wm_power_broadcast(move |message| {
            if let Some(signal) = asleep.told(message.event) {
                let _ending = sender.send(signal);
            }
            Ok(())
        });
    });
    if let Err(error) = opened {
        tracing::warn!(%error, "that the machine slept cannot be noticed");
    }
}

/// Since when the machine sleeps, if it does.
#[derive(Default)]
struct Asleep(Cell<Option<Timestamp>>);

impl Asleep {
    /// Every time that the machine wakes up begins with `APMRESUMEAUTOMATIC`; a person's presence is told later.
    fn told(&self, event: co::PBT) -> Option<SystemSignal> {
        match event {
            co::PBT::APMSUSPEND => {
                self.0.set(Some(Timestamp::now()));
                None
            }
            co::PBT::APMRESUMEAUTOMATIC => Some(SystemSignal::Resumed { since: self.0.take() }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_told_once_with_its_beginning() {
        let asleep = Asleep::default();
        let before = Timestamp::now();
        assert_eq!(asleep.told(co::PBT::APMSUSPEND), None);
        let Some(SystemSignal::Resumed { since: Some(since) }) = asleep.told(co::PBT::APMRESUMEAUTOMATIC) else {
            panic!("nothing was told");
        };
        assert!((before..=Timestamp::now()).contains(&since), "{since}");
        assert_eq!(asleep.told(co::PBT::APMRESUMESUSPEND), None);
        assert_eq!(asleep.told(co::PBT::APMRESUMEAUTOMATIC), Some(SystemSignal::Resumed { since: None }));
    }
}
