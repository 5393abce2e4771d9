#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

const SERVICE: &str = "evertoken-test";

struct Place {
    folder: TempDir,
    keychain: FileKeychain,
}

impl Place {
    /// A folder with a good key and no keychain file yet.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        let keychain = FileKeychain::new(folder.path().join("keychain.sealed"), KeySource::File(key));
        let place = Self { folder, keychain };
        place.put_key(&[0xa5; 32], 0o600);
        place
    }

    fn put_key(&self, bytes: &[u8], mode: u32) {
        let path = self.folder.path().join("key");
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn read(&self, user: &str) -> Result<Option<String>, KeychainProblem> {
        let value = self.keychain.work(SERVICE, user, &Work::Read)?;
        Ok(value.first().map(|value| value.expose_secret().to_owned()))
    }

    fn write(&self, user: &str, value: &str) -> Result<(), KeychainProblem> {
        self.keychain.work(SERVICE, user, &Work::Write(value.to_owned().into())).map(drop)
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(&self.keychain.path).unwrap()
    }
}

#[test]
fn entries_of_several_accounts_live_in_one_file() {
    let place = Place::new();
    assert_eq!(place.read("a/probe"), Ok(None));
    place.write("a/probe", "one").unwrap();
    place.write("b/probe", "two").unwrap();
    place.write("a/probe", "three").unwrap();
    place.keychain.work(SERVICE, "b/probe", &Work::Delete).unwrap();
    place.keychain.work(SERVICE, "b/probe", &Work::Delete).unwrap();
    assert_eq!((place.read("a/probe"), place.read("b/probe")), (Ok(Some("three".to_owned())), Ok(None)));
    assert!(place.keychain.work("another", "a/probe", &Work::Read).unwrap().is_empty());
    assert_eq!(fs::metadata(&place.keychain.path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_is_never_the_same_twice_and_never_plain() {
    let place = Place::new();
    place.write("a/probe", "a-token-to-look-for").unwrap();
    let first = place.bytes();
    place.write("a/probe", "a-token-to-look-for").unwrap();
    let second = place.bytes();
    assert_ne!(first[HEADER_LENGTH..HEADER_LENGTH + 12], second[HEADER_LENGTH..HEADER_LENGTH + 12]);
    assert!(!second.windows(8).any(|eight| eight == b"look-for".as_slice()));
}

const HEADER_LENGTH: usize = sealed::HEADER.len();

#[test]
fn a_torn_or_changed_file_is_known_and_never_written_over() {
    let place = Place::new();
    place.write("a/probe", "one").unwrap();
    let whole = place.bytes();
    let torn = (0..whole.len()).map(|length| whole[..length].to_vec());
    let changed = (0..whole.len()).map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    });
    let longer = [whole.as_slice(), b"x"].concat();
    for bad in torn.chain(changed).chain([longer]) {
        fs::write(&place.keychain.path, &bad).unwrap();
        assert_eq!(place.read("a/probe"), Err(KeychainProblem::FileNotOurs));
        assert_eq!(place.write("a/probe", "two"), Err(KeychainProblem::FileNotOurs));
        assert!(place.keychain.work(SERVICE, "a/probe", &Work::Delete).is_err());
        assert_eq!(place.bytes(), bad);
    }
    fs::write(&place.keychain.path, &whole).unwrap();
    assert_eq!(place.read("a/probe"), Ok(Some("one".to_owned())));
}

#[test]
fn another_key_opens_nothing_and_overwrites_nothing() {
    let place = Place::new();
    place.write("a/probe", "one").unwrap();
    let before = place.bytes();
    place.put_key(&[0xb5; 32], 0o600);
    assert_eq!(place.write("a/probe", "two"), Err(KeychainProblem::FileNotOurs));
    assert_eq!(place.bytes(), before);
}

#[test]
fn a_key_that_others_may_read_is_not_used() {
    let place = Place::new();
    for mode in [0o640, 0o604, 0o644, 0o620, 0o610, 0o666] {
        place.put_key(&[0xa5; 32], mode);
        assert_eq!(place.write("a/probe", "one"), Err(KeychainProblem::KeyNotPrivate), "{mode:o}");
    }
    assert!(!place.keychain.path.exists());
    place.put_key(&[0xa5; 32], 0o400);
    place.write("a/probe", "one").unwrap();
}

#[test]
fn a_credential_may_be_read_through_an_access_list_and_by_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let credential = folder.path().join("evertoken-key");
    fs::write(&credential, [0xa5; 32]).unwrap();
    let source = KeySource::of(None, Some(folder.path().into()));
    for (mode, good) in [(0o400, true), (0o440, true), (0o444, false), (0o460, false)] {
        fs::set_permissions(&credential, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(source.read().is_ok(), good, "{mode:o}");
    }
}

#[test]
fn what_is_no_key_is_refused_and_hex_digits_are_one() {
    let place = Place::new();
    for bad in [&[0xa5; 31][..], &[0xa5; 33], b"", b"correct horse battery staple 123", &[b'g'; 64], &[0xa5; 4096]] {
        place.put_key(bad, 0o600);
        assert_eq!(place.write("a/probe", "one"), Err(KeychainProblem::KeyMalformed), "{bad:?}");
    }
    place.put_key(&[0xa5; 32], 0o600);
    place.write("a/probe", "one").unwrap();
    place.put_key(format!("{}\n", "a5".repeat(32)).as_bytes(), 0o600);
    assert_eq!(place.read("a/probe"), Ok(Some("one".to_owned())), "the same key in another form");
}

#[test]
fn no_key_and_no_place_for_one_are_said() {
    assert_eq!(KeySource::of(None, None), KeySource::Nowhere);
    assert_eq!(KeySource::of(None, Some("".into())), KeySource::Nowhere);
    for source in [KeySource::Nowhere, KeySource::File("/nowhere/key".into())] {
        assert_eq!(source.read().err(), Some(KeychainProblem::KeyMissing));
    }
}

#[test]
fn a_link_stays_a_link_and_what_a_dead_process_left_is_no_hindrance() {
    let place = Place::new();
    let real = place.folder.path().join("real");
    place.write("a/probe", "one").unwrap();
    fs::rename(&place.keychain.path, &real).unwrap();
    std::os::unix::fs::symlink(&real, &place.keychain.path).unwrap();
    let (left, theirs) = (real.with_added_extension("0123456789abcdef.new"), real.with_added_extension("new"));
    fs::write(&left, b"half").unwrap();
    fs::write(&theirs, b"somebody else's").unwrap();
    let next = FileKeychain::new(place.keychain.path.clone(), place.keychain.key.clone());
    next.work(SERVICE, "a/probe", &Work::Write("two".to_owned().into())).unwrap();
    assert!(fs::symlink_metadata(&place.keychain.path).unwrap().is_symlink());
    assert_eq!(place.read("a/probe"), Ok(Some("two".to_owned())));
    assert!(!left.exists() && theirs.exists());
}

#[test]
fn a_folder_that_takes_nothing_is_a_refusal_and_the_file_stays() {
    let place = Place::new();
    let keychain = FileKeychain::new(place.folder.path().join("nowhere/keychain"), place.keychain.key.clone());
    let write = keychain.work(SERVICE, "a/probe", &Work::Write("one".to_owned().into()));
    assert_eq!(write.err(), Some(KeychainProblem::Refused));
    let folder = FileKeychain::new(place.folder.path().to_owned(), place.keychain.key.clone());
    assert_eq!(folder.work(SERVICE, "a/probe", &Work::Read).err(), Some(KeychainProblem::FileNotRead));
}

#[test]
fn two_that_write_at_once_lose_nothing_of_each_other() {
    const WRITES: usize = 30;
    let place = Place::new();
    let writer = |name: &'static str| {
        let place = &place;
        move || (0..WRITES).for_each(|number| place.write(&format!("{name}/{number}"), "kept").unwrap())
    };
    std::thread::scope(|scope| {
        scope.spawn(writer("a"));
        scope.spawn(writer("b"));
    });
    for number in 0..WRITES {
        for name in ["a", "b"] {
            assert_eq!(place.read(&format!("{name}/{number}")), Ok(Some("kept".to_owned())), "{name}/{number}");
        }
    }
}

#[test]
fn a_server_that_grants_huge_tokens_leaves_the_other_accounts_their_file() {
    let place = Place::new();
    place.write("a/probe", "one").unwrap();
    assert_eq!(place.write("b/probe", &"x".repeat(LONGEST_ENTRY + 1)), Err(KeychainProblem::Refused));
    let error = place.keychain.replace(&vec![0; LONGEST_FILE + 1]).unwrap_err();
    assert_eq!(error.to_string(), "it is larger than 16384 KiB");
    assert_eq!(place.read("a/probe"), Ok(Some("one".to_owned())));
}

#[test]
fn a_call_that_another_process_holds_up_is_given_up_and_does_nothing_later() {
    let place = Place::new();
    place.write("a/probe", "one").unwrap();
    let held = place.keychain.lock(Duration::ZERO).unwrap();
    assert_eq!(place.keychain.lock(Duration::ZERO).unwrap_err(), KeychainProblem::TimedOut);
    drop(held);
    assert!(place.keychain.lock(Duration::ZERO).is_ok());
    assert!(LOCKED_WITHIN < super::super::LONGEST_CALL);
}
