#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;
use crate::api::problem::ProblemKind;

const STATE: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI";

fn authorization() -> Authorization {
    Authorization::new(
        [1; RANDOM_BYTES],
        [2; RANDOM_BYTES],
        [3; RANDOM_BYTES],
        "http://127.0.0.1:4711/callback".to_owned(),
    )
}

fn issuer() -> Issuer {
    "https://i.example".parse().unwrap()
}

fn read(query: &str) -> Result<String, CallbackError> {
    let code = authorization().read_callback(query, Some(&issuer()), false)?;
    Ok(code.expose().to_owned())
}

#[test]
fn the_challenge_is_the_one_of_the_standard() {
    // RFC 7636 appendix B.
    let mut authorization = authorization();
    authorization.verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned());
    let endpoint: Endpoint = "https://i.example/authorize?tenant=1".parse().unwrap();
    let mut server = Server::at("https://i.example/token".parse().unwrap());
    server.client_id = Some("me & you".to_owned());
    server.parameters = [("scope".to_owned(), "a b".to_owned())].into();
    assert_eq!(
        authorization.url(&server, &endpoint).expose_secret(),
        &format!(
            "https://i.example/authorize?tenant=1&response_type=code&client_id=me+%26+you\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A4711%2Fcallback&state={STATE}\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&scope=a+b"
        )
    );
}

#[test]
fn whoever_is_asked_for_is_tied_to_this_request() {
    let endpoint: Endpoint = "https://i.example/authorize".parse().unwrap();
    let mut server = Server::at("https://i.example/token".parse().unwrap());
    let (authorization, nonce) = (authorization(), URL_SAFE_NO_PAD.encode([3; RANDOM_BYTES]));
    let url = |server: &Server| authorization.url(server, &endpoint).expose_secret().to_owned();
    let id_token = |nonce: Option<&str>| IdToken { subject: None, nonce: nonce.map(str::to_owned) };
    for without in [None, Some("openidx")] {
        server.parameters = without.map(|scope| ("scope".to_owned(), scope.to_owned())).into_iter().collect();
        assert!(!url(&server).contains("nonce"), "nobody is asked for");
        assert_eq!(authorization.check(&server, Some(&id_token(None))), Ok(()));
    }
    server.parameters = [("scope", "a openid"), ("nonce", "1")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
    assert!(url(&server).contains(&format!("&nonce={nonce}&scope=a+openid")) && !url(&server).contains("nonce=1"));
    assert_eq!(authorization.check(&server, Some(&id_token(Some(&nonce)))), Ok(()));
    assert_eq!(authorization.check(&server, None), Ok(()), "the server granted less");
    for other in [None, Some("1")] {
        assert_eq!(authorization.check(&server, Some(&id_token(other))), Err(CallbackRefusal::AnotherSignIn));
    }
}

#[test]
fn only_the_answer_to_this_request_brings_a_code() {
    assert_eq!(read(&format!("code=c%2B1&state={STATE}")).unwrap(), "c+1");
    assert_eq!(read(&format!("code=c&state={STATE}&iss=https%3A%2F%2Fi.example")).unwrap(), "c");
    for foreign in [
        "".to_owned(),
        "code=c".to_owned(),
        "code=c&state=".to_owned(),
        "code=c&state=x".to_owned(),
        format!("code=c&state={}", &STATE[1..]),
        format!("code=c&state={STATE}x"),
        format!("code=c&state={STATE}&state={STATE}"),
        "error=access_denied&state=x".to_owned(),
    ] {
        assert_eq!(read(&foreign), Err(CallbackError::Foreign), "{foreign}");
    }
    for iss in ["https%3A%2F%2Fevil.example", "", "https%3A%2F%2Fi.example&iss=https%3A%2F%2Fi.example"] {
        let refused = read(&format!("code=c&state={STATE}&iss={iss}"));
        assert_eq!(refused, Err(CallbackError::Refused(CallbackRefusal::AnotherIssuer)), "{iss}");
    }
    for none in ["", "code=", "code=a&code=b"] {
        let refused = read(&format!("{none}&state={STATE}"));
        assert_eq!(refused, Err(CallbackError::Refused(CallbackRefusal::NoCode)), "{none}");
    }
}

#[test]
fn an_address_that_a_person_pastes_is_read_as_the_browsers_own_answer_is() {
    let read = |address: &str| {
        authorization().read_pasted(address, Some(&issuer()), false).map(|code| code.expose().to_owned())
    };
    let answer = format!("code=c&state={STATE}");
    for good in ["", "\n", "#_=_"].map(|end| format!("http://127.0.0.1:4711/callback?{answer}{end}")) {
        assert_eq!(read(&good), Ok("c".to_owned()), "{good}");
    }
    for bad in [
        answer.clone(),
        format!("http://127.0.0.1:4712/callback?{answer}"),
        format!("https://127.0.0.1:4711/callback?{answer}"),
        format!("http://127.0.0.1:4711/callback{answer}"),
        format!("http://127.0.0.1:4711/callback#{answer}"),
        "http://127.0.0.1:4711/callback?code=c&state=x".to_owned(),
        String::new(),
    ] {
        assert_eq!(read(&bad), Err(CallbackError::Foreign), "{bad}");
    }
    let refused = read(&format!("http://127.0.0.1:4711/callback?error=access_denied&state={STATE}"));
    assert!(matches!(refused, Err(CallbackError::Refused(_))), "{refused:?}");
}

#[test]
fn the_code_is_exchanged_with_the_address_that_it_was_sent_to() {
    let (authorization, code) = (authorization(), AuthorizationCode::new("c".to_owned()));
    assert_eq!(authorization.redirect_uri(), "http://127.0.0.1:4711/callback");
    let AuthorizationGrant::Code { redirect_uri, verifier, .. } = authorization.grant(&code) else { panic!("no code") };
    assert_eq!(redirect_uri, authorization.redirect_uri());
    assert_eq!(verifier.expose(), authorization.verifier.expose());
}

#[test]
fn an_answer_without_its_issuer_is_refused_where_the_server_names_it_always() {
    let read =
        |query: &str| authorization().read_callback(query, Some(&issuer()), true).map(|code| code.expose().len());
    for without in ["code=c", "error=access_denied"] {
        let refused = read(&format!("{without}&state={STATE}"));
        assert_eq!(refused, Err(CallbackError::Refused(CallbackRefusal::NoIssuer)), "{without}");
    }
    assert_eq!(read(&format!("code=c&state={STATE}&iss=https%3A%2F%2Fi.example")), Ok(1));
    assert_eq!(read("code=c&state=x"), Err(CallbackError::Foreign));
}

#[test]
fn each_refusal_says_what_it_means_and_what_a_person_can_do() {
    let by_server = |error: &str| CallbackRefusal::Server { error: error.to_owned(), description: None };
    let not_asked = "the server did not ask you to sign in";
    let not_with_the_browser = "the server does not let this client sign in with the browser";
    for (error, words, advice) in [
        ("access_denied", "the sign-in was refused at the server", "Sign in again."),
        ("temporarily_unavailable", "the server failed", "Try again later."),
        ("server_error", "the server failed", "Try again later."),
        ("interaction_required", not_asked, "prompt=consent"),
        ("login_required", not_asked, "prompt=consent"),
        ("consent_required", not_asked, "prompt=consent"),
        ("account_selection_required", not_asked, "prompt=consent"),
        ("invalid_scope", "the server does not grant the parameter scope", "another --parameter scope="),
        ("unauthorized_client", not_with_the_browser, "--device"),
        ("unsupported_response_type", not_with_the_browser, "--device"),
        ("invalid_request", "the server refused the sign-in", "Check --client-id"),
        ("invalid_client", "the server refused the sign-in", "Check --client-id"),
        ("invalid_target", "the server refused the sign-in", "Check --client-id"),
        ("unheard_of", "the server refused the sign-in", "Sign in again."),
    ] {
        let refusal = by_server(error);
        assert_eq!(refusal.in_words(), format!("{words} ({error})"));
        assert!(refusal.advice().contains(advice), "{error}: {}", refusal.advice());
    }
    for (refusal, words, advice) in [
        (CallbackRefusal::AnotherIssuer, "came from another server", "Check the account's issuer"),
        (CallbackRefusal::NoIssuer, "does not name the account's issuer", "Check the account's issuer"),
        (CallbackRefusal::NoCode, "has no code in it", "Sign in again."),
        (CallbackRefusal::AnotherSignIn, "does not belong to this sign-in", "Sign in again."),
    ] {
        assert!(refusal.in_words().contains(words), "{}", refusal.in_words());
        assert!(refusal.advice().contains(advice), "{}", refusal.advice());
    }
}

#[test]
fn the_servers_error_is_told_without_what_could_command_a_terminal_or_a_page() {
    let query = format!("error=access_denied%1b%3Cb%3E&error_description=no%1b[2J%0A&state={STATE}&code=c");
    let Err(CallbackError::Refused(refusal)) = read(&query) else { panic!("it brought a code") };
    assert_eq!(refusal.in_words(), "the server refused the sign-in (access_deniedb: no[2J)");
    let denied = CallbackRefusal::Server { error: "access_denied".to_owned(), description: None };
    assert_eq!(denied.problem_kind(), ProblemKind::LoginRefused);
    assert_eq!(denied.in_words(), "the sign-in was refused at the server (access_denied)");
}

#[test]
fn debug_output_shows_no_secret() {
    assert!(!format!("{:?}", authorization()).contains("AgIC") && !format!("{:?}", authorization()).contains("AQEB"));
}

proptest! {
    #[test]
    fn no_query_makes_the_reader_panic_or_brings_a_code_without_the_state(query in "[ -~]{0,80}") {
        prop_assert_eq!(read(&query), Err(CallbackError::Foreign));
        let _ = read(&format!("state={STATE}&{query}"));
    }
}
