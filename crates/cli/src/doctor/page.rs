//! The findings as a person reads them.

use super::{Finding, Verdict};
use crate::output::{Colour, Style, plain};

/// One line for each finding, its cure below it, and a last line that sums up.
pub(crate) fn page(findings: &[Finding], style: Style) -> String {
    let names: Vec<String> = findings.iter().map(name).collect();
    let width = names.iter().map(String::len).max().unwrap_or_default();
    let mut lines: Vec<String> = findings
        .iter()
        .zip(&names)
        .flat_map(|(finding, name)| {
            let verdict = style.paint(colour(finding.verdict), &format!("{:<4}", word(finding.verdict)));
            let line = format!("{verdict}  {name:width$}  {}", plain(&finding.what));
            let cure = finding.cure.as_deref().map(|cure| format!("{:4}  {:width$}  → {}", "", "", plain(cure)));
            [Some(line), cure]
        })
        .flatten()
        .collect();
    lines.push(String::new());
    lines.push(summary(findings));
    lines.join("\n")
}

fn name(finding: &Finding) -> String {
    let check = finding.check.replace('-', " ");
    finding.account.as_ref().map_or_else(|| check.clone(), |account| format!("{check} {account}"))
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Warn => "warn",
        Verdict::Fail => "fail",
    }
}

const fn colour(verdict: Verdict) -> Colour {
    match verdict {
        Verdict::Ok => Colour::Green,
        Verdict::Warn => Colour::Yellow,
        Verdict::Fail => Colour::Red,
    }
}

fn summary(findings: &[Finding]) -> String {
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let of = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    match (count(Verdict::Fail), count(Verdict::Warn)) {
        (0, 0) => "All is well.".to_owned(),
        (0, warnings) => format!("No problems, {}.", of(warnings, "warning")),
        (failures, 0) => format!("{}.", of(failures, "failure")),
        (failures, warnings) => format!("{}, {}.", of(failures, "failure"), of(warnings, "warning")),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn a_cure_stands_below_its_finding() {
        let findings = [
            Finding::ok("state-folder", "All there."),
            Finding::fail("account", "The login expired.", "Run: evertoken login eu").of(&"eu".parse().unwrap()),
            Finding::warn("window", "Not \u{1b}[2J installed.", "Install it."),
        ];
        let expected = "\
ok    state folder  All there.
fail  account eu    The login expired.
                    → Run: evertoken login eu
warn  window        Not  [2J installed.
                    → Install it.

1 failure, 1 warning.";
        assert_eq!(page(&findings, Style::PLAIN), expected);
    }

    #[test]
    fn a_healthy_machine_is_told_so() {
        assert!(page(&[Finding::ok("a", "Good.")], Style::PLAIN).ends_with("\n\nAll is well."));
    }
}
