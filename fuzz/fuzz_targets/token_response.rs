//! The endpoint's answer: read without a panic, and what is granted can be used.
#![no_main]

use evertoken_core::oauth::token_response::{Answer, read};
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;

const STATUSES: [u16; 8] = [200, 400, 401, 403, 429, 500, 503, 302];

fuzz_target!(|input: (u8, Option<&str>, &[u8])| {
    let (status, retry_after, body) = input;
    let answer = Answer { http_status: STATUSES[usize::from(status) % STATUSES.len()], retry_after, body, broken: None, secrets: &[] };
    if let Ok(grant) = read(answer, SignedDuration::from_hours(1), Timestamp::UNIX_EPOCH) {
        assert_eq!(answer.http_status, 200);
        assert!(!grant.lifetime.is_negative());
        assert!(grant.lifetime.is_zero() || !grant.access_token.expose().is_empty());
        assert!(grant.access_token.expose().bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(!grant.refresh_token.is_some_and(|token| token.expose().is_empty()));
    }
});
