//! Extra parameters of an account's requests, such as `scope`, `prompt`, `audience` or `resource` (RFC 8707).

/// Why a parameter cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidParameter {
    /// Not `name=value` with the characters of RFC 6749 section 8.2.
    #[error("{0:?} is not a parameter: write it as name=value, the name in letters, digits, '-', '.' or '_'")]
    Malformed(String),
    /// A parameter that Evertoken sets itself.
    #[error("the parameter {0} is set by Evertoken itself: leave it out")]
    Reserved(String),
}

/// Parameters that belong to the request itself; the account must not change them.
const RESERVED: [&str; 12] = [
    "grant_type",
    "refresh_token",
    "client_id",
    "client_secret",
    "response_type",
    "redirect_uri",
    "state",
    "code",
    "code_verifier",
    "code_challenge",
    "code_challenge_method",
    "device_code",
];
/// Parameters that mean something only where a person signs in: of RFC 6749 section 4.1.1, of OpenID Connect Core section
/// 3.1.2.1, and of the servers of Google, Microsoft, Keycloak and Auth0. At a refresh, `scope` asks for less than was granted,
/// or for more, which ends it.
const SIGN_IN_ONLY: [&str; 27] = [
    "scope",
    "nonce",
    "prompt",
    "display",
    "max_age",
    "ui_locales",
    "claims",
    "claims_locales",
    "id_token_hint",
    "login_hint",
    "acr_values",
    "response_mode",
    "registration",
    "request",
    "request_uri",
    "authorization_details",
    "access_type",
    "approval_prompt",
    "include_granted_scopes",
    "hd",
    "domain_hint",
    "kc_idp_hint",
    "kc_action",
    "connection",
    "organization",
    "invitation",
    "screen_hint",
];
/// Longest part of a bad name that an error repeats, in characters.
const SHOWN: usize = 64;

/// Checks one extra parameter.
///
/// # Errors
/// [`InvalidParameter`] when name or value may not stand in a request, or when the parameter is Evertoken's own.
pub fn check_parameter(name: &str, value: &str) -> Result<(), InvalidParameter> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    // A parameter without a value counts as left out (RFC 6749 section 3.2).
    if name.is_empty() || !name.chars().all(allowed) || value.is_empty() || value.chars().any(char::is_control) {
        return Err(InvalidParameter::Malformed(name.chars().take(SHOWN).collect()));
    }
    if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(InvalidParameter::Reserved(name.to_owned()));
    }
    Ok(())
}

/// Does a parameter of this name say nothing to a token endpoint?
pub(crate) fn is_of_the_sign_in(name: &str) -> bool {
    SIGN_IN_ONLY.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_cannot_take_the_place_of_the_requests_own() {
        for good in [("audience", "https://api.example/"), ("scope", "a b"), ("resource", "urn:ü"), ("x-y.z_1", "1")] {
            assert_eq!(check_parameter(good.0, good.1), Ok(()), "{good:?}");
        }
        for name in RESERVED.into_iter().chain(["Client_Secret"]) {
            assert_eq!(check_parameter(name, "x"), Err(InvalidParameter::Reserved(name.to_owned())));
        }
        for bad in [("", "x"), ("a b", "x"), ("a&b", "x"), ("ä", "x"), ("a", ""), ("a", "b\nc")] {
            assert_eq!(check_parameter(bad.0, bad.1), Err(InvalidParameter::Malformed(bad.0.to_owned())));
        }
    }
}
