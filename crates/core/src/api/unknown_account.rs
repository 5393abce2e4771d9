//! One wording for a name that no account has, and for a name that is missing.

use crate::account::AccountName;
use crate::api::problem::{Problem, ProblemKind};

/// How alike two names are that a person may have mixed up, from 0 to 1: above, `sandbx` means `sandbox`.
const ALIKE: f64 = 0.8;

/// The problem of a name that none of the accounts has.
#[must_use]
pub fn unknown_account<'a>(name: &AccountName, accounts: impl IntoIterator<Item = &'a AccountName>) -> Problem {
    let advice = match closest(name, accounts) {
        Some(meant) => format!("Did you mean {meant}? `evertoken account list` shows the accounts."),
        None => "`evertoken account list` shows the accounts; `evertoken login` makes one.".to_owned(),
    };
    Problem::new(ProblemKind::UnknownAccount, format!("There is no account {name}."), advice)
}

/// The problem of somebody who names no account where there is none.
#[must_use]
pub fn no_account() -> Problem {
    Problem::new(
        ProblemKind::LoginRequired,
        "There is no account yet: nobody is logged in.",
        "Log in: `evertoken login`, or open the window.",
    )
}

/// The problem of somebody who names no account where there are several.
#[must_use]
pub fn account_not_named() -> Problem {
    Problem::new(
        ProblemKind::AccountNotNamed,
        "There are several accounts, and none is the default.",
        "Name one, or choose a default: `evertoken account default ACCOUNT`.",
    )
}

fn closest<'a>(name: &AccountName, accounts: impl IntoIterator<Item = &'a AccountName>) -> Option<&'a AccountName> {
    let typed = name.as_str().to_lowercase();
    let likeness = |known: &AccountName| strsim::jaro_winkler(&typed, &known.as_str().to_lowercase());
    let alike = accounts.into_iter().map(|known| (likeness(known), known)).filter(|(likeness, _)| *likeness > ALIKE);
    alike.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn a_misspelt_name_is_recognised_and_another_one_is_not() {
        let known = ["default", "sandbox", "Production"].map(|name| name.parse::<AccountName>().unwrap());
        let advice = |typed: &str| unknown_account(&typed.parse().unwrap(), &known).advice;
        for (typed, meant) in
            [("sandbx", "sandbox"), ("snadbox", "sandbox"), ("production", "Production"), ("prod", "Production")]
        {
            assert!(advice(typed).starts_with(&format!("Did you mean {meant}?")), "{typed}: {}", advice(typed));
        }
        for other in ["nobody", "x", "eu"] {
            assert!(!advice(other).contains("Did you mean"), "{other}: {}", advice(other));
        }
    }
}
