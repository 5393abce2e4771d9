//! A journal after accidents: what is read of it is written and read again the same.
#![no_main]

use evertoken_core::login::journal::{Entry, parse, summarize};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let entries = parse(bytes);
    let lines: String = entries.iter().map(Entry::to_line).collect();
    assert_eq!(parse(lines.as_bytes()), entries);
    let _ = summarize(&entries);
});
