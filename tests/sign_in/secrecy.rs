//! No secret of a sign-in is anywhere but on its way.

use serde_json::json;

use super::{login, server, signed_out};
use crate::desktop::{Browser, Canary, Keyring, PATIENCE, memory, procfs};

#[tokio::test(flavor = "multi_thread")]
async fn no_code_no_state_no_token_of_a_sign_in_is_written_down_or_in_an_argument() {
    let scene = signed_out("").await;
    scene.sandbox.consent(json!({"answer": "approve"})).await;
    let browser = Browser::new();
    let login = login(&scene, &format!("--browser {}", server(&scene)));
    let opened = scene.desktop.opened().await;
    let asked = browser.get(&opened).await;
    let answered = browser.get(asked.location()).await;
    let callback = answered.location().to_owned();
    let value = |url: &str, name: &str| {
        let (_, rest) = url.split_once(&format!("{name}=")).unwrap();
        rest.split('&').next().unwrap().to_owned()
    };
    let mut canary = Canary::new();
    canary.add("the code", &value(&callback, "code"));
    let state = value(&callback, "state");
    assert!(!opened.contains(&state));
    // Long enough for the search.
    canary.add("the state", &format!("{}{state}", "-".repeat(21)));
    for pid in scene.desktop.environment.processes() {
        canary.assert_absent("the arguments of a process", procfs::command_line(pid).as_bytes());
    }
    browser.get(&callback).await;
    let said = login.await.unwrap();
    said.succeeded();

    let entries = Keyring::entries(&scene.desktop).await;
    for token in entries.split('"').filter(|word| word.starts_with("eyJ")) {
        canary.add("a stored token", token);
    }
    canary.assert_absent("what the command said", format!("{}{}", said.stdout, said.stderr).as_bytes());
    canary.assert_absent("the log", scene.agent.log().as_bytes());
    for pid in scene.desktop.environment.processes() {
        canary.assert_absent("the arguments of a process", procfs::command_line(pid).as_bytes());
        canary.assert_absent("the variables of a process", procfs::variables(pid).as_bytes());
    }
    for (path, bytes) in scene.desktop.environment.files() {
        canary.assert_absent(&path.display().to_string(), &bytes);
    }
    let mut spent = Canary::new();
    spent.add("the code", &value(&callback, "code"));
    memory::is_clear(scene.agent.pid(), &spent, PATIENCE, "the agent has forgotten the code").await;
}
