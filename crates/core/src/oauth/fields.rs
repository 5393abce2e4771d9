//! The members of a server's answer, from JSON or from a form; an array never passes for an object.

use std::fmt;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// What makes a form an answer of an authorization server.
const TELLING: [&str; 3] = ["access_token", "refresh_token", "error"];

/// What an answer says. Empty for a page or for nothing.
#[derive(Default)]
pub(crate) struct Fields {
    members: Map<String, Value>,
    is_whole: bool,
}

impl Fields {
    /// Reads a body. What stands behind its JSON object does not matter, and a body that breaks off keeps the members that
    /// came before: one that cannot be read must not cost a new refresh token.
    pub(crate) fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        // RFC 8259 section 8.1 lets us ignore a byte order mark.
        let text = text.trim_start_matches(|c: char| c == '\u{feff}' || c.is_whitespace());
        if text.starts_with('{') { json(text) } else { form(text.trim_end()) }
    }

    /// Reads a body whose end is missing: of its JSON, the members that came whole. The last value of a form may be cut, and
    /// nobody could tell.
    pub(crate) fn read_broken(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim_start_matches(|c: char| c == '\u{feff}' || c.is_whitespace());
        Self { is_whole: false, ..if text.starts_with('{') { json(text) } else { Self::default() } }
    }

    /// Is nothing of it missing? Only then it may be a verdict.
    pub(crate) const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// A member.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// A member that is a text, and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// A text of visible ASCII (RFC 6749 appendix A).
    pub(crate) fn visible(&self, name: &str) -> Option<&str> {
        self.text(name).filter(|text| text.bytes().all(|byte| (0x20..=0x7e).contains(&byte)))
    }

    /// The OAuth error (RFC 6749 section 5.2) of an answer that arrived whole.
    pub(crate) fn error(&self) -> Option<&str> {
        self.text("error").filter(|_| self.is_whole)
    }

    fn keep(&mut self, name: String, value: Value) {
        let is_usable = |value: &Value| value.as_str().is_none_or(|text| !text.is_empty()) && !value.is_null();
        // Given twice, the last one that says something counts.
        if is_usable(&value) || !self.members.get(&name).is_some_and(is_usable) {
            self.members.insert(name, value);
        }
    }
}

fn json(text: &str) -> Fields {
    let mut fields = Fields::default();
    let read = serde_json::Deserializer::from_str(text).deserialize_map(Members(&mut fields));
    fields.is_whole = read.is_ok();
    fields
}

/// Each member is read by itself: one that is nested too deeply, too large a number or no UTF-8 costs no other.
struct Members<'f>(&'f mut Fields);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, raw)) = map.next_entry::<String, &RawValue>()? {
            if let Ok(value) = serde_json::from_str(raw.get()) {
                self.0.keep(name, value);
            }
        }
        Ok(())
    }
}

/// Some servers answer with a form whatever they are asked for.
fn form(text: &str) -> Fields {
    let mut fields = Fields::default();
    let names_something = |name: &str| TELLING.contains(&name);
    let is_form = !text.starts_with(['[', '"']) && !text.contains('<');
    if is_form && form_urlencoded::parse(text.as_bytes()).any(|(name, _)| names_something(&name)) {
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            fields.keep(name.into_owned(), Value::String(value.into_owned()));
        }
        // A sentence of a page may hold the same words; a form has no blanks.
        fields.is_whole = text.bytes().all(|byte| byte.is_ascii_graphic());
    }
    fields
}

/// Whole seconds, also from servers that write a string or a fraction. Rounded down: never promise more.
pub(crate) fn seconds(value: &Value) -> Option<i64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    (number.abs() < 1e18).then(|| number.floor() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<String>, Option<String>) {
        let fields = Fields::read(text.as_bytes());
        let owned = |text: Option<&str>| text.map(str::to_owned);
        (owned(fields.text("refresh_token")), owned(fields.error()))
    }

    #[test]
    fn no_list_text_or_page_passes_for_an_object() {
        for text in [
            r#"["invalid_grant"]"#,
            r#"[{"error":"invalid_grant","refresh_token":"r"}]"#,
            r#"[["error","invalid_grant"],["refresh_token","r"]]"#,
            r#""error=invalid_grant&refresh_token=r""#,
            "7",
            "null",
            "",
            "<html>&error=invalid_grant&refresh_token=r</html>",
            r#"<script>var answer={"error":"invalid_grant"}</script>"#,
            "Please sign in at http://portal/?a=1",
        ] {
            assert_eq!(read(text), (None, None), "{text}");
        }
        assert_eq!(read("Sign in at http://portal/?a=1&error=invalid_grant"), (None, None));
    }

    #[test]
    fn a_broken_member_costs_only_what_comes_after_it_and_is_never_a_verdict() {
        for text in [
            r#"{"error":"invalid_grant","refresh_token":"r","expires_in":NaN}"#,
            r#"{"error":"invalid_grant","refresh_token":"r","#,
            r#"{"error":"invalid_grant","refresh_token":"r",'a':1}"#,
            r#"{"error":"invalid_grant","refresh_token":"r" "a":1}"#,
        ] {
            assert_eq!(read(text), (Some("r".to_owned()), None), "{text}");
        }
        assert_eq!(read(r#"{"refresh_token":"r"#), (None, None));
    }

    #[test]
    fn an_answer_that_broke_off_keeps_its_members_and_is_never_whole() {
        for body in [r#"{"refresh_token":"r"}"#, "\u{feff}{\"refresh_token\":\"r\",", " \n{\"refresh_token\":\"r\"}"] {
            let fields = Fields::read_broken(body.as_bytes());
            assert_eq!((fields.text("refresh_token"), fields.is_whole()), (Some("r"), false), "{body}");
        }
        let form = Fields::read_broken(b"refresh_token=r&error=invalid_grant");
        assert_eq!((form.text("refresh_token"), form.error()), (None, None));
    }

    #[test]
    fn seconds_are_whole_and_few_enough_to_be_counted() {
        for (value, expected) in [
            (Value::from(7), Some(7)),
            (Value::from(-0.5), Some(-1)),
            (Value::from(9e17), Some(900_000_000_000_000_000)),
            (Value::from(-9e17), Some(-900_000_000_000_000_000)),
            (Value::from(1e18), None),
            (Value::from(-1e18), None),
            (Value::from("inf"), None),
            (Value::from("-inf"), None),
            (Value::from("NaN"), None),
            (Value::from(" 7.9 "), Some(7)),
        ] {
            assert_eq!(seconds(&value), expected, "{value}");
        }
    }

    #[test]
    fn of_a_member_given_twice_the_last_usable_one_counts() {
        for (second, expected) in [(r#""s""#, "s"), (r#""""#, "r"), ("null", "r")] {
            let text = format!(r#"{{"refresh_token":"r","refresh_token":{second}}}"#);
            assert_eq!(read(&text).0.as_deref(), Some(expected), "{text}");
        }
    }
}
