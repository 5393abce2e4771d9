//! What is inside, for machines: CycloneDX 1.5.

use anyhow::Result;
use serde_json::{Value, json};

use super::edition::Edition;
use super::third_party::Crate;

/// The document. It has no serial number, which would be another one each time.
pub(super) fn of(edition: &Edition, crates: &[Crate]) -> Result<String> {
    let components: Vec<Value> = crates.iter().map(component).collect();
    let references: Vec<&Value> = components.iter().map(|component| &component["bom-ref"]).collect();
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": format!("{}T00:00:00Z", edition.date),
            "component": {
                "type": "application",
                "bom-ref": "evertoken",
                "name": "evertoken",
                "version": edition.version,
                "licenses": [{ "expression": "MIT OR Apache-2.0" }],
            },
        },
        "components": components,
        "dependencies": [{ "ref": "evertoken", "dependsOn": references }],
    });
    Ok(format!("{}\n", serde_json::to_string_pretty(&document)?))
}

fn component(it: &Crate) -> Value {
    let package = format!("pkg:cargo/{}@{}", it.name, it.version);
    let mut component = json!({
        "type": "library",
        "bom-ref": package,
        "name": it.name,
        "version": it.version,
        "purl": package,
        "licenses": [{ "expression": it.licence }],
    });
    if let Some(repository) = &it.repository {
        component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    component
}
