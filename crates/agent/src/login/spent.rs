//! A refresh token that was exchanged before is not sent again, as by a script that logs in with the same file twice.

use std::time::Duration;

use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::login::journal::is_spent;
use evertoken_core::oauth::origin::Origin;
use evertoken_core::oauth::token::Fingerprint;

use crate::rotation::AccountContext;
use crate::store::journal_file::JournalFile;

/// The journal of an account on a disk that hangs holds up no other account.
const READ_WITHIN: Duration = Duration::from_secs(2);

/// Another account: the server that refreshes its tokens, and what happened to its login.
pub(crate) struct OtherAccount {
    pub(crate) server: Origin,
    pub(crate) journal: JournalFile,
}

/// A server that sees a refresh token again may end the login that came from it. Where that login is gone, the server decides.
pub(super) async fn refuse_spent(
    token: Fingerprint,
    server: &Origin,
    account: &AccountContext,
    others: &[OtherAccount],
) -> Result<(), Problem> {
    let own = account.journal.read().await.unwrap_or_default();
    if is_spent(&own, token) && account.look().await.is_ok_and(|found| found.tokens.current().is_some()) {
        return Err(spent(
            &format!("the login of {}", account.name),
            "That login goes on, and you need not log in; `evertoken status` shows it.",
        ));
    }
    for other in others.iter().filter(|other| other.server == *server) {
        let entries = tokio::time::timeout(READ_WITHIN, other.journal.read()).await;
        if entries.is_ok_and(|entries| is_spent(&entries.unwrap_or_default(), token)) {
            let advice = format!(
                "For a login of its own, {} needs a refresh token of its own: log in at the server again.",
                account.name
            );
            return Err(spent("another account's login", &advice));
        }
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
