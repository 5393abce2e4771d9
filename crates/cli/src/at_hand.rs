//! `evertoken token` and `evertoken header` as scripts call them: answered before an argument parser or a runtime comes into
//! play. Options, and an agent that does not answer, take the long way.

use std::env;
use std::process::ExitCode;

use evertoken_client::{environment, token_at_hand};
use evertoken_core::account::AccountName;
use evertoken_core::oauth::token::AccessToken;

use crate::commands::{account_named, refresh_may_help, token_after_refresh};
use crate::failure::Failure;
use crate::output;

/// `None`: the long way.
pub(crate) fn answer() -> Option<ExitCode> {
    let (before, account) = asked(env::args_os().skip(1).map(|argument| argument.into_string().ok()))?;
    let account = account_named(account).ok()?;
    let token = match token_at_hand(&environment::client_paths().ok()?, account.as_ref())? {
        Err(problem) if refresh_may_help(problem.kind) => {
            token_after_refresh(account.as_ref()).map(|answer| AccessToken::new(answer.access_token))
        }
        token => token,
    };
    let printed = match token {
        Ok(token) => output::line(format_args!("{before}{}", token.expose())),
        Err(problem) => Err(Failure::from(problem)),
    };
    Some(printed.map_or_else(|failure| failure.report(false), |()| ExitCode::SUCCESS))
}

/// What stands before the token, and the account.
fn asked(mut arguments: impl Iterator<Item = Option<String>>) -> Option<(&'static str, Option<AccountName>)> {
    let before = match arguments.next()??.as_str() {
        "token" => "",
        "header" => "Authorization: Bearer ",
        _ => return None,
    };
    let account = match arguments.next() {
        Some(name) => Some(name?.parse().ok()?),
        None => None,
    };
    arguments.next().is_none().then_some((before, account))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_command_and_an_account_are_answered_from_memory() {
        let asked = |line: &str| asked(line.split_whitespace().map(|word| Some(word.to_owned())));
        assert_eq!(asked("token"), Some(("", None)));
        assert_eq!(asked("token a"), Some(("", "a".parse().ok())));
        assert_eq!(asked("header a"), Some(("Authorization: Bearer ", "a".parse().ok())));
        for long in
            ["", "status", "token --json", "token -h", "token a b", "token a --wait 2s", "token --", "help token"]
        {
            assert_eq!(asked(long), None, "{long}");
        }
        assert_eq!(super::asked([Some("token".to_owned()), None].into_iter()), None, "not text");
    }
}
