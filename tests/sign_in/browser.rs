//! Sign in with the browser: authorization code, PKCE, loopback redirect.

use serde_json::json;

use super::{at_the_server, hidden, logged_in, login, server, signed_out};
use crate::desktop::{Agent, Browser, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_with_the_browser_and_stays_logged_in() {
    let mut scene = signed_out("--expires-in 4s").await;
    let browser = Browser::new();
    let login = login(&scene, &format!("--browser --parameter scope=offline_access {}", server(&scene)));
    let (opened, asked) = at_the_server(&scene, &browser).await;
    assert!(asked.html.contains("May me sign in as you?"), "{}", asked.html);

    let form = format!("id={}&answer=approve", hidden(&asked, "id"));
    let answered = browser.post(&scene.sandbox.url("/oauth/authorize"), &form).await;
    let callback = answered.location().to_owned();
    let page = browser.get(&callback).await;

    assert!(page.html.contains("You can close this page") && page.status == 200, "{}", page.html);
    for secret in ["code", "state"] {
        let (_, value) = callback.split_once(&format!("{secret}=")).unwrap();
        assert!(!page.html.contains(value.split('&').next().unwrap()), "the page shows the {secret}");
    }
    assert_eq!((page.header("referrer-policy"), page.header("cache-control")), ("no-referrer", "no-store"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none';"));
    let said = login.await.unwrap();
    assert!(said.succeeded().starts_with("Logged in to default: valid"), "{said:?}");
    assert!(said.stderr.contains(&opened) && said.stderr.contains("If none does, open"), "{said:?}");
    let again = browser.get(&callback).await;
    assert_eq!((again.status, again.html), (200, page.html), "a reload meets the same page");
    let paths: Vec<_> = scene.sandbox.requests().await.into_iter().map(|request| request.path).collect();
    assert_eq!(paths[..2], ["/oauth/token", "/oauth/token"]);
    scene.goes_on().await;
    scene.crash_and_restart().await;
    scene.goes_on().await;
    scene.nothing_was_refused("signed in with the browser").await;
    assert_eq!(scene.desktop.status().await.account("default")["sign_in"], json!(["browser", "device"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_done_when_the_login_is_stored_and_not_before() {
    let scene = logged_in("").await;
    scene.sandbox.consent(json!({"answer": "approve"})).await;
    let browser = Browser::new();
    for (fault, title) in
        [(json!({"hold": "code"}), "You are logged in"), (json!({"hold": "code", "status": 400}), "Not signed in")]
    {
        scene.sandbox.fault(fault).await;
        let stored = async || scene.desktop.status().await.account("default")["refresh_token"]["fingerprint"].clone();
        let before = stored().await;
        let login = login(&scene, "--browser");
        let (_, answered) = at_the_server(&scene, &browser).await;
        let callback = answered.location().to_owned();
        let mut page = std::pin::pin!(browser.get(&callback));
        tokio::select! {
            _ = &mut page => panic!("the page is there before the code is exchanged"),
            () = scene.sandbox.holds("code") => {}
        }
        scene.sandbox.release("code").await;
        let page = page.await;
        assert!(page.html.contains(title), "{}", page.html);
        if title.starts_with("You") {
            assert_ne!(stored().await, before, "it is stored");
        }
        assert_eq!(browser.get(&callback).await.html, page.html, "a reload meets the same page");
        assert_eq!(login.await.unwrap().code == 0, title.starts_with("You"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_says_no_is_told_so_on_the_page_and_in_the_terminal() {
    let scene = logged_in("--expires-in 4s").await;
    scene.sandbox.consent(json!({"answer": "deny"})).await;
    let browser = Browser::new();
    let login = login(&scene, "--browser");
    let (_, answered) = at_the_server(&scene, &browser).await;
    let page = browser.get(answered.location()).await;

    assert!(page.html.contains("Not signed in") && page.html.contains("access_denied: The person said &lt;no&gt;"));
    let said = login.await.unwrap();
    assert_eq!((said.code, said.stdout.as_str()), (3, ""), "{said:?}");
    assert!(
        said.stderr.contains("refused at the server (access_denied") && said.stderr.contains("nothing was changed")
    );
    scene.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_browser_the_address_alone_is_enough() {
    let mut scene = signed_out("").await;
    scene.agent.kill();
    scene.desktop.environment.set("WAYLAND_DISPLAY", "");
    scene.agent = Agent::start(&scene.desktop).await;
    scene.sandbox.consent(json!({"answer": "approve"})).await;
    let mut stream = scene
        .desktop
        .sign_in_stream(
            "browser",
            &json!({"settings": {
        "issuer": scene.sandbox.url(""), "client_id": "me"}}),
        )
        .await;
    let prompt = stream.event("prompt").await;
    assert_eq!((&prompt["way"], &prompt["opened"]), (&json!("browser"), &json!(false)));
    assert!(!scene.desktop.environment.path("opened").exists());

    let browser = Browser::new();
    let at = browser.get(prompt["url"].as_str().unwrap()).await;
    let answered = browser.get(at.location()).await;
    browser.get(answered.location()).await;

    assert_eq!(stream.event("done").await["state"], "valid");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_gives_up_closes_the_port() {
    let scene = logged_in("").await;
    let login = login(&scene, "--browser");
    let opened = scene.desktop.opened().await;
    let browser = Browser::new();
    assert_eq!(browser.get(&opened).await.status, 303);
    login.abort();
    eventually("the port is closed", async || browser.get_with(&opened, &[]).await.is_none().then_some(())).await;
    assert_eq!(scene.desktop.status().await.state("default"), "valid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_sign_in_takes_the_place_of_the_first() {
    let scene = logged_in("").await;
    scene.sandbox.consent(json!({"answer": "approve"})).await;
    let browser = Browser::new();
    let first = login(&scene, "--browser");
    let abandoned = scene.desktop.opened().await;
    let second = login(&scene, "--browser");
    let (_, answered) = at_the_server(&scene, &browser).await;
    let said = first.await.unwrap();
    assert!(said.code == 1 && said.stderr.contains("another one started"), "{said:?}");
    assert!(browser.get_with(&abandoned, &[]).await.is_none());
    browser.get(answered.location()).await;
    second.await.unwrap().succeeded();
}

/// The agent dies around the exchange of the code; the login before it goes on.
async fn dies_at(place: &str) {
    let mut scene = logged_in("--expires-in 8s").await;
    scene.sandbox.consent(json!({"answer": "approve"})).await;
    scene.agent.kill();
    scene.desktop.environment.set("EVERTOKEN_FAIL_POINT", place);
    scene.agent = Agent::start(&scene.desktop).await;
    let login = login(&scene, "--browser");
    let browser = Browser::new();
    let (_, answered) = at_the_server(&scene, &browser).await;
    browser.get_with(answered.location(), &[]).await;
    assert!(!scene.agent.ended().await.success(), "it should have died at {place}");
    assert_ne!(login.await.unwrap().code, 0);
    scene.desktop.environment.set("EVERTOKEN_FAIL_POINT", "");
    scene.agent = Agent::start(&scene.desktop).await;
    scene.desktop.until_state("default", "valid").await;
    scene.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_death_between_the_grant_and_the_store_costs_the_earlier_login_nothing() {
    let places = ["before-code", "after-code", "candidate-stored", "before-store"];
    futures_util::future::join_all(places[..2].iter().map(|place| dies_at(place))).await;
    futures_util::future::join_all(places[2..].iter().map(|place| dies_at(place))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_offers_no_such_way_is_named_before_anything_begins() {
    let scene = signed_out("").await;
    let endpoint = scene.sandbox.endpoint();
    for (options, lacks) in [
        (format!("--browser --endpoint {endpoint}"), "authorization_endpoint"),
        (format!("--device --endpoint {endpoint}"), "device_authorization_endpoint"),
        (format!("--command --endpoint {endpoint}"), "login_command"),
        (format!("--browser --issuer {}", scene.sandbox.url("")), "client_id"),
    ] {
        let said = scene.desktop.evertoken(&format!("login default {options}")).await;
        assert!(said.failed(2).contains(&format!("has no {lacks}")), "{said:?}");
    }
    assert!(scene.desktop.status().await.names().is_empty(), "no account was made");
}
