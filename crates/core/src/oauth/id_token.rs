//! Who signed in, as an ID token says it (OpenID Connect Core section 2).

use crate::oauth::jwt::Jwt;

/// The longest user that is kept, in bytes: OpenID Connect allows 255 (Core section 2), and an entry of the keychain has little
/// room.
const LONGEST_USER_ID: usize = 255;

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
        let Some(claims) = Jwt::read(token) else { return Self::default() };
        Self {
            subject: claims.text("sub").filter(|subject| is_user_id(subject)).map(str::to_owned),
            nonce: claims.text("nonce").map(str::to_owned),
        }
    }
}

/// Visible ASCII (RFC 6749 appendix A) of a length that can be kept. What is cut could be somebody else.
pub(crate) fn is_user_id(text: &str) -> bool {
    text.len() <= LONGEST_USER_ID && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}
