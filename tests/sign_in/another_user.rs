//! A login of somebody else does not take an account without a question.

use serde_json::json;

use super::{logged_in, login, server};
use crate::desktop::{Agent, Answer, Outcome, Scene, eventually, fingerprint};

const OTHER: &str = "usr:somebody-else";

async fn paste(scene: &Scene, token: &str, options: &str) -> Outcome {
    scene.desktop.evertoken_reading(token, &format!("login default {options}")).await
}

/// The answer yes to the question about this login.
async fn answers_yes(scene: &Scene, account: &str, login: &str) -> Answer {
    let body = json!({ "login": login }).to_string();
    scene.desktop.api(&format!("POST /v1/accounts/{account}/login/replace"), &body).await.unwrap()
}

/// The login that the server granted last, by the fingerprint of its refresh token.
async fn granted_last(scene: &Scene) -> String {
    let requests = scene.sandbox.requests().await;
    requests.into_iter().rev().find_map(|request| request.successor).unwrap()
}

async fn user(scene: &Scene) -> String {
    scene.desktop.status().await.account("default")["user_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_token_of_another_user_is_refused_and_the_login_goes_on() {
    let mut scene = logged_in("--expires-in 4s").await;
    let mine = user(&scene).await;
    let other = scene.sandbox.sign_in_as(OTHER).await;
    let said = paste(&scene, &other.refresh_token, "").await;
    let text = said.failed(1);
    assert!(text.contains(&mine) && text.contains(OTHER) && text.contains("--replace-user"), "{text}");
    assert_eq!(user(&scene).await, mine);
    scene.goes_on().await;
    scene.crash_and_restart().await;
    scene.goes_on().await;
    assert_eq!(user(&scene).await, mine);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_response_of_another_user_is_refused_before_its_token_is_spent() {
    let scene = logged_in("").await;
    let mut response = scene.sandbox.sign_in_response().await;
    response["user_id"] = json!(OTHER);
    let before = scene.sandbox.requests().await.len();
    paste(&scene, &response.to_string(), "").await.failed(1);
    assert_eq!(scene.sandbox.requests().await.len(), before, "nothing was sent");
    let token = fingerprint(response["refresh_token"].as_str().unwrap());
    assert!(scene.sandbox.takes(&token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_token_with_the_answer_yes_replaces_the_user_although_it_is_spent() {
    let mut scene = logged_in("--expires-in 4s --grace 0").await;
    let other = scene.sandbox.sign_in_as(OTHER).await;
    paste(&scene, &other.refresh_token, "").await.failed(1);
    assert!(!scene.sandbox.takes(&fingerprint(&other.refresh_token)).await, "it is spent");
    paste(&scene, &other.refresh_token, "--replace-user").await.succeeded();
    assert_eq!(user(&scene).await, OTHER);
    scene.goes_on().await;
    scene.crash_and_restart().await;
    scene.goes_on().await;
    scene.nothing_was_refused("replaced").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_says_so_beforehand() {
    let scene = logged_in("").await;
    let other = scene.sandbox.sign_in_as(OTHER).await;
    paste(&scene, &other.refresh_token, "--replace-user").await.succeeded();
    assert_eq!(user(&scene).await, OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_of_another_user_waits_for_the_answer_and_an_answer_without_a_question_is_none() {
    let scene = logged_in("--expires-in 12s").await;
    let mine = user(&scene).await;
    let refused = answers_yes(&scene, "default", "0123456789ab").await;
    assert_eq!((refused.status, &refused.body["type"]), (422, &json!("urn:evertoken:invalid-input")));

    let login = login(&scene, "--device");
    scene.sandbox.requests_reach(2).await;
    scene.sandbox.answer_device(json!({"answer": "approve", "user_id": OTHER})).await;
    let said = login.await.unwrap();
    assert!(said.code == 1 && said.stderr.contains(OTHER), "{said:?}");
    assert_eq!(user(&scene).await, mine);

    let replaced = answers_yes(&scene, "default", &granted_last(&scene).await).await;
    assert_eq!((replaced.status, &replaced.body["user_id"]), (200, &json!(OTHER)), "{:?}", replaced.body);
    scene.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_at_a_terminal_is_asked() {
    for (answer, code, owner) in [("y\n", 0, Some(OTHER)), ("n\n", 1, None), ("\n", 1, None)] {
        let scene = logged_in("").await;
        let mine = user(&scene).await;
        let evertoken = crate::desktop::built("evertoken");
        let mut command = scene.desktop.environment.command("script");
        command.args(["-qec", &format!("{} login default --device", evertoken.display()), "/dev/null"]);
        let asked = tokio::spawn(async move { Outcome::of(command, answer.as_bytes()).await });
        scene.sandbox.requests_reach(2).await;
        scene.sandbox.answer_device(json!({"answer": "approve", "user_id": OTHER})).await;
        let said = asked.await.unwrap();
        assert_eq!(said.code, code, "{said:?}");
        assert!(said.stdout.contains("Replace it? [y/N]"), "{said:?}");
        assert_eq!(user(&scene).await, owner.map_or(mine, str::to_owned));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_pastes_at_a_terminal_is_asked_whether_the_token_is_spent_or_not() {
    for is_response in [true, false] {
        let scene = logged_in("").await;
        let other = scene.sandbox.sign_in_as(OTHER).await;
        let response = json!({"refresh_token": other.refresh_token, "user_id": OTHER}).to_string();
        let pasted = if is_response { response } else { other.refresh_token };
        let evertoken = crate::desktop::built("evertoken");
        let mut command = scene.desktop.environment.command("script");
        command.args(["-qec", &format!("{} login default", evertoken.display()), "/dev/null"]);
        let said = Outcome::of(command, format!("{pasted}\ny\n").as_bytes()).await;
        assert_eq!((said.code, user(&scene).await.as_str()), (0, OTHER), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_death_in_the_question_keeps_the_earlier_login() {
    // With grace, the server would let the candidate that was left behind in.
    for place in ["after-answer", "after-presented"] {
        let mut scene = logged_in("--expires-in 8s").await;
        let mine = user(&scene).await;
        let other = scene.sandbox.sign_in_as(OTHER).await;
        scene.agent.kill();
        scene.desktop.environment.set("EVERTOKEN_FAIL_POINT", place);
        scene.agent = Agent::start(&scene.desktop).await;
        paste(&scene, &other.refresh_token, "").await.failed(1);
        assert!(!scene.agent.ended().await.success(), "it should have died at {place}");
        scene.desktop.environment.set("EVERTOKEN_FAIL_POINT", "");
        scene.agent = Agent::start(&scene.desktop).await;
        scene.desktop.until_state("default", "valid").await;
        scene.goes_on().await;
        assert_eq!(user(&scene).await, mine, "{place}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_over_still_belongs_to_its_user() {
    let mut scene = logged_in("--expires-in 4s").await;
    scene.sandbox.expire().await;
    scene.desktop.until_state("default", "login-required").await;
    for _ in 0..2 {
        let other = scene.sandbox.sign_in_as(OTHER).await;
        let said = paste(&scene, &other.refresh_token, "").await;
        assert!(said.failed(1).contains(OTHER), "{said:?}");
        scene.crash_and_restart().await;
        scene.desktop.until_state("default", "login-required").await;
    }
    let mine = scene.sandbox.sign_in().await;
    paste(&scene, &mine.refresh_token, "").await.succeeded();
    scene.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_log_out_the_account_belongs_to_nobody() {
    let scene = logged_in("").await;
    scene.desktop.evertoken("logout default").await.succeeded();
    let other = scene.sandbox.sign_in_as(OTHER).await;
    paste(&scene, &other.refresh_token, &server(&scene)).await.succeeded();
    assert_eq!(user(&scene).await, OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_waits_goes_with_the_account_to_its_new_name() {
    let scene = logged_in("").await;
    let mut response = scene.sandbox.sign_in_response().await;
    response["user_id"] = json!(OTHER);
    paste(&scene, &response.to_string(), "").await.failed(1);
    scene.desktop.evertoken("account rename default work").await.succeeded();

    let login = fingerprint(response["refresh_token"].as_str().unwrap());
    let old = answers_yes(&scene, "default", &login).await;
    assert_eq!((old.status, &old.body["type"]), (404, &json!("urn:evertoken:unknown-account")));
    assert_eq!(scene.desktop.status().await.names(), ["work"], "no account of the old name is made");
    let replaced = answers_yes(&scene, "work", &login).await;
    assert_eq!(replaced.status, 200, "{:?}", replaced.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_granted_login_that_waits_for_an_answer_outlives_the_agent() {
    let mut scene = logged_in("--expires-in 8s --grace 0").await;
    let mine = user(&scene).await;
    let other = scene.sandbox.sign_in_as(OTHER).await;
    paste(&scene, &other.refresh_token, "").await.failed(1);
    let waiting = granted_last(&scene).await;
    scene.crash_and_restart().await;
    assert_eq!(scene.desktop.until_state("default", "valid").await.account("default")["user_id"], mine.as_str());

    eventually("the answer is heard", async || {
        (answers_yes(&scene, "default", &waiting).await.status == 200).then_some(())
    })
    .await;

    assert_eq!(user(&scene).await, OTHER);
    scene.goes_on().await;
    scene.nothing_was_refused("it waited over a crash").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_is_for_the_login_that_it_names() {
    let scene = logged_in("--expires-in 8s --grace 0").await;
    let mut waiting = Vec::new();
    for other in [OTHER, "usr:a-third-person"] {
        let grant = scene.sandbox.sign_in_as(other).await;
        paste(&scene, &grant.refresh_token, "").await.failed(1);
        waiting.push(granted_last(&scene).await);
    }
    // A newer question has taken the place of the first.
    let late = answers_yes(&scene, "default", &waiting[0]).await;
    assert_eq!(late.status, 422, "{:?}", late.body);
    assert_ne!(user(&scene).await, OTHER);
    let replaced = answers_yes(&scene, "default", &waiting[1]).await;
    let user_id = &replaced.body["user_id"];
    assert_eq!((replaced.status, user_id), (200, &json!("usr:a-third-person")), "{:?}", replaced.body);
    scene.goes_on().await;
    scene.nothing_was_refused("two questions").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_outlasts_the_accounts_name_makes_no_second_account() {
    let scene = logged_in("").await;
    let login = login(&scene, "--device");
    scene.sandbox.requests_reach(2).await;
    scene.desktop.evertoken("account rename default work").await.succeeded();

    scene.sandbox.answer_device(json!({"answer": "approve", "user_id": OTHER})).await;

    let said = login.await.unwrap();
    assert!(said.code == 1 && said.stderr.contains("Nothing was replaced"), "{said:?}");
    assert_eq!(scene.desktop.status().await.names(), ["work"]);

    scene.desktop.evertoken("account rename work default").await.succeeded();
    let mine = user(&scene).await;
    let asked = scene.sandbox.requests().await.len();
    let login = self::login(&scene, "--device");
    scene.sandbox.requests_reach(asked + 1).await;
    scene.desktop.evertoken("account rename default work").await.succeeded();
    scene.sandbox.answer_device(json!({"answer": "approve", "user_id": mine})).await;
    login.await.unwrap().succeeded();
    assert_eq!(scene.desktop.status().await.names(), ["work"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_while_the_server_cannot_be_reached_is_said_again_and_loses_nothing() {
    let mut scene = logged_in("--expires-in 4s --grace 0").await;
    let mine = user(&scene).await;
    let other = scene.sandbox.sign_in_as(OTHER).await;
    paste(&scene, &other.refresh_token, "").await.failed(1);
    scene.sandbox.fault(json!({ "status": 429, "headers": { "Retry-After": "1" }, "times": 1000 })).await;
    let login = granted_last(&scene).await;
    let replace = async || answers_yes(&scene, "default", &login).await;
    let refused = replace().await;
    assert_eq!((refused.status, &refused.body["type"]), (503, &json!("urn:evertoken:try-later")), "{}", refused.body);
    assert_eq!(user(&scene).await, mine);
    scene.sandbox.heal().await;

    assert_eq!(replace().await.status, 200);
    assert_eq!(user(&scene).await, OTHER);
    scene.goes_on().await;
    scene.crash_and_restart().await;
    scene.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_waits_unsent_goes_where_the_answer_says_and_not_to_a_mistyped_server() {
    let scene = logged_in("--expires-in 24h").await;
    let mut response = scene.sandbox.sign_in_response().await;
    response["user_id"] = json!(OTHER);
    let response = response.to_string();
    // A port that nobody listens on.
    let mistyped = "--endpoint http://127.0.0.1:9/token --encoding form --client-id me";
    paste(&scene, &response, mistyped).await.failed(1);

    let right = format!("--replace-user {}", super::server(&scene));
    paste(&scene, &response, &right).await.succeeded();
    let status = scene.desktop.status().await;
    assert!(status.account("default")["endpoint"].as_str().unwrap().starts_with(&scene.sandbox.url("")));
}
