//! A refresh token that was exchanged before is not sent again, as by a script that logs in with the same file twice.

use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::login::journal::is_spent;
use evertoken_core::oauth::token::Fingerprint;

use crate::rotation::AccountContext;

/// A server that sees a refresh token again may end the login that came from it. Where that login is gone, the server decides.
pub(super) async fn refuse_spent(account: &AccountContext, token: Fingerprint) -> Result<(), Problem> {
    let own = account.journal.read().await.unwrap_or_default();
    if is_spent(&own, token) && account.look().await.is_ok_and(|found| found.tokens.current().is_some()) {
        return Err(spent(
            &format!("the login of {}", account.name),
            "That login goes on, and you need not log in; `evertoken status` shows it.",
        ));
    }
    let others = account.journal.read_others().await.unwrap_or_default();
    if others.iter().any(|entries| is_spent(entries, token)) {
        return Err(spent(
            "another account's login",
            &format!(
                "For a login of its own, {} needs a refresh token of its own: log in at the server again.",
                account.name
            ),
        ));
    }
    Ok(())
}

fn spent(login: &str, advice: &str) -> Problem {
    let detail = format!(
        "Evertoken has used this refresh token before, for {login}. It was not sent again, because the server could take it for \
         a stolen one and end that login."
    );
    Problem::new(ProblemKind::InvalidInput, detail, advice)
}
