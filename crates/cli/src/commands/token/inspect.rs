//! What an access token says of itself.

use evertoken_client::environment::wall_clock;
use evertoken_core::account::AccountName;
use evertoken_core::api::requests::TokenAnswer;
use evertoken_core::config::duration::in_words;
use evertoken_core::oauth::jwt::Jwt;
use evertoken_core::present::sentence::local_time;
use evertoken_core::present::wall_clock::WallClock;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::output;
use crate::style::plain;

/// The claims whose values are instants (RFC 7519 section 4.1; `auth_time` is OpenID Connect's).
const INSTANTS: [&str; 4] = ["iat", "nbf", "exp", "auth_time"];

/// What `evertoken token --inspect --json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Inspected {
    /// Whose token it is.
    account: AccountName,
    /// When it expires, UTC.
    expires_at: Timestamp,
    /// Seconds until then.
    expires_in: i64,
    /// The JWT's header (RFC 7515 section 4); `null` for a token that is no JWT.
    header: Option<Map<String, Value>>,
    /// The JWT's claims (RFC 7519 section 4), unverified; `null` for a token that is no JWT.
    claims: Option<Map<String, Value>>,
}

pub(super) fn print(token: &TokenAnswer, as_json: bool) -> Result<(), Failure> {
    let jwt = Jwt::read(&token.access_token);
    if as_json {
        let (header, claims) = jwt.map(|Jwt { header, claims }| (header, claims)).unzip();
        let TokenAnswer { account, expires_at, expires_in, .. } = token;
        let (account, expires_at, expires_in) = (account.clone(), *expires_at, *expires_in);
        return output::json(&Inspected { account, expires_at, expires_in, header, claims });
    }
    output::line(page(token, jwt.as_ref(), Timestamp::now(), &wall_clock()))
}

fn page(token: &TokenAnswer, jwt: Option<&Jwt>, now: Timestamp, wall: &WallClock) -> String {
    let left = in_words(SignedDuration::from_secs(token.expires_in));
    let expires = format!("{}, in {left}", local_time(token.expires_at, now, wall));
    let mut rows = vec![("account".to_owned(), token.account.to_string()), ("expires".to_owned(), expires)];
    match jwt {
        None => rows.push(("kind".to_owned(), "opaque: it says nothing of itself".to_owned())),
        Some(Jwt { header, claims }) => {
            let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or("no algorithm");
            rows.push(("kind".to_owned(), format!("JWT, {algorithm}; the signature is neither shown nor checked")));
            rows.extend(claims.iter().map(|(name, value)| (name.clone(), in_text(name, value, now, wall))));
        }
    }
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let lines: Vec<String> =
        rows.iter().map(|(name, text)| format!("{:width$}  {}", plain(name), plain(text))).collect();
    lines.join("\n")
}

fn in_text(name: &str, value: &Value, now: Timestamp, wall: &WallClock) -> String {
    let instant = value.as_i64().filter(|_| INSTANTS.contains(&name)).and_then(|at| Timestamp::from_second(at).ok());
    match (instant, value) {
        (Some(at), _) => format!("{} ({value})", local_time(at, now, wall)),
        (None, Value::String(text)) => text.clone(),
        (None, other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    const NOW: Timestamp = Timestamp::constant(3_600, 0);
    /// The header `{"alg":"RS256"}`, claims with an escape sequence in them, and a signature.
    const SIGNED: &str = "eyJhbGciOiJSUzI1NiJ9.\
        eyJzdWIiOiJ1c3I6MSIsImV4cCI6NzIwMCwic2NvcGUiOlsiYSIsImIiXSwibm90ZSI6Ilx1MDAxYlsySiJ9.c2VjcmV0";

    fn token(access_token: &str) -> TokenAnswer {
        TokenAnswer {
            account: "default".parse().unwrap(),
            access_token: access_token.to_owned(),
            token_type: "Bearer".to_owned(),
            expires_at: Timestamp::constant(7_200, 0),
            expires_in: 3_600,
            identity: None,
        }
    }

    #[test]
    fn claims_are_read_and_the_signature_is_not() {
        let signed = token(SIGNED);
        let page = page(&signed, Jwt::read(SIGNED).as_ref(), NOW, &WallClock::UTC);
        for line in [
            "expires  02:00, in 1 h 0 min",
            "sub      usr:1",
            "exp      02:00 (7200)",
            "scope    [\"a\",\"b\"]",
            "note      [2J",
        ] {
            assert!(page.contains(line), "{line}: {page}");
        }
        assert!(!page.contains("c2VjcmV0") && !page.contains("eyJ"), "{page}");
    }

    #[test]
    fn an_opaque_token_is_said_to_be_one() {
        let opaque = "opaque.secret.value";
        assert!(Jwt::read(opaque).is_none());
        let page = page(&token(opaque), None, NOW, &WallClock::UTC);
        assert!(page.contains("opaque: it says nothing") && !page.contains("secret"), "{page}");
    }
}
