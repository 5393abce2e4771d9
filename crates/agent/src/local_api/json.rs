//! A request's JSON, read more strictly than serde does by itself: an array never passes for an object, at any depth, and
//! `60.0` is the number sixty.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{
    Deserialize, DeserializeOwned, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Number};
use serde_path_to_error::{Path, Segment};

/// Why a body is refused. serde's own message may repeat the input, which may be a token.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotTaken {
    #[error("The request's body cannot be read as JSON (line {line}).")]
    NotJson { line: usize },
    #[error("The request's body has no `{0}`.")]
    Lacks(String),
    #[error("The request's body is not what this call takes.")]
    AnotherForm,
    #[error("The request's body is not what this call takes: see `{0}`.")]
    AnotherFormOf(String),
}

/// Reads a value of this type.
pub(super) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, NotTaken> {
    let json: Json = serde_json::from_slice(text).map_err(|error| NotTaken::NotJson { line: error.line() })?;
    serde_path_to_error::deserialize(json).map_err(|error| {
        let (message, mut fields) = (error.inner().to_string(), fields(error.path()));
        if let Some(missing) = message.strip_prefix("missing field `") {
            fields.push(missing.trim_end_matches('`'));
            return NotTaken::Lacks(fields.join("."));
        }
        if message.starts_with("unknown field ") {
            fields.pop();
        }
        if fields.is_empty() { NotTaken::AnotherForm } else { NotTaken::AnotherFormOf(fields.join(".")) }
    })
}

/// The path through fields of ours. What is within those that take any name is the client's.
fn fields(path: &Path) -> Vec<&str> {
    const TAKE_ANY_NAME: [&str; 3] = ["headers", "parameters", "token_parameters"];
    let names = path.iter().map_while(|segment| match segment {
        Segment::Map { key } => Some(key.as_str()),
        Segment::Seq { .. } | Segment::Enum { .. } | Segment::Unknown => None,
    });
    let mut names: Vec<&str> = names.collect();
    let ours = names.iter().position(|name| TAKE_ANY_NAME.contains(name)).map_or(names.len(), |last| last + 1);
    names.truncate(ours);
    names
}

/// Any JSON. An object keeps a member that comes twice, for the type to refuse.
enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// The numbers up to which a float names each whole number, 2 to the 53rd.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Json {
    fn object<'de, V: Visitor<'de>>(self, visitor: &V) -> Result<MapDeserializer<'de, Members, Error>, Error> {
        let other = match self {
            Self::Object(members) => return Ok(MapDeserializer::new(members.into_iter())),
            Self::Null => Unexpected::Unit,
            Self::Bool(value) => Unexpected::Bool(value),
            Self::Number(_) => Unexpected::Other("a number"),
            Self::Text(_) => Unexpected::Other("a text"),
            Self::Array(_) => Unexpected::Seq,
        };
        Err(Error::invalid_type(other, visitor))
    }
}

type Members = std::vec::IntoIter<(String, Json)>;

impl<'de> Deserializer<'de> for Json {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Number(number) => match number.as_f64() {
                #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
                Some(value) if number.is_f64() && value.fract() == 0.0 && value.abs() <= EXACT => {
                    Number::from(value as i64).deserialize_any(visitor)
                }
                Some(_) | None => number.deserialize_any(visitor),
            },
            Self::Text(text) => visitor.visit_string(text),
            Self::Array(items) => {
                let mut items = SeqDeserializer::new(items.into_iter());
                let value = visitor.visit_seq(&mut items)?;
                items.end().map(|()| value)
            }
            Self::Object(_) => {
                let members = self.object(&visitor)?;
                visitor.visit_map(members)
            }
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let members = self.object(&visitor)?;
        visitor.visit_map(members)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Self::Null = self { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if let Self::Text(text) = self {
            return visitor.visit_enum(text.into_deserializer());
        }
        let members = self.object(&visitor)?;
        visitor.visit_enum(MapAccessDeserializer::new(members))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Json {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json, E> {
        Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use evertoken_core::api::requests::{AccountChange, LoginRequest, NewAccount, RefreshRequest};

    use super::*;

    fn takes<T: DeserializeOwned>(text: &str) -> bool {
        read::<T>(text.as_bytes()).is_ok()
    }

    #[test]
    fn an_array_is_no_object_at_any_depth() {
        assert!(takes::<NewAccount>(r#"{"name": "a", "settings": {"endpoint": "https://a.example"}}"#));
        for array in [
            r#"["a"]"#,
            r#"{"name": "a", "settings": []}"#,
            r#"{"name": "a", "settings": [null, "https://a.example"]}"#,
            r#"{"name": "a", "settings": {"headers": []}}"#,
        ] {
            assert!(!takes::<NewAccount>(array), "{array}");
        }
        let path = if cfg!(windows) { "C:/a" } else { "/a" };
        assert!(takes::<AccountChange>(&format!(r#"{{"token_file": {{"path": "{path}"}}}}"#)));
        assert!(takes::<AccountChange>(r#"{"token_file": null}"#));
        assert!(!takes::<AccountChange>(r#"{"token_file": ["/a"]}"#));
        assert!(!takes::<LoginRequest>(r#"{"credential": "r", "settings": []}"#));
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let min_valid = |text: &str| read::<RefreshRequest>(text.as_bytes()).map(|request| request.min_valid).ok();
        for sixty in ["60", "60.0", "6e1", "600e-1"] {
            assert_eq!(min_valid(&format!(r#"{{"min_valid": {sixty}}}"#)), Some(Some(60)), "{sixty}");
        }
        assert_eq!(min_valid(r#"{"min_valid": null}"#), Some(None));
        assert_eq!(min_valid(r#"{"min_valid": 18446744073709551615}"#), Some(Some(u64::MAX)));
        for other in ["60.5", "-60.0", "-1", "1e300", "1e999", "\"60\"", "true", "[60]", "18446744073709551616"] {
            assert_eq!(min_valid(&format!(r#"{{"min_valid": {other}}}"#)), None, "{other}");
        }
    }

    #[test]
    fn a_refusal_names_the_place_and_repeats_no_value() {
        let said = |text: &str| read::<NewAccount>(text.as_bytes()).err().map(|error| error.to_string());
        for (text, words) in [
            ("{\"name\":\n]", "The request's body cannot be read as JSON (line 2)."),
            ("{}", "The request's body has no `name`."),
            (r#"{"name": 5}"#, "The request's body is not what this call takes: see `name`."),
            (r#"{"name": "a", "settings": {"endpoint": ["secret"]}}"#, "takes: see `settings.endpoint`."),
            (r#"{"name": "a", "settings": {"headers": {"secret": 5}}}"#, "takes: see `settings.headers`."),
            (r#"{"name": "a", "settings": {"token_parameters": {"secret": {}}}}"#, "see `settings.token_parameters`."),
        ] {
            assert!(said(text).is_some_and(|said| said.ends_with(words)), "{text}: {:?}", said(text));
        }
        let said = read::<AccountChange>(br#"{"token_file": {}}"#).err().map(|error| error.to_string());
        assert_eq!(said.as_deref(), Some("The request's body has no `token_file.path`."));
        let said = read::<AccountChange>(br#"{"token_file": {"secret": "x"}}"#).err().map(|error| error.to_string());
        assert!(said.is_some_and(|said| !said.contains("secret")));
    }

    #[test]
    fn what_comes_twice_or_does_not_end_is_refused() {
        assert!(!takes::<RefreshRequest>(r#"{"min_valid": 1, "min_valid": 2}"#));
        assert!(!takes::<RefreshRequest>(r#"{"min_valid": 1} x"#));
        assert!(!takes::<RefreshRequest>(&"[".repeat(100_000)));
        assert!(!takes::<RefreshRequest>(&r#"{"a":"#.repeat(100_000)));
    }
}
