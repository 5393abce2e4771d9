use evertoken_core::api::status::{AccountStatus, StatusReport, TokenFileStatus};

use super::Finding;

const CHECK: &str = "token-file";

/// A finding for each account that keeps a file.
pub(super) fn verdicts(report: Option<&StatusReport>) -> Vec<Finding> {
    let accounts = report.map(|report| report.accounts.as_slice()).unwrap_or_default();
    accounts.iter().filter_map(|account| Some(verdict(account, account.token_file.as_ref()?))).collect()
}

fn verdict(account: &AccountStatus, file: &TokenFileStatus) -> Finding {
    let (name, path) = (&account.name, file.path.display());
    let finding = match &file.problem {
        None => Finding::ok(CHECK, format!("{path} holds the access token while it is valid ({}).", file.form)),
        Some(problem) => Finding::fail(
            CHECK,
            format!("{path} does not hold the access token: {}.", problem.trim_end_matches('.')),
            format!(
                "Make room for it there, or choose another: evertoken account set {name} --token-file FILE --form {}",
                file.form
            ),
        ),
    };
    finding.of(name)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::super::account::tests::{account, report};
    use super::*;
    use evertoken_core::account::token_file::TokenFileForm;
    use evertoken_core::api::status::State;

    #[test]
    fn a_file_that_cannot_be_kept_is_named_with_its_account() {
        let found = |problem: Option<&str>| {
            let mut account = account(State::Valid, None);
            let (path, problem) = ("/run/t".into(), problem.map(str::to_owned));
            account.token_file = Some(TokenFileStatus { path, form: TokenFileForm::Env, problem });
            verdicts(Some(&report(vec![account]))).remove(0)
        };
        assert_eq!(found(None).verdict, Verdict::Ok);
        let finding = found(Some("it cannot be written"));
        assert_eq!(finding.verdict, Verdict::Fail);
        assert_eq!(finding.what, "/run/t does not hold the access token: it cannot be written.");
        assert!(finding.cure.is_some_and(|cure| cure.contains("account set eu --token-file FILE --form env")));
        assert_eq!(verdicts(Some(&report(vec![account(State::Valid, None)]))), []);
    }
}
