//! P9: whatever becomes of the account meanwhile, no other account's token and no other server's reaches the API.

use reqwest::Method;
use serde_json::json;

use super::problem;
use crate::desktop::{Desktop, Proxy, Sandbox, Scene, Upstream};

/// Accounts `a`, the default, and `b`, at two servers, and the API that the tokens of `a` are for.
struct TwoAccounts {
    scene: Scene,
    other: Sandbox,
    api: Upstream,
}

impl TwoAccounts {
    async fn set(sandbox_options: &str) -> Self {
        let scene = Scene::signed_out(Desktop::without_screen().await, sandbox_options).await;
        let other = Sandbox::start(&scene.desktop, "--expires-in 1h").await;
        scene.desktop.login("a", &scene.sandbox).await;
        scene.desktop.login("b", &other).await;
        scene.desktop.evertoken("account default a").await.succeeded();
        Self { scene, other, api: Upstream::start().await }
    }

    fn proxy(&self, account: &str) -> Proxy {
        Proxy::start(&self.scene.desktop, &format!("{account} --allow {}", self.api.origin()))
    }

    async fn run(&self, arguments: &str) {
        self.scene.desktop.evertoken(arguments).await.succeeded();
    }

    async fn passes(&self, proxy: &Proxy, account: &str) {
        assert_eq!(proxy.get("/x").await, 200);
        let token = self.scene.desktop.evertoken(&format!("token {account}")).await;
        assert_eq!(self.api.take_one().token(), token.succeeded());
    }

    async fn sends_nothing(&self, proxy: &Proxy) {
        let problem = problem(proxy.request(Method::GET, "/x").send().await.unwrap()).await;
        assert_eq!((&problem["status"], &problem["type"]), (&json!(503), &json!("urn:evertoken:failed")), "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("is gone, or belongs to another server now"), "{detail}");
        assert_eq!(self.api.received().len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_another_default_changes_nothing() {
    let stage = TwoAccounts::set("--expires-in 1h").await;
    let proxy = stage.proxy("");
    stage.passes(&proxy, "a").await;

    stage.run("account default b").await;

    stage.passes(&proxy, "a").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a_new_name_is_followed_also_when_another_account_takes_the_old_one() {
    let stage = TwoAccounts::set("--expires-in 1h").await;
    let (named, unnamed) = (stage.proxy("a"), stage.proxy(""));

    stage.run("account rename a old").await;
    stage.passes(&named, "old").await;
    stage.passes(&unnamed, "old").await;
    stage.run("account rename b a").await;
    stage.passes(&named, "old").await;
    stage.passes(&stage.proxy("a"), "a").await;

    let rotations = stage.scene.desktop.status().await.rotations("old");
    stage.api.refuse(stage.scene.desktop.evertoken("token old").await.succeeded());
    assert_eq!(
        named.get("/x").await,
        401,
        "the grant is too young for another one, and it is asked for by the new name"
    );
    assert_eq!(
        (stage.api.take_one().all("host").len(), stage.scene.desktop.status().await.rotations("old")),
        (1, rotations)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a_login_elsewhere_and_an_account_made_anew_stop_the_proxy() {
    let stage = TwoAccounts::set("--expires-in 1h").await;
    let desktop = &stage.scene.desktop;
    let proxy = stage.proxy("a");
    desktop.login("a", &stage.scene.sandbox).await;
    stage.passes(&proxy, "a").await;

    desktop.login("a", &stage.other).await;
    stage.sends_nothing(&proxy).await;
    desktop.login("a", &stage.scene.sandbox).await;
    stage.passes(&proxy, "a").await;

    stage.run("logout a").await;
    stage.run("account remove a").await;
    stage.sends_nothing(&proxy).await;
    desktop.login("a", &stage.scene.sandbox).await;
    stage.sends_nothing(&proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a_proxy_that_starts_without_a_token_knows_whose_it_waits_for() {
    let stage = TwoAccounts::set("--expires-in 6s --grace 0").await;
    stage.scene.sandbox.fault(json!({ "close": "before", "times": 1000 })).await;
    stage.scene.desktop.until_state("a", "expired").await;
    let proxy = stage.proxy("");

    stage.run("account default b").await;
    let others = stage.other.requests().await.len();

    let problem = problem(proxy.request(Method::GET, "/x").send().await.unwrap()).await;
    assert_eq!(problem["status"], 503, "{problem}");
    assert!(problem["detail"].as_str().unwrap().starts_with("a:"), "it is about the account that is served: {problem}");
    assert_eq!((stage.api.received().len(), stage.other.requests().await.len()), (0, others));
}
