//! Values that are longer than an entry may be: their parts lie in entries of their own.
//!
//! The main entry then says how many parts there are, and in which of two sets. A write fills the set that the main entry does
//! not name, then the main entry, and removes the other set last. So whatever dies when, the main entry names a whole set: that
//! of the value before, or that of the new one.

use keyring_core::{Error, Result};

/// How a main entry begins that holds no value. No value of ours does: they are JSON.
const PARTS: &str = "evertoken parts";
/// How often a value is read that another process replaces meanwhile.
const MOST_TRIES: usize = 3;

/// Entries by their name.
pub(super) trait Entries {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>>;
    fn write(&self, name: &str, value: &[u8]) -> Result<()>;
    fn delete(&self, name: &str) -> Result<()>;
}

/// Which of the two sets of parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    A,
    B,
}

impl Set {
    const BOTH: [Self; 2] = [Self::A, Self::B];

    const fn letter(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    fn part(self, name: &str, number: usize) -> String {
        format!("{name}/{}{number}", self.letter())
    }
}

/// What a main entry says.
enum Main {
    Value(Vec<u8>),
    Parts(Set, usize),
}

impl Main {
    fn of(bytes: Vec<u8>) -> Self {
        let parts = std::str::from_utf8(&bytes).ok().and_then(|text| {
            let (set, count) = text.strip_prefix(PARTS)?.trim().split_once(' ')?;
            let set = Set::BOTH.into_iter().find(|known| known.letter() == set)?;
            Some((set, count.parse().ok()?))
        });
        parts.map_or(Self::Value(bytes), |(set, count)| Self::Parts(set, count))
    }
}

/// The value; `None` when there is none, or when a part is gone: whoever deleted it was deleting the value.
pub(super) fn read(entries: &impl Entries, name: &str) -> Result<Option<Vec<u8>>> {
    for _ in 0..MOST_TRIES {
        let Some(main) = entries.read(name)? else { return Ok(None) };
        let (set, count) = match Main::of(main.clone()) {
            Main::Value(value) => return Ok(Some(value)),
            Main::Parts(set, count) => (set, count),
        };
        let mut value = Some(Vec::new());
        for number in 1..=count {
            let part = entries.read(&set.part(name, number))?;
            value = value.zip(part).map(|(value, part)| [value, part].concat());
        }
        // The same before and after: the parts belong together.
        if entries.read(name)?.as_ref() == Some(&main) {
            return Ok(value);
        }
    }
    Err(Error::PlatformFailure("another process keeps replacing the entry".into()))
}

/// Writes the value, in parts of `longest` bytes if it is longer than that.
pub(super) fn write(entries: &impl Entries, name: &str, value: &[u8], longest: usize) -> Result<()> {
    if value.len() <= longest {
        entries.write(name, value)?;
        return Set::BOTH.into_iter().try_for_each(|set| delete_parts(entries, name, set, 0));
    }
    let set = match entries.read(name)?.map(Main::of) {
        Some(Main::Parts(named, _)) => named.other(),
        Some(Main::Value(_)) | None => Set::A,
    };
    let parts: Vec<&[u8]> = value.chunks(longest).collect();
    for (index, part) in parts.iter().enumerate() {
        entries.write(&set.part(name, index + 1), part)?;
    }
    entries.write(name, format!("{PARTS} {} {}", set.letter(), parts.len()).as_bytes())?;
    delete_parts(entries, name, set, parts.len())?;
    delete_parts(entries, name, set.other(), 0)
}

/// Deletes the value. Its parts go first: without the main entry nobody would find them again.
pub(super) fn delete(entries: &impl Entries, name: &str) -> Result<()> {
    Set::BOTH.into_iter().try_for_each(|set| delete_parts(entries, name, set, 0))?;
    entries.delete(name)
}

/// Deletes the parts after the first `kept`, from the last one on: what is left has no gap at any moment.
fn delete_parts(entries: &impl Entries, name: &str, set: Set, kept: usize) -> Result<()> {
    let mut last = kept;
    while entries.read(&set.part(name, last + 1))?.is_some() {
        last += 1;
    }
    (kept + 1..=last).rev().try_for_each(|number| entries.delete(&set.part(name, number)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    use super::*;

    const LONGEST: usize = 10;

    /// Entries whose process dies before the write or deletion with this number.
    struct Mortal {
        entries: RefCell<BTreeMap<String, Vec<u8>>>,
        changes_left: Cell<usize>,
    }

    impl Mortal {
        fn new() -> Self {
            Self { entries: RefCell::default(), changes_left: Cell::new(usize::MAX) }
        }

        fn change(&self) -> Result<()> {
            let left = self.changes_left.get().checked_sub(1).ok_or(Error::NotSupportedByStore("dead".to_owned()))?;
            self.changes_left.set(left);
            Ok(())
        }

        fn value(&self) -> Option<String> {
            read(self, "slot").unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
        }

        fn count(&self) -> usize {
            self.entries.borrow().len()
        }
    }

    impl Entries for Mortal {
        fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
            Ok(self.entries.borrow().get(name).cloned())
        }

        fn write(&self, name: &str, value: &[u8]) -> Result<()> {
            assert!(value.len() <= LONGEST.max(PARTS.len() + 4), "{} bytes", value.len());
            self.change()?;
            self.entries.borrow_mut().insert(name.to_owned(), value.to_vec());
            Ok(())
        }

        fn delete(&self, name: &str) -> Result<()> {
            self.change()?;
            self.entries.borrow_mut().remove(name);
            Ok(())
        }
    }

    const VALUES: [&str; 4] =
        ["short", "a value of three parts....", "another, with five parts in a row, and more", "x"];

    #[test]
    fn a_value_of_any_length_is_read_as_it_was_written_and_leaves_nothing() {
        let entries = Mortal::new();
        for value in VALUES.iter().chain(VALUES.iter().rev()) {
            write(&entries, "slot", value.as_bytes(), LONGEST).unwrap();
            assert_eq!(entries.value().as_deref(), Some(*value));
            let parts = if value.len() > LONGEST { value.len().div_ceil(LONGEST) } else { 0 };
            assert_eq!(entries.count(), 1 + parts, "{value}");
        }
        delete(&entries, "slot").unwrap();
        assert_eq!((entries.value(), entries.count()), (None, 0));
    }

    #[test]
    fn whenever_a_write_dies_the_value_before_or_the_new_one_is_there() {
        for (before, after) in VALUES.iter().flat_map(|before| VALUES.iter().map(move |after| (*before, *after))) {
            for changes in 0.. {
                let entries = Mortal::new();
                write(&entries, "slot", before.as_bytes(), LONGEST).unwrap();
                entries.changes_left.set(changes);
                let lived = write(&entries, "slot", after.as_bytes(), LONGEST).is_ok();
                entries.changes_left.set(usize::MAX);
                let found = entries.value();
                assert!([before, after].map(|value| Some(value.to_owned())).contains(&found), "{changes}: {found:?}");
                // The next one clears up, and so does a log-out.
                delete(&entries, "slot").unwrap();
                assert_eq!(entries.count(), 0, "{before} -> {after}, dead after {changes}");
                if lived {
                    assert_eq!(found.as_deref(), Some(after));
                    break;
                }
            }
        }
    }

    #[test]
    fn a_deletion_that_dies_leaves_nothing_that_is_read_as_another_value() {
        for changes in 0..6 {
            let entries = Mortal::new();
            write(&entries, "slot", VALUES[2].as_bytes(), LONGEST).unwrap();
            entries.changes_left.set(changes);
            assert!(delete(&entries, "slot").is_err());
            entries.changes_left.set(usize::MAX);
            let expected = (changes == 0).then(|| VALUES[2].to_owned());
            assert_eq!(entries.value(), expected, "{changes}");
            delete(&entries, "slot").unwrap();
            assert_eq!(entries.count(), 0);
        }
    }
}
