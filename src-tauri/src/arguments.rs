//! `evertoken-desktop [--account NAME] [--login | --history]`.

use std::ffi::OsString;

use evertoken_core::account::{AccountName, InvalidAccountName};
use serde::Serialize;

/// What stands after an error in the arguments.
pub(crate) const USAGE: &str = "Usage: evertoken-desktop [--account NAME] [--login | --history]";

/// What of an account is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Opens {
    /// Its card.
    #[default]
    Card,
    Login,
    History,
}

/// What the window is opened for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Arguments {
    /// The account that is meant; none: the default one.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub(crate) account: Option<AccountName>,
    pub(crate) opens: Opens,
}

/// Why the arguments cannot be followed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum InvalidArguments {
    /// No such argument.
    Unknown(String),
    /// `--account` without a name.
    NoName,
    /// `--account` with something that is no name.
    Name(InvalidAccountName),
}

impl std::fmt::Display for InvalidArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(argument) => write!(f, "there is no argument {argument:?}"),
            Self::NoName => write!(f, "--account wants a name"),
            Self::Name(error) => write!(f, "{error}"),
        }
    }
}

impl Arguments {
    /// Reads the arguments after the program's name.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Self, InvalidArguments> {
        let mut parsed = Self::default();
        let mut arguments = arguments.into_iter().map(|argument| argument.into().to_string_lossy().into_owned());
        while let Some(argument) = arguments.next() {
            match argument.split_once('=').unwrap_or((&argument, "")) {
                ("--login", "") => parsed.opens = Opens::Login,
                ("--history", "") => parsed.opens = Opens::History,
                ("--account", "") => parsed.account = Some(name(&arguments.next().unwrap_or_default())?),
                ("--account", value) => parsed.account = Some(name(value)?),
                _ => return Err(InvalidArguments::Unknown(argument)),
            }
        }
        Ok(parsed)
    }
}

fn name(text: &str) -> Result<AccountName, InvalidArguments> {
    if text.is_empty() {
        return Err(InvalidArguments::NoName);
    }
    text.parse().map_err(InvalidArguments::Name)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn the_notifications_button_opens_the_right_log_in() {
        let work = Arguments { account: Some("work".parse().unwrap()), opens: Opens::Login };
        assert_eq!(Arguments::parse(["--account", "work", "--login"]).unwrap(), work);
        assert_eq!(Arguments::parse(["--login", "--account=work"]).unwrap(), work);
        let history = Arguments { opens: Opens::History, ..work };
        assert_eq!(Arguments::parse(["--account", "work", "--history"]).unwrap(), history);
        assert_eq!(Arguments::parse([""; 0]).unwrap(), Arguments::default());
    }

    #[test]
    fn the_manual_knows_every_argument() {
        let manual = include_str!("../../packaging/man/evertoken-desktop.1").replace("\\-", "-");
        let options = USAGE.split(|letter: char| !letter.is_ascii_lowercase() && letter != '-');
        for option in options.filter(|word| word.starts_with("--")) {
            assert!(
                manual.contains(&format!(".B {option}\n")) || manual.contains(&format!(".BI {option} ")),
                "{option}"
            );
        }
    }

    #[test]
    fn a_mistyped_argument_is_named() {
        assert_eq!(Arguments::parse(["--acount"]).unwrap_err().to_string(), "there is no argument \"--acount\"");
        assert_eq!(Arguments::parse(["--account"]).unwrap_err(), InvalidArguments::NoName);
        assert!(matches!(Arguments::parse(["--account", "../x"]), Err(InvalidArguments::Name(_))));
    }
}
