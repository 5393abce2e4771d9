//! The snippets of `docs/recipes.md` and `docs/integrations`, run as they stand there.
//!
//! In the text, a fenced block whose first line says `run` is run, and one that says `run=WORDS` has to print these.

use std::fs;
use std::path::PathBuf;

use crate::desktop::{Desktop, Outcome, Process, Scene, built, docs, note};

/// What the documents call the API; the sandbox stands in for it.
const API: &str = "https://api.vault.ist";

/// A fenced block.
struct Block {
    language: String,
    /// What follows the language, as in `run=usr:`.
    mark: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let text = fs::read_to_string(docs(page)).unwrap();
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(head) = line.strip_prefix("```").filter(|head| !head.is_empty()) else { continue };
        let (language, mark) = head.split_once(' ').unwrap_or((head, ""));
        let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        found.push(Block { language: language.to_owned(), mark: mark.to_owned(), text: text.join("\n") + "\n" });
    }
    found
}

/// Somebody who is logged in, with `evertoken` on the path.
async fn scene() -> Scene {
    let mut desktop = Desktop::without_screen().await;
    let programs = built("evertoken").parent().unwrap().display().to_string();
    let path = format!("{programs}:{}", desktop.environment.get("PATH").unwrap());
    desktop.environment.set("PATH", &path);
    Scene::logged_in_on(desktop, "--expires-in 23h").await
}

/// The block as a file in the person's home.
fn written(scene: &Scene, block: &Block, name: &str) -> PathBuf {
    let path = scene.desktop.environment.path("home").join(name);
    fs::write(&path, block.text.replace(API, &scene.sandbox.url(""))).unwrap();
    path
}

async fn run(scene: &Scene, page: &str, block: &Block) {
    let (program, name) = match block.language.as_str() {
        "sh" => ("sh", "snippet.sh"),
        "bash" => ("bash", "snippet.sh"),
        "python" => ("python3", "snippet.py"),
        "js" => ("node", "snippet.mjs"),
        other => panic!("{page}: nothing here runs {other}"),
    };
    let mut command = scene.desktop.environment.command(program);
    command.arg(written(scene, block, name));
    let outcome = Outcome::of(command, b"").await;
    let expected = block.mark.strip_prefix("run=").unwrap_or_default();
    assert!(outcome.code == 0 && outcome.stdout.contains(expected), "{page}: {}\n{outcome:?}", block.text);
    assert_eq!(outcome.stderr, "", "{page}: {}", block.text);
}

/// Runs the marked blocks of a page; says how many.
async fn run_page(scene: &Scene, page: &str) -> usize {
    let marked: Vec<Block> = blocks(page).into_iter().filter(|block| block.mark.starts_with("run")).collect();
    for block in &marked {
        run(scene, page, block).await;
    }
    marked.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_can_paste_the_recipes() {
    let scene = scene().await;
    assert!(run_page(&scene, "recipes.md").await >= 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_snippets_for_curl_httpie_python_node_and_exec_fetch_something_with_the_token() {
    let scene = scene().await;
    for page in ["curl", "httpie", "python", "node", "exec"] {
        assert!(run_page(&scene, &format!("integrations/{page}.md")).await > 0, "{page}");
    }
    let granted = scene.desktop.evertoken("access --json").await;
    assert!(!granted.succeeded().contains("denied"));
    assert_eq!(scene.sandbox.requests().await.len(), 1, "no snippet costs the login a refresh");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_with_direnv_has_the_token_in_its_environment() {
    let scene = scene().await;
    let blocks = blocks("integrations/direnv.md");
    let envrc = blocks.iter().find(|block| block.mark == "envrc").unwrap();
    written(&scene, envrc, ".envrc");
    let snippet = blocks.iter().find(|block| block.mark.starts_with("run=")).unwrap();
    let mut command = scene.desktop.environment.command("sh");
    // direnv tells on standard error what it does.
    command.env("DIRENV_LOG_FORMAT", "").arg(written(&scene, snippet, "snippet.sh"));
    let outcome = Outcome::of(command, b"").await;
    assert!(outcome.succeeded().contains("usr:"), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_finds_the_token_in_the_file_that_the_page_makes() {
    let scene = scene().await;
    assert_eq!(run_page(&scene, "integrations/systemd.md").await, 1);
    scene.desktop.until("the file is kept", |status| status.account("default")["token_file"].is_object()).await;
    let file = scene.desktop.environment.path("run/vault.env");
    let text = crate::desktop::eventually("the file is there", async || fs::read_to_string(&file).ok()).await;
    let token = text.trim_end().strip_prefix("VAULT_ACCESS_TOKEN=").unwrap();
    assert_eq!(scene.sandbox.user_info(token).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bar_shows_each_change_of_the_state() {
    for page in ["integrations/waybar.md", "integrations/polybar.md"] {
        let scene = scene().await;
        let block = blocks(page).into_iter().find(|block| block.mark.starts_with("bar=")).unwrap();
        let mut shown = vec![block.mark["bar=".len()..].to_owned(), "signed-out".to_owned()];
        let mut command = scene.desktop.environment.command("sh");
        command.arg(written(&scene, &block, "bar.sh"));
        let (sender, first) = tokio::sync::oneshot::channel();
        let reading = tokio::task::spawn_blocking(move || {
            let mut sender = Some(sender);
            let (bar, ()) = Process::spawn_until_line(&mut command, |line| {
                if page.contains("waybar") {
                    serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
                }
                if line.contains(shown.first()?) {
                    shown.remove(0);
                    sender.take().map(|sender| sender.send(()));
                }
                shown.is_empty().then_some(())
            });
            drop(bar);
        });
        first.await.unwrap();
        scene.desktop.evertoken("logout default").await.succeeded();
        reading.await.unwrap();
        note(&format!("{page}: both states were shown"));
    }
}

#[test]
fn every_page_says_whether_it_was_tried_and_is_listed() {
    let list = fs::read_to_string(docs("integrations/README.md")).unwrap();
    for entry in fs::read_dir(docs("integrations")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name == "README.md" {
            continue;
        }
        let text = fs::read_to_string(docs(&format!("integrations/{name}"))).unwrap();
        let second = text.lines().nth(2).unwrap_or_default();
        assert!(second.starts_with('*'), "{name} does not begin with how it was tried: {second}");
        assert!(list.contains(&format!("({name})")), "{name} is not listed");
        let says_run = text.contains("run by the tests") || text.contains("was tried as");
        let has_run = text.contains(" run=") || text.contains("```sh run\n") || text.contains(" bar=");
        assert_eq!(has_run, says_run || text.contains("*Run by the tests.*"), "{name}");
    }
}
