//! The refresh token that a person gives: from standard input or a hidden prompt, never from an argument.

use std::io::{self, IsTerminal, Read};

use evertoken_core::api::problem::{Problem, ProblemKind};

/// In bytes. Token responses with two long JWTs are below 8 KiB.
const LONGEST: usize = 64 * 1024;
const PROMPT: &str = "Refresh token, or a whole token response as JSON (not shown): ";

/// Why an input is no credential. Never shows the input.
#[derive(Debug, PartialEq, Eq)]
enum Unusable {
    Empty,
    TooLong,
    SeveralLines,
    OddCharacters,
    Quoted,
    PageOrAddress,
    NoRefreshToken,
    BrokenJson,
}

impl From<Unusable> for Problem {
    fn from(why: Unusable) -> Self {
        let (detail, advice) = match why {
            Unusable::Empty => ("Nothing was given, so nothing was changed.", "Paste a refresh token, or pipe one in."),
            Unusable::TooLong => (
                "The input is longer than 64 KiB, so it cannot be a token; nothing was changed.",
                "Give the refresh token alone.",
            ),
            Unusable::SeveralLines => (
                "The input has several lines and is no token response; nothing was changed.",
                "Give the refresh token alone, in one line.",
            ),
            Unusable::OddCharacters => (
                "The input has characters that no token has (RFC 6749, appendix A.17); nothing was changed.",
                "Give the refresh token alone, as plain text in UTF-8.",
            ),
            Unusable::Quoted => (
                "The input is in quotes or a JSON value, and not the token itself; nothing was changed.",
                "Leave out the quotes and the name. With jq, use: jq -r .refresh_token",
            ),
            Unusable::PageOrAddress => (
                "The input is a web page or an address, and not a token; nothing was changed.",
                "Give the refresh token alone.",
            ),
            Unusable::NoRefreshToken => (
                "The JSON has no refresh_token with a text at its top; nothing was changed.",
                "Give a token response that has one: an access token alone cannot be renewed.",
            ),
            Unusable::BrokenJson => (
                "The input looks like JSON but cannot be parsed; nothing was changed.",
                "Give the whole token response, or the refresh token alone.",
            ),
        };
        Self::new(ProblemKind::InvalidInput, detail, advice)
    }
}

/// Reads and checks a credential.
///
/// # Errors
/// [`ProblemKind::InvalidInput`]; nothing was touched.
pub(crate) fn read() -> Result<String, Problem> {
    let text = if io::stdin().is_terminal() { prompt() } else { piped() };
    let text = text.map_err(|error| {
        let detail = format!("The refresh token cannot be read: {error}.");
        Problem::new(ProblemKind::InvalidInput, detail, "Pipe it in as plain text.")
    })?;
    Ok(checked(&text)?.to_owned())
}

fn piped() -> io::Result<String> {
    let mut bytes = Vec::new();
    io::stdin().lock().take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
    // Lossy is enough: what is no UTF-8 is refused for its characters.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A pasted token response may have several lines: all of them are taken here, so that none lands in the shell.
fn prompt() -> io::Result<String> {
    let mut text = match rpassword::prompt_password(PROMPT) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(String::new()),
        outcome => outcome?,
    };
    while is_unfinished_json(&text) && text.len() <= LONGEST {
        match rpassword::read_password() {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            outcome => text.push_str(&format!("\n{}", outcome?)),
        }
    }
    Ok(text)
}

fn is_unfinished_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
        && serde_json::from_str::<serde_json::Value>(text).is_err_and(|error| error.is_eof())
}

fn checked(text: &str) -> Result<&str, Unusable> {
    // PowerShell pipes begin with a byte order mark.
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(Unusable::Empty);
    }
    if text.len() > LONGEST {
        return Err(Unusable::TooLong);
    }
    if text.starts_with('{') {
        return has_refresh_token(text).map(|()| text);
    }
    if text.starts_with(['"', '\'', '[']) || text == "null" {
        return Err(Unusable::Quoted);
    }
    if text.starts_with('<') || text.starts_with("http://") || text.starts_with("https://") {
        return Err(Unusable::PageOrAddress);
    }
    if text.contains(['\n', '\r']) {
        return Err(Unusable::SeveralLines);
    }
    // `VSCHAR` of RFC 6749, appendix A.17.
    if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(Unusable::OddCharacters);
    }
    Ok(text)
}

fn has_refresh_token(text: &str) -> Result<(), Unusable> {
    let response: serde_json::Value = serde_json::from_str(text).map_err(|_| Unusable::BrokenJson)?;
    match response.get("refresh_token").and_then(serde_json::Value::as_str).map(str::trim) {
        None | Some("") => Err(Unusable::NoRefreshToken),
        Some(token) if token.bytes().all(|byte| (b' '..=b'~').contains(&byte)) => Ok(()),
        Some(_) => Err(Unusable::OddCharacters),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_paste_is_taken() {
        let response = "{\n \"access_token\": \"a\",\n \"refresh_token\": \"r\"\n}";
        for (given, taken) in [
            ("_aUC-x.y~z\n", "_aUC-x.y~z"),
            ("  eyJ.abc  \r\n", "eyJ.abc"),
            ("\u{feff}eyJ", "eyJ"),
            (response, response),
        ] {
            assert_eq!(checked(given), Ok(taken));
        }
    }

    #[test]
    fn garbage_is_refused_before_anything_is_touched() {
        let long = "x".repeat(LONGEST + 1);
        for (given, why) in [
            ("", Unusable::Empty),
            (" \n\t", Unusable::Empty),
            (long.as_str(), Unusable::TooLong),
            ("a\nb", Unusable::SeveralLines),
            ("a\u{1b}[31m", Unusable::OddCharacters),
            ("tokén", Unusable::OddCharacters),
            ("\"eyJ\"", Unusable::Quoted),
            ("null", Unusable::Quoted),
            ("'eyJ'", Unusable::Quoted),
            ("\"refresh_token\": \"eyJ\",", Unusable::Quoted),
            ("[\n{\"refresh_token\": \"r\"}]", Unusable::Quoted),
            ("<html>no</html>", Unusable::PageOrAddress),
            ("http://127.0.0.1/callback?code=c", Unusable::PageOrAddress),
            ("{}", Unusable::NoRefreshToken),
            ("{\"refresh_token\": \"\"}", Unusable::NoRefreshToken),
            ("{\"refresh_token\": 3}", Unusable::NoRefreshToken),
            ("{\"refresh_token\": \"a\\u0007b\"}", Unusable::OddCharacters),
            ("{\"refresh_token\": \"r", Unusable::BrokenJson),
        ] {
            assert_eq!(checked(given), Err(why));
        }
    }

    #[test]
    fn a_refused_input_is_wrong_usage_and_is_not_repeated() {
        let problem = Problem::from(Unusable::Quoted);
        assert_eq!(problem.kind.exit_code() as u8, 2);
    }

    #[test]
    fn a_pasted_token_response_is_read_to_its_last_line() {
        assert!(is_unfinished_json("{") && is_unfinished_json("{\"a\": 1,"));
        assert!(!is_unfinished_json("{\"a\": 1}") && !is_unfinished_json("eyJ") && !is_unfinished_json("{]"));
    }
}
