//! The key of the keychain file: from the service manager, or a file that nobody else can read.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::PathBuf;

use evertoken_core::keychain::KeychainProblem;
use ring::aead::{CHACHA20_POLY1305, LessSafeKey, UnboundKey};
use secrecy::{ExposeSecret, SecretSlice};
use tracing::warn;

/// The credential's name, in `LoadCredential=` and its relatives.
const CREDENTIAL: &str = "evertoken-key";
/// In bytes.
const LENGTH: usize = 32;
/// In bytes. More than a key in any form; what is longer is something else.
const LONGEST: u64 = 256;

/// The key, ready for use. On the heap, where the program wipes what it frees.
pub(super) struct Key(pub(super) Box<LessSafeKey>);

/// Where the key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store::keychain) enum KeySource {
    /// In a file that the configuration names.
    File(PathBuf),
    /// In the folder of the service manager's credentials.
    Credential(PathBuf),
    /// Nowhere: neither was named.
    Nowhere,
}

impl KeySource {
    /// The file that the configuration names, else the credential in `$CREDENTIALS_DIRECTORY` (systemd.exec(5)).
    pub(in crate::store::keychain) fn of(file: Option<PathBuf>, credentials: Option<OsString>) -> Self {
        let credentials = credentials.filter(|folder| !folder.is_empty());
        match (file, credentials) {
            (Some(file), _) => Self::File(file),
            (None, Some(folder)) => Self::Credential(PathBuf::from(folder).join(CREDENTIAL)),
            (None, None) => Self::Nowhere,
        }
    }

    /// Reads the key, once it is clear that others cannot.
    pub(super) fn read(&self) -> Result<Key, KeychainProblem> {
        let (Self::File(path) | Self::Credential(path)) = self else {
            warn!("the keychain file has no key: settings.keychain_file.key is not set, and there are no credentials");
            return Err(KeychainProblem::KeyMissing);
        };
        let read = File::open(path).and_then(|file| Ok((file.metadata()?, bytes(file)?)));
        let (metadata, bytes) = read.map_err(|error| {
            warn!("the key {} cannot be read: {error}", path.display());
            KeychainProblem::KeyMissing
        })?;
        if !self.is_private(&metadata) {
            warn!("the key {} is not used: others may read or change it", path.display());
            return Err(KeychainProblem::KeyNotPrivate);
        }
        key(bytes.expose_secret()).ok_or_else(|| {
            warn!("the key {} is not used: it is neither 32 random bytes nor 64 hex digits", path.display());
            KeychainProblem::KeyMalformed
        })
    }

    /// Ours, and nobody else's. A credential lies in a folder that who started us vouches for: it belongs to root, or in a
    /// user namespace to nobody, and shows an access list's mask where others show the group's rights (systemd.exec(5)).
    #[cfg(unix)]
    fn is_private(&self, metadata: &Metadata) -> bool {
        use std::os::unix::fs::MetadataExt;
        let ours = metadata.uid() == rustix::process::geteuid().as_raw();
        let may = |who: u32| metadata.mode() & who != 0;
        metadata.is_file()
            && match self {
                Self::File(_) => ours && !may(0o077),
                Self::Credential(_) => !may(0o027),
                Self::Nowhere => false,
            }
    }

    /// Nothing is known here of who may read a file.
    #[cfg(not(unix))]
    fn is_private(&self, _metadata: &Metadata) -> bool {
        false
    }
}

fn bytes(file: File) -> io::Result<SecretSlice<u8>> {
    let mut bytes = Vec::with_capacity(LENGTH);
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// From the bytes themselves, or from 64 hex digits, for stores that keep text only.
fn key(bytes: &[u8]) -> Option<Key> {
    let digits = bytes.trim_ascii_end();
    // A password of 32 characters is ASCII, random bytes are not: a password would be found by trying.
    let bytes: SecretSlice<u8> = if bytes.len() == LENGTH && !bytes.is_ascii() {
        bytes.to_vec().into()
    } else if digits.len() == 2 * LENGTH {
        decoded(digits)?.into()
    } else {
        return None;
    };
    let key = UnboundKey::new(&CHACHA20_POLY1305, bytes.expose_secret()).ok()?;
    Some(Key(Box::new(LessSafeKey::new(key))))
}

fn decoded(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}
