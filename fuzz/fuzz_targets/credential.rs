//! What a person gives to log in with: a token that fits into a request, or an error that does not repeat it.
#![no_main]

use evertoken_core::token_response::read_credential;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match read_credential(text) {
        Ok(token) => assert!(token.expose().bytes().all(|byte| byte.is_ascii_graphic())),
        Err(error) => assert!(text.len() < 40 || !error.to_string().contains(text)),
    }
});
