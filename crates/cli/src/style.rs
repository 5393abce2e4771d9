//! Text for a terminal: colour where a person looks at it, and nothing that could command it.

use evertoken_client::environment::wall_clock;
use std::io::IsTerminal;

use evertoken_core::oauth::cleaned::is_invisible;
use evertoken_core::present::sentence::with_local_times;
use jiff::Timestamp;

/// Text from elsewhere, without what could command a terminal or change the order in which the rest is read.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_invisible(c) { ' ' } else { c }).collect()
}

/// The same for a sentence of the agent, with its instants in local time.
pub(crate) fn local(sentence: &str) -> String {
    with_local_times(&plain(sentence), Timestamp::now(), &wall_clock())
}

/// The few colours that we use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Bold,
    Dim,
    Green,
    Yellow,
    Red,
}

/// Coloured or not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    is_coloured: bool,
}

impl Style {
    /// Coloured on a terminal, unless `NO_COLOR` says otherwise (no-color.org) or it is a console of Windows that knows
    /// no colours.
    pub(crate) fn of(stream: &impl IsTerminal) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let understood = || anstyle_query::windows::enable_ansi_colors().unwrap_or(true);
        Self { is_coloured: wanted && stream.is_terminal() && understood() }
    }

    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { is_coloured: false };

    pub(crate) fn paint(self, colour: Colour, text: &str) -> String {
        if !self.is_coloured {
            return text.to_owned();
        }
        let code = match colour {
            Colour::Bold => 1,
            Colour::Dim => 2,
            Colour::Green => 32,
            Colour::Yellow => 33,
            Colour::Red => 31,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_endpoint_answers_cannot_command_the_terminal() {
        assert_eq!(plain("usr:\u{1b}[2J\u{9b}x\n"), "usr: [2J x ");
        assert_eq!(plain("/opt/gnp.\u{202e}sh"), "/opt/gnp. sh");
    }

    #[test]
    fn colour_is_switched_off_as_a_whole() {
        assert_eq!(Style::PLAIN.paint(Colour::Red, "x"), "x");
        assert_eq!(Style { is_coloured: true }.paint(Colour::Red, "x"), "\x1b[31mx\x1b[0m");
    }
}
