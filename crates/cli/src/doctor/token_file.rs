use std::io::ErrorKind;

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
    let is_gone = account.access_token.is_some()
        && file.path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound);
    let finding = match &file.problem {
        None if is_gone => Finding::fail(
            CHECK,
            format!("{path} is not there: another program deleted it."),
            format!("`evertoken refresh {name}` writes it again."),
        ),
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
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::super::Verdict;
    use super::super::account::tests::{account, report};
    use super::*;
    use evertoken_core::account::token_file::TokenFileForm;
    use evertoken_core::api::status::State;

    #[test]
    fn a_file_that_cannot_be_kept_is_named_with_its_account() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t");
        let found = |problem: Option<&str>| {
            let mut account = account(State::Valid, None);
            let (path, problem) = (path.clone(), problem.map(str::to_owned));
            account.token_file = Some(TokenFileStatus { path, form: TokenFileForm::Env, problem });
            verdicts(Some(&report(vec![account]))).remove(0)
        };
        let gone = found(None);
        assert!(gone.verdict == Verdict::Fail && gone.what.contains("is not there"), "{gone:?}");
        std::fs::write(&path, "").unwrap();
        assert_eq!(found(None).verdict, Verdict::Ok);
        let finding = found(Some("it cannot be written"));
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.what.ends_with("t does not hold the access token: it cannot be written."), "{finding:?}");
        assert!(finding.cure.is_some_and(|cure| cure.contains("account set eu --token-file FILE --form env")));
        assert_eq!(verdicts(Some(&report(vec![account(State::Valid, None)]))), []);
    }
}
