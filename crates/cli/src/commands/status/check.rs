//! How the accounts are, as an exit code for scripts and health checks.

use evertoken_core::api::problem::ExitCode;
use evertoken_core::api::status::{AccountStatus, State};

/// The code of the account that needs most; without an account, somebody has to log in first.
pub(super) fn exit_code(accounts: &[AccountStatus]) -> ExitCode {
    let codes: Vec<ExitCode> = accounts.iter().map(code_of).collect();
    let worst = [ExitCode::LoginRequired, ExitCode::Keychain, ExitCode::TryLater];
    if codes.is_empty() {
        return ExitCode::LoginRequired;
    }
    worst.into_iter().find(|code| codes.contains(code)).unwrap_or(ExitCode::Done)
}

const fn code_of(account: &AccountStatus) -> ExitCode {
    match account.state {
        State::LoginSoon | State::LoginRequired | State::SignedOut | State::ServerChanged => ExitCode::LoginRequired,
        State::KeychainUnavailable => ExitCode::Keychain,
        State::Valid | State::Refreshing | State::Retrying if account.access_token.is_some() => ExitCode::Done,
        State::Valid | State::Refreshing | State::Retrying | State::Expired => ExitCode::TryLater,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::account;
    use super::*;

    #[test]
    fn the_account_that_needs_most_decides() {
        let code = |states: &[State]| {
            let accounts: Vec<AccountStatus> = states.iter().map(|state| account("a", *state)).collect();
            exit_code(&accounts)
        };
        assert_eq!(code(&[]), ExitCode::LoginRequired);
        assert_eq!(code(&[State::Valid, State::Retrying]), ExitCode::Done);
        assert_eq!(code(&[State::Valid, State::Expired]), ExitCode::TryLater);
        assert_eq!(code(&[State::Expired, State::KeychainUnavailable]), ExitCode::Keychain);
        assert_eq!(code(&[State::KeychainUnavailable, State::LoginSoon]), ExitCode::LoginRequired);
        let mut without_token = account("a", State::Refreshing);
        without_token.access_token = None;
        assert_eq!(exit_code(&[without_token]), ExitCode::TryLater);
    }
}
