//! The token request (RFC 6749 section 6), in the dialect of an account.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::Serialize;

use crate::account::{Account, Encoding};
use crate::token::RefreshToken;

/// A request, ready to be sent. Its `Debug` shows no token.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// Where to POST it.
    pub url: String,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// Extra headers.
    pub headers: BTreeMap<String, String>,
    /// The body with the refresh token in it.
    pub body: SecretString,
}

#[derive(Serialize)]
struct Body<'a> {
    grant_type: &'static str,
    refresh_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
}

/// The request that exchanges a refresh token at an account's endpoint.
#[must_use]
pub fn token_request(account: &Account, refresh_token: &RefreshToken) -> TokenRequest {
    let body = Body {
        grant_type: "refresh_token",
        refresh_token: refresh_token.expose(),
        client_id: account.client_id.as_deref(),
    };
    let (content_type, body) = match account.encoding {
        Encoding::Json => ("application/json", serde_json::to_string(&body).unwrap_or_default()),
        Encoding::Form => ("application/x-www-form-urlencoded", form(&body)),
    };
    TokenRequest {
        url: account.endpoint.as_str().to_owned(),
        content_type,
        headers: account.headers.clone(),
        body: body.into(),
    }
}

fn form(body: &Body<'_>) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", body.grant_type).append_pair("refresh_token", body.refresh_token);
    if let Some(client_id) = body.client_id {
        form.append_pair("client_id", client_id);
    }
    form.finish()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use secrecy::ExposeSecret;

    use super::*;

    fn account(encoding: Encoding) -> Account {
        Account { encoding, ..Account::new("https://api.vault.ist/v2.0/reference/gettoken".parse().unwrap()) }
    }

    #[test]
    fn the_documented_request_goes_out_to_the_letter() {
        let token = RefreshToken::new("eyJraWQiOiJmODAyNjg0OC1mNTJkLTRmY".to_owned());
        let request = token_request(&account(Encoding::Json), &token);
        assert_eq!(request.url, "https://api.vault.ist/v2.0/reference/gettoken");
        assert_eq!(request.content_type, "application/json");
        assert_eq!(
            request.body.expose_secret(),
            r#"{"grant_type":"refresh_token","refresh_token":"eyJraWQiOiJmODAyNjg0OC1mNTJkLTRmY"}"#
        );
        assert!(!format!("{request:?}").contains("eyJ"));
    }

    #[test]
    fn a_form_escapes_what_a_token_may_contain() {
        let mut account = account(Encoding::Form);
        account.client_id = Some("me".to_owned());
        let request = token_request(&account, &RefreshToken::new("a+b/c=&d".to_owned()));
        assert_eq!(
            request.body.expose_secret(),
            "grant_type=refresh_token&refresh_token=a%2Bb%2Fc%3D%26d&client_id=me"
        );
    }
}
