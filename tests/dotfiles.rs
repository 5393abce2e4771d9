//! config.toml as dotfile managers have it: a link, or in a linked folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::desktop::{Desktop, Outcome, Scene, Status, built};

fn place(desktop: &Desktop, name: &str) -> PathBuf {
    desktop.environment.path("home").join(name)
}

/// A configuration with one account of this name.
fn configuration(name: &str) -> String {
    format!("version = 1\n# by hand\n[accounts.{name}]\nendpoint = \"http://127.0.0.1:9/token\"\n")
}

/// Puts a link in the file's place at once, as `stow` and `chezmoi` do.
fn link(target: &PathBuf, link: &PathBuf) {
    let new = link.with_extension("new");
    symlink(target, &new).unwrap();
    fs::rename(new, link).unwrap();
}

fn has(name: &str) -> impl Fn(&Status) -> bool {
    move |status| status.names() == [name]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_leads_nowhere_is_said_and_left_as_it_is() {
    let desktop = Desktop::without_screen().await;
    let (file, gone) = (desktop.environment.configuration(), place(&desktop, "gone.toml"));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    symlink(&gone, &file).unwrap();
    let said = Outcome::of(desktop.environment.command(built("evertoken-agent")), b"").await;
    assert!(said.failed(78).contains("gone.toml, which is not there"), "{said:?}");
    assert!(desktop.evertoken("status").await.failed(1).contains("which is not there"));
    assert!(fs::symlink_metadata(file).unwrap().is_symlink() && !gone.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_made_later_or_leads_elsewhere_is_followed_and_kept() {
    let scene = Scene::signed_out(Desktop::without_screen().await, "").await;
    let desktop = &scene.desktop;
    let file = desktop.environment.configuration();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let [one, two] = ["one", "two"].map(|name| place(desktop, &format!("{name}.toml")));
    fs::write(&one, configuration("one")).unwrap();
    fs::write(&two, configuration("two")).unwrap();
    link(&one, &file);
    desktop.until("the link is followed", has("one")).await;
    link(&two, &file);
    desktop.until("it leads elsewhere", has("two")).await;
    fs::write(&two, configuration("three")).unwrap();
    desktop.until("the file behind it is watched", has("three")).await;
    fs::remove_file(&file).unwrap();
    symlink(&one, &file).unwrap();
    desktop.until("it is made anew", has("one")).await;

    desktop.evertoken("account default one").await.succeeded();
    assert!(fs::symlink_metadata(&file).unwrap().is_symlink());
    let text = fs::read_to_string(&one).unwrap();
    assert!(text.contains("# by hand") && text.contains("default"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linked_folder_that_leads_elsewhere_is_followed() {
    let desktop = Desktop::without_screen().await;
    let folder = desktop.environment.configuration().parent().unwrap().to_owned();
    for name in ["one", "two"] {
        let place = place(&desktop, name);
        fs::create_dir(&place).unwrap();
        fs::write(place.join("config.toml"), configuration(name)).unwrap();
    }
    symlink(place(&desktop, "one"), &folder).unwrap();
    let scene = Scene::signed_out(desktop, "").await;
    scene.desktop.until("the folder is followed", has("one")).await;
    link(&place(&scene.desktop, "two"), &folder);
    scene.desktop.until("it leads elsewhere", has("two")).await;
    fs::write(place(&scene.desktop, "two/config.toml"), configuration("three")).unwrap();
    scene.desktop.until("the folder behind it is watched", has("three")).await;
}
