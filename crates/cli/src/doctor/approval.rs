use evertoken_core::account::approval::Program;
use evertoken_core::api::status::{AccountStatus, StatusReport};

use super::Finding;

const CHECK: &str = "approval";

/// A finding for each account that programs wait for.
pub(super) fn verdicts(report: Option<&StatusReport>) -> Vec<Finding> {
    let accounts = report.map(|report| report.accounts.as_slice()).unwrap_or_default();
    accounts.iter().filter(|account| !account.approvals.is_empty()).map(verdict).collect()
}

fn verdict(account: &AccountStatus) -> Finding {
    let name = &account.name;
    let programs: Vec<&str> = account.approvals.iter().map(Program::as_str).collect();
    let (wait, them) = if programs.len() == 1 { ("waits", "it") } else { ("wait", "them") };
    let what = format!("{} {wait} for a person to allow {them} access tokens of {name}.", programs.join(", "));
    let first = programs.first().unwrap_or(&"").replace('\'', r"'\''");
    let cure = format!("Run: evertoken approve --account {name} '{first}' (with --deny to refuse)");
    Finding::warn(CHECK, what, cure).of(name)
}

#[cfg(test)]
mod tests {
    use super::super::account::tests::{account, report};
    use super::*;
    use evertoken_core::api::status::State;

    #[test]
    fn who_waits_is_named_with_the_command_that_lets_it_in() {
        let mut account = account(State::Valid, None);
        account.approvals = vec![Program::new("/bin/a b")];
        let finding = verdicts(Some(&report(vec![account.clone()]))).remove(0);
        assert_eq!(finding.what, "/bin/a b waits for a person to allow it access tokens of eu.");
        assert_eq!(
            finding.cure.as_deref(),
            Some("Run: evertoken approve --account eu '/bin/a b' (with --deny to refuse)")
        );
        account.approvals.clear();
        assert_eq!(verdicts(Some(&report(vec![account]))), []);
    }
}
