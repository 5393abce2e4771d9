//! What each test cost the last time on this machine, or where the list was made that comes with the source.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use super::test_process::Finished;

/// The tests that took longest, with their seconds and processor seconds: the order for a first run.
const USUAL: &str = include_str!("usual-costs.txt");
/// Where a run leaves its own.
const FILE: &str = "costs.txt";
/// Of a test that nobody has seen yet.
const UNKNOWN: Cost = Cost { seconds: 3.0, processor: 1.0 };

/// Of one test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    pub(super) seconds: f64,
    /// Seconds on a processor, its children's too.
    pub(super) processor: f64,
}

impl Cost {
    fn moved_towards(self, other: Self, share: f64) -> Self {
        let between = |from: f64, to: f64| from + (to - from) * share;
        Self { seconds: between(self.seconds, other.seconds), processor: between(self.processor, other.processor) }
    }

    /// How many processors it keeps busy.
    pub(super) fn load(self) -> f64 {
        self.processor / self.seconds.max(0.1)
    }
}

/// Of all tests that were seen.
pub(super) struct Costs(BTreeMap<String, Cost>);

impl Costs {
    pub(super) fn read(place: &Path) -> Self {
        let own = fs::read_to_string(place.join(FILE)).unwrap_or_default();
        // What is said last holds.
        Self(USUAL.lines().chain(own.lines()).filter_map(parsed).collect())
    }

    pub(super) fn of(&self, name: &str) -> Cost {
        self.0.get(name).copied().unwrap_or(UNKNOWN)
    }

    /// Takes over what these tests took; a failure says nothing about how long a test takes.
    pub(super) fn learn(&mut self, finished: &[Finished]) {
        for test in finished.iter().filter(|test| test.passed) {
            let (now, known) = (test.cost(), self.0.get(&test.name));
            // A test is slower on a busy machine: that counts for a quarter.
            let cost = match known {
                Some(known) if now.seconds > known.seconds => known.moved_towards(now, 0.25),
                Some(_) | None => now,
            };
            self.0.insert(test.name.clone(), cost);
        }
    }

    pub(super) fn write(&self, place: &Path) -> io::Result<()> {
        let mut costs: Vec<_> = self.0.iter().collect();
        costs.sort_by(|(_, one), (_, other)| other.seconds.total_cmp(&one.seconds));
        let line = |(name, cost): &(&String, &Cost)| format!("{:.1} {:.1} {name}\n", cost.seconds, cost.processor);
        fs::write(place.join(FILE), costs.iter().map(line).collect::<String>())
    }
}

fn parsed(line: &str) -> Option<(String, Cost)> {
    let mut words = line.split(' ');
    let (seconds, processor) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((words.next()?.to_owned(), Cost { seconds, processor }))
}

impl Finished {
    pub(super) fn cost(&self) -> Cost {
        Cost { seconds: self.took.as_secs_f64(), processor: self.processor.unwrap_or(Duration::ZERO).as_secs_f64() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_found_out_holds_before_the_list_in_the_source() {
        assert!(USUAL.lines().all(|line| parsed(line).is_some()));
        let place = tempfile::tempdir().map(tempfile::TempDir::keep).unwrap_or_default();
        let (first, _) = USUAL.lines().find_map(parsed).unwrap_or_else(|| unreachable!("the list is not empty"));
        let mut costs = Costs::read(&place);
        assert_ne!(costs.of(&first), UNKNOWN);
        assert_eq!(costs.of("never::seen"), UNKNOWN);
        let test = |passed| Finished {
            name: first.clone(),
            passed,
            took: Duration::from_millis(500),
            processor: Some(Duration::from_millis(1_500)),
            said: String::new(),
        };
        costs.learn(&[test(true)]);
        costs.learn(&[Finished { took: Duration::from_secs(600), ..test(false) }]);
        let slow = Finished { took: Duration::from_millis(900), ..test(true) };
        costs.learn(&[slow]);
        assert_eq!(costs.of(&first).seconds, 0.6);
        costs.learn(&[test(true)]);
        assert!(costs.write(&place).is_ok());
        assert_eq!(Costs::read(&place).of(&first), Cost { seconds: 0.5, processor: 1.5 });
        assert_eq!(Costs::read(&place).of(&first).load(), 3.0);
        let _ = fs::remove_dir_all(place);
    }
}
