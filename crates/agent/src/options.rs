//! How the agent is started.

use std::ffi::OsString;
use std::str::FromStr;

/// How the agent is started.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Leave the tray icon out.
    pub no_tray: bool,
    /// Print `ready` and a newline on standard output when the local API listens.
    pub announce_ready: bool,
    /// Serve the socket that the agent before this one left on standard input.
    pub left_socket: Option<LeftSocket>,
}

/// The option that asks a program whether it would start with the others, and what it says then.
pub const CHECK_START: &str = "check-start";
/// The answer.
pub const STARTS: &str = "evertoken-agent starts\n";

/// A socket that listens on while one agent takes the place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftSocket {
    /// An agent made it, and the last one removes its file.
    Own,
    /// The service manager made it, and keeps it.
    OfServiceManager,
}

impl LeftSocket {
    /// The option that tells the next agent of it, without its value.
    pub const OPTION: &str = "left-socket";

    /// These arguments without what told of it.
    pub(crate) fn without(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
        let option = format!("--{}=", Self::OPTION);
        arguments.filter(|word| !word.as_encoded_bytes().starts_with(option.as_bytes())).collect()
    }

    /// The option's value.
    #[must_use]
    pub const fn value(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::OfServiceManager => "of-service-manager",
        }
    }
}

impl FromStr for LeftSocket {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Own, Self::OfServiceManager];
        all.into_iter().find(|it| it.value() == text).ok_or("is not a kind of socket")
    }
}
