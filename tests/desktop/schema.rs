//! `docs/schemas`, read more strictly than their readers should: what is not in a schema is not documented.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::evertoken::source;

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
    source().join("docs").join(name)
}

/// The schema that allows no field it does not name. Branches that look at the same object as their parent stay as
/// they are: the parent counts what they name.
fn strict(schema: Value) -> Value {
    let Value::Object(mut schema) = schema else { return schema };
    for name in ["properties", "$defs"] {
        for (_, inner) in schema.get_mut(name).and_then(Value::as_object_mut).into_iter().flatten() {
            *inner = strict(inner.take());
        }
    }
    if let Some(items) = schema.get_mut("items") {
        *items = strict(items.take());
    }
    if schema.contains_key("properties") {
        schema.insert("unevaluatedProperties".to_owned(), json!(false));
        return Value::Object(schema);
    }
    for name in ["oneOf", "anyOf", "allOf"] {
        for branch in schema.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten() {
            *branch = strict(branch.take());
        }
    }
    Value::Object(schema)
}
