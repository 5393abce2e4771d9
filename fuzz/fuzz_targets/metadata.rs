//! An issuer's metadata: read without a panic, and what is read sends nothing over a network in plain text.
#![no_main]

use evertoken_core::oauth::issuer::Issuer;
use evertoken_core::oauth::metadata::Metadata;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &[u8])| {
    let (text, body) = input;
    let Ok(issuer) = text.parse::<Issuer>() else { return };
    assert!(issuer.locations().iter().all(|at| at.as_str().starts_with("https://") || at.is_loopback()));
    if let Ok(metadata) = Metadata::read(body, &issuer) {
        assert!(metadata.token_endpoint.as_str().starts_with("https://") || metadata.token_endpoint.is_loopback());
    }
});
