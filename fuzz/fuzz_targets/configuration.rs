//! A configuration that anybody may have written: one sentence, or a configuration.
#![no_main]

use evertoken_core::config::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(error) = parse(text) {
        assert!(!error.to_string().contains('\n'));
    }
});
