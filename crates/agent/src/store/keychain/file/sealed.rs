//! What the file holds, and how it is sealed: ChaCha20-Poly1305 (RFC 8439), by ring.
//!
//! The bytes are [`HEADER`], a random nonce of 12 bytes, and the sealed entries with their tag of 16 bytes; the header is
//! authenticated too. Each write draws a new nonce. With 96 random bits, two of a million writes share one with a
//! probability of 2⁻⁵⁷, and a login writes about ten times a day.

use std::collections::BTreeMap;

use evertoken_core::keychain::KeychainProblem;
use ring::aead::{Aad, NONCE_LEN, Nonce};

use super::key::Key;

/// What the file begins with: what it is, and the version of its format.
pub(super) const HEADER: &[u8] = b"evertoken keychain 1\n";

/// Values by service and user name. No `Debug`: they are tokens.
#[derive(Default)]
pub(super) struct Entries(BTreeMap<String, BTreeMap<String, String>>);

impl Entries {
    /// Opens a whole file; `None` when it was not sealed with this key, or not as it was written.
    pub(super) fn open(mut file: Vec<u8>, key: &Key) -> Option<Self> {
        let rest = file.strip_prefix(HEADER)?;
        let nonce = Nonce::assume_unique_for_key(*rest.first_chunk::<NONCE_LEN>()?);
        let sealed = HEADER.len() + NONCE_LEN;
        let text = key.0.open_in_place(nonce, Aad::from(HEADER), &mut file[sealed..]).ok()?;
        serde_json::from_slice(text).ok().map(Self)
    }

    /// The bytes of a whole file.
    pub(super) fn seal(&self, key: &Key) -> Result<Vec<u8>, KeychainProblem> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| KeychainProblem::Refused)?;
        let mut text = serde_json::to_vec(&self.0).map_err(|_| KeychainProblem::Refused)?;
        let sealed = key.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(HEADER), &mut text);
        sealed.map_err(|_| KeychainProblem::Refused)?;
        Ok([HEADER, &nonce, &text].concat())
    }

    pub(super) fn get(&self, service: &str, user: &str) -> Option<&str> {
        self.0.get(service)?.get(user).map(String::as_str)
    }

    pub(super) fn put(&mut self, service: &str, user: &str, value: &str) {
        self.0.entry(service.to_owned()).or_default().insert(user.to_owned(), value.to_owned());
    }

    /// Was there one?
    pub(super) fn remove(&mut self, service: &str, user: &str) -> bool {
        self.0.get_mut(service).is_some_and(|entries| entries.remove(user).is_some())
    }
}
