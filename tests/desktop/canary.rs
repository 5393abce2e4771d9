//! Tokens to look for, in every form in which a careless program may write them.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// A piece of a token that is long enough to be recognized, however the token was cut.
const PIECE: usize = 16;
/// Of these, Base64 makes whole groups, wherever the token began in what was encoded.
const GROUPED: usize = 12;

/// What must not be found.
pub(crate) struct Canary {
    /// Where the needle comes from, and its bytes.
    needles: Vec<(String, Vec<u8>)>,
    known: BTreeSet<Vec<u8>>,
    /// Whether a needle begins with these two bytes.
    beginnings: Vec<bool>,
}

impl Canary {
    pub(crate) fn new() -> Self {
        Self { needles: Vec::new(), known: BTreeSet::new(), beginnings: vec![false; 1 << 16] }
    }

    /// Looks for this token too, which is called so when it is found.
    pub(crate) fn add(&mut self, name: &str, token: &str) {
        assert!(token.is_ascii() && token.len() >= 3 * PIECE, "an unlikely token: {} bytes", token.len());
        // A token that looks like a JSON Web Token begins like all of them; its claims and its signature are its own.
        for at in [token.len() / 2, token.len() * 3 / 4, token.len() - PIECE] {
            self.add_piece(name, &token.as_bytes()[at..at + PIECE]);
        }
    }

    fn add_piece(&mut self, name: &str, piece: &[u8]) {
        let hex = |separator: &str, upper: bool| -> Vec<u8> {
            let digits = piece.iter().map(|byte| format!("{separator}{byte:02x}")).collect::<String>();
            if upper { digits.to_uppercase().into_bytes() } else { digits.into_bytes() }
        };
        let utf_16 = |bytes: fn(u16) -> [u8; 2]| piece.iter().flat_map(|byte| bytes(u16::from(*byte))).collect();
        self.needle(name, "plain", piece.to_vec());
        self.needle(name, "hexadecimal", hex("", false));
        self.needle(name, "hexadecimal", hex("", true));
        self.needle(name, "URL-encoded", hex("%", false));
        self.needle(name, "URL-encoded", hex("%", true));
        self.needle(name, "URL-encoded", url_encoded(piece));
        self.needle(name, "UTF-16", utf_16(u16::to_le_bytes));
        self.needle(name, "UTF-16", utf_16(u16::to_be_bytes));
        for shift in 0..3 {
            let group = &piece[shift..shift + GROUPED];
            self.needle(name, "Base64", STANDARD_NO_PAD.encode(group).into_bytes());
            self.needle(name, "Base64", URL_SAFE_NO_PAD.encode(group).into_bytes());
        }
    }

    fn needle(&mut self, name: &str, form: &str, bytes: Vec<u8>) {
        if self.known.insert(bytes.clone()) {
            self.beginnings[beginning(&bytes)] = true;
            self.needles.push((format!("{name} ({form})"), bytes));
        }
    }

    /// What is found in these bytes, and where.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<(&str, usize)> {
        (0..bytes.len().saturating_sub(1)).find_map(|at| {
            if !self.beginnings[beginning(&bytes[at..])] {
                return None;
            }
            let found = self.needles.iter().find(|(_, needle)| bytes[at..].starts_with(needle))?;
            Some((found.0.as_str(), at))
        })
    }

    #[track_caller]
    pub(crate) fn assert_absent(&self, place: &str, bytes: &[u8]) {
        if let Some((name, at)) = self.find(bytes) {
            let before = String::from_utf8_lossy(&bytes[at.saturating_sub(80)..at]);
            panic!("{name} in {place} after: {before:?}");
        }
    }

    /// That the search finds something where it must be.
    #[track_caller]
    pub(crate) fn assert_present(&self, place: &str, bytes: &[u8]) {
        assert!(self.find(bytes).is_some(), "the search does not even find a token in {place}");
    }
}

fn beginning(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// As the most careful encoder does it: only letters and digits stay.
fn url_encoded(piece: &[u8]) -> Vec<u8> {
    let encode = |byte: &u8| match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(*byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    piece.iter().map(encode).collect::<String>().into_bytes()
}

#[test]
fn a_canary_is_found_however_it_is_written() {
    let token = "eyJhbGciOiJSUzI1NiJ9.aNice-Token_that.nobody-would_guess-0123456789abcdefghijk";
    let mut canary = Canary::new();
    canary.add("the token", token);
    let utf_16 = |bytes: fn(u16) -> [u8; 2]| token.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    for written in [
        format!("before {token} after").into_bytes(),
        token.as_bytes()[30..].to_vec(),
        STANDARD_NO_PAD.encode(token).into_bytes(),
        URL_SAFE_NO_PAD.encode(format!("x{token}")).into_bytes(),
        STANDARD_NO_PAD.encode(format!("xy{token}")).into_bytes(),
        token.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>().into_bytes(),
        url_encoded(token.as_bytes()),
        utf_16(u16::to_le_bytes),
        utf_16(u16::to_be_bytes),
    ] {
        canary.assert_present(&String::from_utf8_lossy(&written), &written);
    }
    canary.assert_absent("its header", &token.as_bytes()[..21]);
}
