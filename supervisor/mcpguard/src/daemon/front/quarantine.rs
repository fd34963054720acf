//! The policies of which no session is opened until somebody releases them, by revision.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, ensure};

use super::store::{Directory, Steps, replace};

/// The file: one revision a line.
const NAME: &str = "quarantine";

/// The most revisions: no human keeps more apart, and the file stays small.
const MOST: usize = 10_000;

/// What each line has at most, with its end.
const LINE: u64 = 65;

/// The list, as it is on the disk.
#[derive(Debug)]
pub(super) struct Quarantine {
    directory: Arc<Directory>,
    revisions: BTreeSet<String>,
}

impl Quarantine {
    /// Reads the list. No file: nothing is in quarantine.
    ///
    /// # Errors
    /// It cannot be read, or is not what this wrote: then nothing is opened that could be in it.
    pub(super) fn read(directory: Directory) -> anyhow::Result<Self> {
        let read = directory.read(NAME, MOST as u64 * LINE);
        let bytes = read.context("the list of policies in quarantine cannot be read")?.unwrap_or_default();
        Ok(Self { directory: Arc::new(directory), revisions: parse(&bytes)? })
    }

    /// Whether sessions of this revision must not be opened.
    pub(super) fn holds(&self, revision: &str) -> bool {
        self.revisions.contains(revision)
    }

    /// The list with more revisions; the list that is written is for [`save`].
    pub(super) fn with(&self, more: impl IntoIterator<Item = String>) -> BTreeSet<String> {
        self.revisions.iter().cloned().chain(more).collect()
    }

    /// The list without a revision, if it is there.
    pub(super) fn without(&self, revision: &str) -> Option<BTreeSet<String>> {
        let mut revisions = self.revisions.clone();
        revisions.remove(revision).then_some(revisions)
    }

    /// From now on this holds.
    pub(super) fn set(&mut self, revisions: BTreeSet<String>) {
        self.revisions = revisions;
    }

    pub(super) fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory)
    }
}

/// Writes a list in the place of the last one.
///
/// # Errors
/// It is too long, or a step failed: what was there before holds after a restart.
pub(super) fn save(steps: &mut impl Steps, revisions: &BTreeSet<String>) -> anyhow::Result<()> {
    ensure!(revisions.len() <= MOST, "{MOST} policies are in quarantine already; release some of them");
    let text: String = revisions.iter().map(|revision| format!("{revision}\n")).collect();
    replace(steps, NAME, text.as_bytes()).context("the list of policies in quarantine cannot be written")
}

fn parse(bytes: &[u8]) -> anyhow::Result<BTreeSet<String>> {
    let text = std::str::from_utf8(bytes).context("the list of policies in quarantine is no text")?;
    let whole = text.is_empty() || text.ends_with('\n');
    ensure!(whole, "the list of policies in quarantine is cut off; put it in order and start again");
    text.lines().map(revision).collect()
}

fn revision(line: &str) -> anyhow::Result<String> {
    let is_one = line.len() == 64 && line.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    ensure!(is_one, "the list of policies in quarantine has a line that is no revision: `{line}`");
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Error, Result, Write};

    use super::*;

    /// Does so many steps and then is dead: every further one fails and does nothing. `torn`: the last one that is done
    /// is half done, where it can be.
    struct Dying<'a> {
        directory: &'a Directory,
        left: usize,
        torn: bool,
    }

    impl Dying<'_> {
        fn step(&mut self) -> Result<bool> {
            let Some(left) = self.left.checked_sub(1) else { return Err(Error::other("dead")) };
            self.left = left;
            Ok(left == 0 && self.torn)
        }
    }

    impl Steps for Dying<'_> {
        fn create(&mut self, name: &str) -> Result<File> {
            self.step()?;
            let mut directory = self.directory;
            directory.create(name)
        }

        fn write(&mut self, file: &mut File, bytes: &[u8]) -> Result<()> {
            match self.step()? {
                true => file.write_all(&bytes[..bytes.len() / 2]).and(Err(Error::other("dead"))),
                false => file.write_all(bytes),
            }
        }

        fn sync(&mut self, _: &File) -> Result<()> {
            self.step().map(|_| ())
        }

        fn rename(&mut self, from: &str, to: &str) -> Result<()> {
            self.step()?;
            let mut directory = self.directory;
            directory.rename(from, to)
        }

        fn sync_directory(&mut self) -> Result<()> {
            self.step().map(|_| ())
        }
    }

    fn directory(of: &tempfile::TempDir) -> Directory {
        Directory::new(File::open(of.path()).unwrap().into())
    }

    fn list(digits: &[char]) -> BTreeSet<String> {
        digits.iter().map(|digit| digit.to_string().repeat(64)).collect()
    }

    #[test]
    fn a_death_at_any_step_leaves_the_old_list_or_the_new_one() {
        let (old, new) = (list(&['a', 'b']), list(&['b', 'c', 'd']));
        let mut seen = BTreeSet::new();
        for torn in [false, true] {
            for left in 0..=5 {
                let place = tempfile::tempdir().unwrap();
                save(&mut &directory(&place), &old).unwrap();
                let mut dying = Dying { directory: &directory(&place), left, torn };
                let done = save(&mut dying, &new).is_ok();
                let found = Quarantine::read(directory(&place)).unwrap();
                let is_new = found.revisions == new;
                assert!(is_new || found.revisions == old, "after {left} steps: {found:?}");
                assert!(is_new || !done, "what was said to be written is there");
                seen.insert((is_new, done));
                // What was left does not hinder the next one.
                let mut found = found;
                let again = found.with(["e".repeat(64)]);
                save(&mut &*found.directory(), &again).unwrap();
                found.set(again.clone());
                assert_eq!(Quarantine::read(directory(&place)).unwrap().revisions, again);
            }
        }
        assert_eq!(seen, [(false, false), (true, false), (true, true)].into());
    }

    #[test]
    fn what_this_did_not_write_is_an_error() {
        for text in ["x", &"a".repeat(64), &format!("{}\n", "A".repeat(64)), "\n", "\u{0}"] {
            let place = tempfile::tempdir().unwrap();
            std::fs::write(place.path().join(NAME), text).unwrap();
            assert!(Quarantine::read(directory(&place)).is_err(), "{text:?}");
        }
        let place = tempfile::tempdir().unwrap();
        assert!(Quarantine::read(directory(&place)).unwrap().revisions.is_empty());
        std::fs::write(place.path().join(NAME), vec![b'\n'; MOST * 66]).unwrap();
        assert!(Quarantine::read(directory(&place)).is_err());
        std::fs::remove_file(place.path().join(NAME)).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", place.path().join(NAME)).unwrap();
        assert!(Quarantine::read(directory(&place)).is_err());
    }

    #[test]
    fn what_is_released_is_not_there() {
        let place = tempfile::tempdir().unwrap();
        let mut quarantine = Quarantine::read(directory(&place)).unwrap();
        quarantine.set(list(&['a', 'b']));
        assert!(quarantine.holds(&"a".repeat(64)) && !quarantine.holds(&"c".repeat(64)));
        assert_eq!(quarantine.without(&"a".repeat(64)), Some(list(&['b'])));
        assert_eq!(quarantine.without(&"c".repeat(64)), None);
    }
}
