//! Who signed in, as an ID token says it (OpenID Connect Core section 2).

use crate::oauth::jwt::Claims;
use crate::oauth::token_response::is_user_id;

/// The claims of an ID token that are looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdToken {
    /// `sub`: who it is, at this server.
    pub subject: Option<String>,
    /// `nonce`: the request that it answers.
    pub(crate) nonce: Option<String>,
}

impl IdToken {
    /// One that cannot be read says nothing, and answers no request.
    pub(crate) fn read(token: &str) -> Self {
        let Some(claims) = Claims::of(token) else { return Self::default() };
        Self {
            subject: claims.text("sub").filter(|subject| is_user_id(subject)).map(str::to_owned),
            nonce: claims.text("nonce").map(str::to_owned),
        }
    }
}
