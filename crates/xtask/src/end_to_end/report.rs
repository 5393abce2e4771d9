//! What a person reads of the run.

use std::time::Duration;

use super::test_process::{Finished, LEFT_TO_ITSELF};

/// How many of the longest are named.
const LONGEST: usize = 10;
/// Of what a failed test said, the beginning and the end.
const FIRST_LINES: usize = 30;
const LAST_LINES: usize = 50;

/// One line as soon as a test has ended.
pub(super) fn one(test: &Finished) {
    let verdict = if test.passed { "ok" } else { "FAILED" };
    println!("test {} ... {verdict} ({:.1} s)", test.name, test.took.as_secs_f64());
    if !test.passed {
        println!("{}", shortened(&test.said));
    }
}

/// The tests that took longest.
pub(super) fn longest(finished: &[Finished]) {
    let mut tests: Vec<_> = finished.iter().collect();
    tests.sort_by_key(|test| std::cmp::Reverse(test.took));
    println!("\nThe longest:        on a processor");
    for test in tests.into_iter().take(LONGEST) {
        let processor = test.processor.map_or_else(String::new, |time| format!("{:.1} s", time.as_secs_f64()));
        println!("{:>9.1} s{processor:>12}  {}", test.took.as_secs_f64(), test.name);
    }
}

/// What each failed test said, again and together; how many there are.
pub(super) fn failures(finished: &[Finished]) -> usize {
    let failed: Vec<_> = finished.iter().filter(|test| !test.passed).collect();
    for test in &failed {
        println!("\n---- {} ----\n{}", test.name, shortened(&test.said));
    }
    failed.len()
}

/// The last line, as cargo's own tests have it.
pub(super) fn result(finished: &[Finished], took: Duration) {
    let passed = finished.iter().filter(|test| test.passed).count();
    let failed = finished.len() - passed;
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    let seconds = took.as_secs_f64();
    println!(
        "\ntest result: {verdict}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out; \
         finished in {seconds:.2}s"
    );
}

/// What a test said without the words of the test harness, and without its middle if that is long.
fn shortened(said: &str) -> String {
    let is_harness = |line: &str| {
        line.is_empty()
            || ["running 1 test", "test result:", "failures:", "successes:", "note: run with", LEFT_TO_ITSELF]
                .iter()
                .any(|begin| line.starts_with(begin))
    };
    let lines: Vec<&str> = said.lines().filter(|line| !is_harness(line)).collect();
    let left_out = lines.len().saturating_sub(FIRST_LINES + LAST_LINES);
    if left_out == 0 {
        return lines.join("\n");
    }
    let (first, last) = (&lines[..FIRST_LINES], &lines[lines.len() - LAST_LINES..]);
    format!("{}\n… {left_out} lines …\n{}", first.join("\n"), last.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_shown_without_the_harness_and_without_its_middle() {
        let said = "\nrunning 1 test\nthread 'x' panicked at tests/x.rs:1:1:\nno\nnote: run with RUST_BACKTRACE\n";
        assert_eq!(shortened(said), "thread 'x' panicked at tests/x.rs:1:1:\nno");
        let long: Vec<String> = (0..200).map(|number| number.to_string()).collect();
        let shown = shortened(&long.join("\n"));
        assert!(shown.starts_with("0\n1\n") && shown.ends_with("\n199") && shown.contains("… 120 lines …"), "{shown}");
    }
}
