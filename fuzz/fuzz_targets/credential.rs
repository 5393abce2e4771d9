//! What a person gives to log in with: a token that fits into a request, or an error.
#![no_main]

use evertoken_core::oauth::token_response::read_credential;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(token) = read_credential(text) {
        assert!(token.expose().bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(text.trim() == token.expose() || text.trim().starts_with('{'));
    }
});
