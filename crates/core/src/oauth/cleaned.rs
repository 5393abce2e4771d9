//! Text that a server wrote, made fit for a sentence, a terminal, a notification and a page.

/// The text in one line of at most `longest` characters, without control characters and without those that are not seen or
/// that change the order in which the rest is read (Unicode's category Cf: U+202E, U+200B and their like).
#[must_use]
pub fn cleaned(text: &str, longest: usize) -> String {
    let mut clean = String::new();
    let seen = text.chars().filter(|c| c.is_whitespace() || !is_unfit(*c));
    for c in seen.map(|c| if c.is_whitespace() { ' ' } else { c }) {
        // One blank for each run of them.
        if c != ' ' || !(clean.is_empty() || clean.ends_with(' ')) {
            clean.push(c);
        }
    }
    let end = clean.char_indices().nth(longest).map_or(clean.len(), |(at, _)| at);
    clean.truncate(end);
    clean.trim_end().to_owned()
}

/// Is it a control character, or one that is not seen or changes the order in which the rest is read?
pub(crate) fn is_unfit(c: char) -> bool {
    c.is_control() || is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Format characters, fillers, and what would join the letters of two words.
#[must_use]
pub const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_servers_text_keeps_its_words_and_loses_what_could_command_or_deceive() {
        for (text, shown) in [
            ("Token has been revoked.", "Token has been revoked."),
            ("größer \u{1f511} 鍵", "größer \u{1f511} 鍵"),
            ("a\r\n\tb  c\u{2028}d\u{85}e", "a b c d e"),
            ("no\u{1b}[2J", "no[2J"),
            ("\u{9b}31mred", "31mred"),
            ("gnp.\u{202e}exe", "gnp.exe"),
            ("\u{2066}a\u{2069}\u{200b}b\u{feff}\u{e0041}", "ab"),
            ("\u{7f}\0\u{7}", ""),
            ("  x  ", "x"),
            ("123456789 0123", "123456789"),
        ] {
            assert_eq!(cleaned(text, 10.max(shown.chars().count())), *shown, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_brings_a_control_character_or_more_than_its_length(text in any::<String>(), longest in 0_usize..50) {
            let shown = cleaned(&text, longest);
            prop_assert!(shown.chars().count() <= longest);
            prop_assert!(!shown.chars().any(|c| c.is_control() || is_invisible(c)));
            prop_assert_eq!(cleaned(&shown, longest), shown);
        }
    }
}
