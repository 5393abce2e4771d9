//! A journal on disk: lines are appended and synced, never changed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use evertoken_core::login::journal::{self, Entry};

use super::turn::turn;
use crate::system::files::open_private;

/// 256 KiB: years of rotations. A full journal becomes `.1`, and the one before it goes.
const FULL: u64 = 256 << 10;

/// The file of one account, or of the machine's sleeps.
#[derive(Debug, Clone)]
pub(crate) struct JournalFile {
    path: PathBuf,
}

impl JournalFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Appends an entry and syncs it to disk.
    pub(crate) async fn append(&self, entry: Entry) -> io::Result<()> {
        self.in_turn(move |journal| journal.append_now(&entry)).await
    }

    /// Appends an entry that may be lost: nothing waits for the disk.
    pub(crate) async fn note(&self, entry: Entry) -> io::Result<()> {
        self.in_turn(move |journal| journal.note_now(&entry)).await
    }

    /// Every entry that can be read, oldest first.
    pub(crate) async fn read(&self) -> io::Result<Vec<Entry>> {
        self.in_turn(Self::read_now).await
    }

    /// Deletes the journal.
    pub(crate) async fn remove(&self) -> io::Result<()> {
        self.in_turn(Self::remove_now).await
    }

    /// Moves the journal to another account's path.
    pub(crate) async fn rename(&self, to: &Self) -> io::Result<()> {
        let to = to.clone();
        self.in_turn(move |journal| journal.rename_now(&to)).await
    }

    /// Works on the file on another thread, in the order in which it was asked: a disk that hangs holds up this journal
    /// alone. What has begun is ended, also when nobody waits for it any more, and nothing overtakes it.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let (journal, turn) = (self.clone(), turn(&self.path).lock_owned().await);
        let work = tokio::task::spawn_blocking(move || {
            let done = work(&journal);
            drop(turn);
            done
        });
        work.await.map_err(io::Error::other).flatten()
    }

    fn append_now(&self, entry: &Entry) -> io::Result<()> {
        self.rotate_when_full()?;
        let fresh = !self.path.exists();
        self.write_line(entry)?.sync_data()?;
        if fresh { sync_folder(&self.path) } else { Ok(()) }
    }

    fn note_now(&self, entry: &Entry) -> io::Result<()> {
        self.rotate_when_full()?;
        self.write_line(entry).map(drop)
    }

    fn read_now(&self) -> io::Result<Vec<Entry>> {
        let mut entries = read_entries(&self.older())?;
        let newer = read_entries(&self.path)?;
        // While the previous file exists, carried lines are in both files.
        let carried = newer.iter().take_while(|entry| entries.contains(entry)).count();
        entries.extend(newer.into_iter().skip(carried));
        Ok(entries)
    }

    fn remove_now(&self) -> io::Result<()> {
        absent_is_fine(fs::remove_file(&self.path))?;
        absent_is_fine(fs::remove_file(self.older()))
    }

    fn rename_now(&self, to: &Self) -> io::Result<()> {
        absent_is_fine(fs::rename(self.older(), to.older()))?;
        absent_is_fine(fs::rename(&self.path, &to.path))
    }

    fn write_line(&self, entry: &Entry) -> io::Result<File> {
        let mut file = open_to_append(&self.path)?;
        let line = entry.to_line();
        let separator = if ends_in_a_torn_line(&mut file)? { "\n" } else { "" };
        file.write_all(format!("{separator}{line}").as_bytes())?;
        Ok(file)
    }

    fn older(&self) -> PathBuf {
        self.path.with_added_extension("1")
    }

    fn rotate_when_full(&self) -> io::Result<()> {
        match fs::metadata(&self.path) {
            Ok(metadata) if metadata.len() >= FULL => self.rotate(),
            Ok(_) => Ok(()),
            Err(error) => absent_is_fine(Err(error)),
        }
    }

    /// The new file begins with what must never be forgotten.
    fn rotate(&self) -> io::Result<()> {
        let carried: String = journal::carried(&self.read_now()?).iter().map(Entry::to_line).collect();
        let next = self.path.with_added_extension("next");
        let mut file = create(&next)?;
        file.write_all(carried.as_bytes())?;
        file.sync_data()?;
        fs::rename(&self.path, self.older())?;
        fs::rename(&next, &self.path)?;
        sync_folder(&self.path)
    }
}

fn read_entries(path: &Path) -> io::Result<Vec<Entry>> {
    let mut bytes = Vec::new();
    match open_private(path, OpenOptions::new().read(true)).and_then(|mut file| file.read_to_end(&mut bytes)) {
        Ok(_) => Ok(journal::parse(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn open_to_append(path: &Path) -> io::Result<File> {
    open_private(path, OpenOptions::new().read(true).append(true).create(true))
}

fn create(path: &Path) -> io::Result<File> {
    open_private(path, OpenOptions::new().write(true).create(true).truncate(true))
}

fn ends_in_a_torn_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Makes a new name in a folder survive a power cut.
#[cfg(unix)]
pub(crate) fn sync_folder(file: &Path) -> io::Result<()> {
    File::open(file.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// Windows syncs folders by itself.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_file: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use evertoken_core::login::journal::Record;
    use evertoken_core::oauth::token::Fingerprint;
    use jiff::Timestamp;

    use super::*;

    fn presented(second: i64) -> Entry {
        let fingerprint = Fingerprint::of("token");
        Entry { at: Timestamp::constant(second, 0), record: Record::Presented { fingerprint } }
    }

    #[test]
    fn an_entry_after_a_torn_line_is_still_read() {
        let folder = tempfile::tempdir().unwrap();
        let journal = JournalFile::new(folder.path().join("a.journal"));
        journal.append_now(&presented(1)).unwrap();
        let torn = fs::read(&journal.path).unwrap();
        fs::write(&journal.path, [&torn[..], &torn[..20]].concat()).unwrap();
        journal.append_now(&presented(2)).unwrap();
        assert_eq!(journal.read_now().unwrap(), [presented(1), presented(2)]);
    }

    #[test]
    fn a_noted_line_is_read_and_a_full_file_of_them_keeps_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let sleeps = JournalFile::new(folder.path().join("sleep.jsonl"));
        let slept = |second| {
            let since = Timestamp::constant(second - 1, 0);
            Entry { at: Timestamp::constant(second, 0), record: Record::Slept { since } }
        };
        sleeps.note_now(&slept(1)).unwrap();
        fs::write(&sleeps.path, vec![b'\n'; FULL as usize]).unwrap();
        sleeps.note_now(&slept(2)).unwrap();
        sleeps.note_now(&slept(3)).unwrap();
        assert_eq!(sleeps.read_now().unwrap(), [slept(2), slept(3)]);
        assert!(fs::metadata(&sleeps.path).unwrap().len() < FULL);
    }

    #[tokio::test]
    async fn lines_come_in_the_order_in_which_they_were_asked_for_and_with_none_lost() {
        let folder = tempfile::tempdir().unwrap();
        let journal = JournalFile::new(folder.path().join("a.journal"));
        let lines: Vec<Entry> = (0..50).map(presented).collect();
        // Somebody who does not wait for the end of it changes nothing.
        let mut given_up = Box::pin(journal.append(lines[0].clone()));
        assert!(futures_util::poll!(&mut given_up).is_pending());
        drop(given_up);
        let rest = lines[1..].iter().map(|line| {
            // The account's context is made anew for each job.
            let journal = JournalFile::new(journal.path.clone());
            async move { journal.append(line.clone()).await }
        });
        assert!(futures_util::future::join_all(rest).await.iter().all(Result::is_ok));
        assert_eq!(journal.read().await.unwrap(), lines);
    }

    #[test]
    fn a_full_journal_forgets_neither_a_login_nor_what_became_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let journal = JournalFile::new(folder.path().join("a.journal"));
        let (fingerprint, mine) = (Fingerprint::of("token"), Fingerprint::of("a token that a person gave"));
        let refused = |fingerprint| Record::Refused { fingerprint, expired_at: None, trace_id: None, reason: None };
        let records = [
            Record::LoggedIn { fingerprint },
            Record::Stored { fingerprint, rotations: 0, expires_at: Timestamp::MAX },
            Record::Presented { fingerprint },
            refused(fingerprint),
            Record::Presented { fingerprint: mine },
        ];
        let entries = (1..).zip(records).map(|(second, record)| Entry { at: Timestamp::constant(second, 0), record });
        let mut said = Vec::new();
        for entry in entries {
            let full = vec![b'\n'; FULL as usize];
            fs::write(&journal.path, [fs::read(&journal.path).unwrap_or_default(), full].concat()).unwrap();
            journal.append_now(&entry).unwrap();
            said.push(entry);
            assert_eq!(journal::summarize(&journal.read_now().unwrap()), journal::summarize(&said));
        }
        assert!(
            journal.read_now().unwrap().is_sorted_by(|before, after| before.at < after.at),
            "no line is there twice"
        );
    }
}
