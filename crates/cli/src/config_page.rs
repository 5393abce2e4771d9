//! evertoken-config(5), the manual page of `config.toml`: made from the types that read the file.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::path::Path;

use evertoken_core::config::Configuration;
use serde_json::Value;

use crate::schemas::input;

/// Set it to write the page instead of checking it.
const WRITE: &str = "EVERTOKEN_WRITE_SCHEMAS";

const HEAD: &str = r#".\" Made from the types in crates/core/src/config by a test of crates/cli.
.TH evertoken\-config 5 "" "evertoken @VERSION@" Evertoken
.SH NAME
evertoken\-config \- the configuration of Evertoken
.SH SYNOPSIS
.nf
\fI$XDG_CONFIG_HOME/evertoken/config.toml\fR
\fI~/.config/evertoken/config.toml\fR
.fi
.SH DESCRIPTION
Evertoken needs no configuration file: the window and the command line write it. You may edit it by hand.
It is TOML. It never contains a secret: tokens and client secrets are in the keychain.
Changes apply at once where the folder can be watched, and at the agent's next start or SIGHUP elsewhere.
.PP
Durations are text: a number and \fBs\fR, \fBm\fR, \fBh\fR or \fBd\fR, such as "45s" or "24h".
.PP
The file is read as a whole. If a line is wrong or a key is not known, the file is refused with an error that names the
line; it is never overwritten.
"#;
const FOOT: &str = r#".SH EXAMPLE
.nf
version = 1
default_account = "Production"

[settings]
refresh = "early"

[accounts.Production]
endpoint = "https://api.vault.ist/v2.0/reference/gettoken"
.fi
.SH SEE ALSO
.BR evertoken (1),
.BR evertoken\-agent (8)
"#;

#[test]
fn the_manual_page_of_the_configuration_is_that_of_the_types() {
    let page = page();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/man/evertoken-config.5");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "it has changed; write it anew: {WRITE}=1 cargo test --workspace --bins config_page");
    for key in ["clear_clipboard_after", "on_refreshed", "token_endpoint_auth_method", "form"] {
        assert!(page.contains(&format!(".B {key}\n")), "{key}");
    }
}

fn page() -> String {
    let schema = input::<Configuration>();
    let schema = Schema(schema.as_value());
    let mut page = HEAD.to_owned();
    table("KEYS", "", schema, schema.0, &mut page);
    page.push_str(FOOT);
    page
}

/// The whole schema, in which references lead somewhere.
#[derive(Clone, Copy)]
struct Schema<'a>(&'a Value);

/// Writes a table's keys, and then the tables in it.
fn table(heading: &str, place: &str, schema: Schema<'_>, value: &Value, page: &mut String) {
    page.push_str(&format!(".SH {}\n", text(heading)));
    let mut inner = Vec::new();
    for (name, field) in value["properties"].as_object().into_iter().flatten() {
        let kind = schema.resolve(field);
        let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
        let (tables, place) = match values_of_any_name(kind) {
            Some(values) => (schema.resolve(values), format!("{place}.NAME")),
            None => (kind, place),
        };
        if tables["properties"].is_object() {
            inner.push((format!("[{place}]"), place, tables));
        } else {
            let is_required = value["required"].as_array().is_some_and(|names| names.iter().any(|it| it == name));
            key(name, is_required, schema, field, page);
        }
    }
    for (heading, place, value) in inner {
        table(&heading, &place, schema, value, page);
    }
}

/// Of a table whose keys a person chooses.
fn values_of_any_name(table: &Value) -> Option<&Value> {
    let by_pattern = table["patternProperties"].as_object().and_then(|patterns| patterns.values().next());
    by_pattern.or_else(|| table.get("additionalProperties").filter(|values| values.is_object()))
}

fn key(name: &str, is_required: bool, schema: Schema<'_>, field: &Value, page: &mut String) {
    let kind = schema.resolve(field);
    page.push_str(&format!(".TP\n.B {}\n{}", text(name), text(&schema.name_of(field))));
    let default = &field["default"];
    if !default.is_null() {
        page.push_str(&text(&format!(", default {default}")));
    } else if is_required {
        page.push_str(", required");
    }
    page.push_str(&format!(".\n{}\n", line(field["description"].as_str().unwrap_or_default())));
    for variant in kind["oneOf"].as_array().into_iter().flatten() {
        let words = variant["description"].as_str().unwrap_or_default();
        page.push_str(&format!(".br\n{}: {}\n", text(&variant["const"].to_string()), line(words)));
    }
}

impl<'a> Schema<'a> {
    /// What a reference leads to, and what may be absent.
    fn resolve(self, value: &'a Value) -> &'a Value {
        if let Some(name) = value["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
            return self.resolve(&self.0["$defs"][name]);
        }
        match value["anyOf"].as_array() {
            Some(choices) => {
                choices.iter().find(|choice| choice["type"] != "null").map_or(value, |it| self.resolve(it))
            }
            None => value,
        }
    }

    fn name_of(self, value: &'a Value) -> String {
        let kind = self.resolve(value);
        if kind["oneOf"].is_array() {
            return "One of these texts".to_owned();
        }
        let name = kind["type"].as_array().and_then(|names| names.first()).unwrap_or(&kind["type"]);
        match name.as_str() {
            Some("boolean") => "Boolean",
            Some("integer") => "Integer",
            Some("array") => "List of texts",
            Some("object") => "Table of texts",
            _ => "Text",
        }
        .to_owned()
    }
}

/// A description in one line, with code in bold.
fn line(words: &str) -> String {
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = words.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { format!("\\fB{}\\fR", text(part)) } else { text(part) }).collect()
}

/// What roff would take for something else.
fn text(words: &str) -> String {
    words.replace('\\', "\\e").replace('-', "\\-")
}
