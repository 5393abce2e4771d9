//! `docs/schemas`, read more strictly than their readers should: what is not in a schema is not documented.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// A schema of `docs/schemas`.
pub(crate) struct Schema {
    name: String,
    validator: jsonschema::Validator,
}

impl Schema {
    /// By the name of its file, without `.json`.
    pub(crate) fn named(name: &str) -> Self {
        let path = docs(&format!("schemas/{name}.json"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let validator = jsonschema::options()
            .should_validate_formats(true)
            .build(&strict(serde_json::from_str(&text).unwrap()))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name: name.to_owned(), validator }
    }

    /// Panics unless the value is as the schema says and nothing more.
    #[track_caller]
    pub(crate) fn describes(&self, value: &Value) {
        let wrong: Vec<String> =
            self.validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "not as docs/schemas/{}.json says: {wrong:#?}\n{value:#}", self.name);
    }

    /// Panics unless the text is one value as the schema says.
    #[track_caller]
    pub(crate) fn describes_text(&self, text: &str) -> Value {
        let value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        self.describes(&value);
        value
    }
}

/// A file of the documentation.
pub(crate) fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

/// The schema that allows no field it does not name. Branches that look at the same object as their parent stay as
/// they are: the parent counts what they name.
fn strict(schema: Value) -> Value {
    const SAME_OBJECT: [&str; 3] = ["oneOf", "anyOf", "allOf"];
    const NAMED: [&str; 2] = ["properties", "$defs"];
    let Value::Object(schema) = schema else { return schema };
    let is_object = schema.contains_key("properties");
    let mut strict: Map<String, Value> = schema
        .into_iter()
        .map(|(key, value)| match value {
            Value::Object(inner) if NAMED.contains(&key.as_str()) => {
                (key, inner.into_iter().map(|(name, schema)| (name, self::strict(schema))).collect())
            }
            Value::Array(branches) if SAME_OBJECT.contains(&key.as_str()) => {
                let inner = |branch| if is_object { branch } else { self::strict(branch) };
                (key, branches.into_iter().map(inner).collect())
            }
            value if key == "items" => (key, self::strict(value)),
            value => (key, value),
        })
        .collect();
    if is_object {
        strict.insert("unevaluatedProperties".to_owned(), json!(false));
    }
    Value::Object(strict)
}
