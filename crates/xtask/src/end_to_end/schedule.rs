//! Which test starts next.

use std::fs;
use std::thread::available_parallelism;

use super::costs::Cost;

/// So many always run at once, whatever they are thought to cost: most of them wait for other programs.
const AT_LEAST_FOR_EACH_CORE: usize = 2;
/// More would be in each other's way in memory and on the screen of whoever debugs them.
const AT_MOST_FOR_EACH_CORE: usize = 6;
/// From this share of the time in which somebody waited for a processor, others need the machine too. Our own tests, as
/// planned, stay below it.
const CROWDED_PERCENT: f64 = 80.0;
/// The share of the processors that is planned with: a test's load comes in bursts.
const PLANNED: f64 = 0.9;

/// The tests that wait, the longest first, and what those that run cost.
pub(super) struct Schedule {
    waiting: Vec<(Cost, String)>,
    running: Vec<Cost>,
    cores: usize,
}

impl Default for Schedule {
    fn default() -> Self {
        Self::on(available_parallelism().map_or(1, usize::from))
    }
}

impl Schedule {
    fn on(cores: usize) -> Self {
        Self { waiting: Vec::new(), running: Vec::new(), cores }
    }

    pub(super) fn add(&mut self, tests: impl IntoIterator<Item = (Cost, String)>) {
        self.waiting.extend(tests);
        self.waiting.sort_by(|(one, _), (other, _)| other.seconds.total_cmp(&one.seconds));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The test to start now, if there is one that the machine carries beside those that run.
    pub(super) fn next(&mut self, is_crowded: bool) -> Option<(String, Cost)> {
        let place = self.waiting.iter().position(|(cost, _)| self.carries(*cost, is_crowded))?;
        let (cost, name) = self.waiting.remove(place);
        self.running.push(cost);
        Some((name, cost))
    }

    fn carries(&self, cost: Cost, is_crowded: bool) -> bool {
        let cores = self.cores as f64;
        let load: f64 = self.running.iter().map(|running| running.load()).sum();
        let fits = load + cost.load() <= cores * PLANNED;
        match self.running.len() {
            count if count < AT_LEAST_FOR_EACH_CORE * self.cores => fits || load < cores * PLANNED,
            count => fits && !is_crowded && count < AT_MOST_FOR_EACH_CORE * self.cores,
        }
    }

    pub(super) fn has_ended(&mut self, cost: Cost) {
        if let Some(place) = self.running.iter().position(|running| *running == cost) {
            self.running.swap_remove(place);
        }
    }
}

/// Whether programs waited for a processor most of the last ten seconds, where the kernel tells.
pub(super) fn machine_is_crowded() -> bool {
    fs::read_to_string("/proc/pressure/cpu").is_ok_and(|pressure| waited_percent(&pressure) > CROWDED_PERCENT)
}

fn waited_percent(pressure: &str) -> f64 {
    let share = pressure.strip_prefix("some avg10=").and_then(|rest| rest.split(' ').next()?.parse().ok());
    share.unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(seconds: f64, processor: f64) -> Cost {
        Cost { seconds, processor }
    }

    fn started(schedule: &mut Schedule) -> Vec<String> {
        std::iter::from_fn(|| schedule.next(false)).map(|(name, _)| name).collect()
    }

    #[test]
    fn the_longest_start_first_and_those_that_compute_keep_apart() {
        let tests = [
            ("short", cost(1.0, 0.1)),
            ("busy", cost(30.0, 30.0)),
            ("long", cost(60.0, 1.0)),
            ("loud", cost(40.0, 40.0)),
        ];
        let mut schedule = Schedule::on(1);
        schedule.add(tests.map(|(name, cost)| (cost, name.to_owned())));
        assert_eq!(started(&mut schedule), ["long", "loud"]);
        schedule.has_ended(cost(40.0, 40.0));
        assert_eq!(started(&mut schedule), ["busy"]);
        schedule.has_ended(cost(30.0, 30.0));
        assert_eq!(started(&mut schedule), ["short"]);
        assert!(schedule.is_empty());
    }

    #[test]
    fn tests_that_only_wait_run_together_up_to_a_bound() {
        let mut schedule = Schedule::on(2);
        schedule.add((0..40).map(|number| (cost(5.0, 0.1), number.to_string())));
        let beside_a_compiler: Vec<_> = std::iter::from_fn(|| schedule.next(true)).collect();
        assert_eq!(beside_a_compiler.len(), 2 * AT_LEAST_FOR_EACH_CORE);
        assert_eq!(started(&mut schedule).len(), 2 * (AT_MOST_FOR_EACH_CORE - AT_LEAST_FOR_EACH_CORE));
        assert_eq!(
            waited_percent("some avg10=97.93 avg60=95.51 avg300=89.11 total=2637234063\nfull avg10=0.00\n"),
            97.93
        );
    }
}
