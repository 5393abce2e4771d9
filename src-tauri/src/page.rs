//! The page's files are named in `tauri.conf.json` one by one, so that nothing else beside them gets into the program.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn no_file_of_the_page_is_missing_in_the_program() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let configuration = fs::read_to_string(here.join("tauri.conf.json")).unwrap();
    let configuration: serde_json::Value = serde_json::from_str(&configuration).unwrap();
    let embedded: BTreeSet<&str> =
        configuration["build"]["frontendDist"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();

    let page = files_in(here, "../ui", &["html", "css", "js"]);
    let pictures = files_in(here, "../icons/tray", &["svg"]);
    let missing: Vec<&String> = page.iter().chain(&pictures).filter(|file| !embedded.contains(file.as_str())).collect();

    assert!(missing.is_empty(), "name them in build.frontendDist: {missing:?}");
    assert!(embedded.iter().all(|file| here.join(file).is_file()));
}

fn files_in(here: &Path, folder: &str, kinds: &[&str]) -> Vec<String> {
    let entries = fs::read_dir(here.join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let wanted = names.filter(|name| kinds.iter().any(|kind| name.ends_with(&format!(".{kind}"))));
    wanted.map(|name| format!("{folder}/{name}")).collect()
}
