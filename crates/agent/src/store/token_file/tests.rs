#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;

/// A state folder and a home folder.
struct Machine {
    folder: TempDir,
    store: TokenFileStore,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = TokenFileStore::new(folder.path().join("state/token-files"));
        fs::create_dir(folder.path().join("home")).unwrap();
        Self { folder, store }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("home/token")
    }

    fn write(&self, contents: &str) -> Result<(), TokenFileError> {
        self.store.write(&"a".parse().unwrap(), &self.file(), &contents.to_owned().into())
    }

    /// What is in the home folder.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join("home")).unwrap().flatten();
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
    }
}

#[test]
fn a_file_of_ours_is_replaced_and_removed() {
    let machine = Machine::new();
    machine.write("one\n").unwrap();
    machine.write("two\n").unwrap();
    assert_eq!(fs::read_to_string(machine.file()).unwrap(), "two\n");
    assert_eq!(fs::metadata(machine.file()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(machine.store.known().len(), 1);
    machine.store.remove(&machine.file()).unwrap();
    assert_eq!((machine.names(), machine.store.known().len()), (Vec::new(), 0));
    machine.store.remove(&machine.file()).unwrap();
}

#[test]
fn nothing_that_looks_like_a_token_file_is_taken_for_one() {
    for theirs in ["", "x\n", "VAULT_ACCESS_TOKEN=abc\n", "host:5432:db:me:pw\n", "{\"access_token\":1}\n"] {
        let machine = Machine::new();
        fs::write(machine.file(), theirs).unwrap();
        assert_eq!(machine.store.check(&machine.file()), Err(TokenFileError::NotOurs));
        assert_eq!(machine.write("token\n"), Err(TokenFileError::NotOurs));
        assert_eq!(machine.store.remove(&machine.file()), Err(TokenFileError::NotOurs));
        assert_eq!(fs::read_to_string(machine.file()).unwrap(), theirs);
        assert_eq!(machine.names(), ["token"]);
    }
}

#[test]
fn a_link_a_folder_and_a_pipe_are_refused() {
    let machine = Machine::new();
    let elsewhere = machine.folder.path().join("elsewhere");
    fs::write(&elsewhere, "").unwrap();
    symlink(&elsewhere, machine.file()).unwrap();
    assert_eq!(machine.write("token\n"), Err(TokenFileError::NotOurs));
    assert!(fs::symlink_metadata(machine.file()).unwrap().is_symlink());

    fs::remove_file(machine.file()).unwrap();
    fs::create_dir(machine.file()).unwrap();
    assert_eq!(machine.write("token\n"), Err(TokenFileError::NotOurs));

    fs::remove_dir(machine.file()).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(machine.file()).status().unwrap().success());
    assert_eq!(machine.write("token\n"), Err(TokenFileError::NotOurs));
    assert_eq!(machine.names(), ["token"]);
}

#[test]
fn a_file_that_somebody_changed_or_put_there_since_is_theirs() {
    let machine = Machine::new();
    machine.write("one\n").unwrap();
    fs::write(machine.file(), "mine\n").unwrap();
    assert_eq!(machine.write("two\n"), Err(TokenFileError::NotOurs));
    assert_eq!(fs::read_to_string(machine.file()).unwrap(), "mine\n");

    // The same contents in another file.
    fs::remove_file(machine.file()).unwrap();
    machine.write("three\n").unwrap();
    let copy = machine.file().with_file_name("copy");
    fs::copy(machine.file(), &copy).unwrap();
    fs::rename(&copy, machine.file()).unwrap();
    assert_eq!(machine.store.remove(&machine.file()), Err(TokenFileError::NotOurs));
    assert_eq!(machine.names(), ["token"]);
}

#[test]
fn without_the_state_folder_no_file_is_ours() {
    let machine = Machine::new();
    machine.write("one\n").unwrap();
    fs::remove_dir_all(machine.folder.path().join("state")).unwrap();
    assert_eq!(machine.write("two\n"), Err(TokenFileError::NotOurs));
    assert_eq!(fs::read_to_string(machine.file()).unwrap(), "one\n");
}

/// Everything that a kill can leave behind, at each step of replacing `one` by `two`.
#[test]
fn a_death_between_any_two_steps_leaves_no_token_and_no_doubt() {
    for step in 0..4 {
        let machine = Machine::new();
        machine.write("one\n").unwrap();
        let mut record = machine.store.records.find(&machine.file()).unwrap();
        let temporary = record.temporary();
        if step == 0 {
            place::create(&temporary).unwrap();
        } else {
            machine.store.write_beside(&mut record, &"two\n".to_owned().into()).unwrap();
        }
        if step == 1 {
            fs::OpenOptions::new().write(true).open(&temporary).unwrap().set_len(2).unwrap();
        }
        if step == 3 {
            place::put(&temporary, &machine.file(), |seen| record.made(seen)).unwrap();
        }
        assert_eq!(machine.store.find(&machine.file()), Ok(Found::Ours), "step {step}");
        assert_eq!(machine.names(), ["token"], "step {step}");
        let left = fs::read_to_string(machine.file()).unwrap();
        assert_eq!(left, if step == 3 { "two\n" } else { "one\n" }, "step {step}");
        machine.write("three\n").unwrap();
        machine.store.remove(&machine.file()).unwrap();
        assert_eq!(machine.names(), [""; 0], "step {step}");
    }
}

#[test]
fn a_persons_file_that_came_at_the_same_moment_is_given_back() {
    let machine = Machine::new();
    machine.write("one\n").unwrap();
    let mut record = machine.store.records.find(&machine.file()).unwrap();
    machine.store.write_beside(&mut record, &"two\n".to_owned().into()).unwrap();
    // After the look and before the exchange.
    fs::remove_file(machine.file()).unwrap();
    fs::write(machine.file(), "mine\n").unwrap();
    let inode = fs::metadata(machine.file()).unwrap().ino();
    let placed = place::put(&record.temporary(), &machine.file(), |seen| record.made(seen));
    assert_eq!(placed, Err(TokenFileError::NotOurs));
    assert_eq!(fs::metadata(machine.file()).unwrap().ino(), inode);
    assert_eq!(machine.names(), ["token"]);
}
