//! What is known of a session on disk, for the keeper that comes after this one: one file a session, written whole or not
//! at all, in a directory that is gone with the machine, as the maps are.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Key;

/// A session on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) key: Key,
    /// The layer that it is in.
    pub(super) generation: String,
    pub(super) slot: u32,
    pub(super) uid: u32,
    /// `<pid>-<start time>`.
    pub(super) supervisor: String,
    pub(super) unreachable: SocketAddr,
    pub(super) memo: Vec<u8>,
    /// What holds instead if the kernel's tables are at this revision already.
    pub(super) next: Option<NextRecord>,
}

/// The part of a record that belongs to one policy, while another one is put in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NextRecord {
    /// How often the session's policy was changed, with this time.
    pub(super) revision: u32,
    pub(super) unreachable: SocketAddr,
    pub(super) memo: Vec<u8>,
}

impl Record {
    /// The record of a session whose tables are at this revision: whoever wrote it may have been killed just before or just
    /// after the store.
    pub(super) fn at(mut self, revision: u32) -> Self {
        if let Some(next) = self.next.take().filter(|next| next.revision == revision) {
            (self.unreachable, self.memo) = (next.unreachable, next.memo);
        }
        self
    }
}

/// The directory.
#[derive(Debug)]
pub(super) struct Records(PathBuf);

impl Records {
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        Ok(Self(directory.to_owned()))
    }

    /// Every record that can be read. What cannot was cut off, and its session was never answered for.
    pub(super) fn all(&self) -> Vec<Record> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let read = |path: PathBuf| postcard::from_bytes(&fs::read(path).ok()?).ok();
        let is_whole = |path: &PathBuf| path.extension().is_none();
        entries.map(|entry| entry.path()).filter(is_whole).filter_map(read).collect()
    }

    pub(super) fn write(&self, record: &Record) -> io::Result<()> {
        let bytes = postcard::to_stdvec(record).map_err(io::Error::other)?;
        let (place, new) = (self.place(record.key), self.place(record.key).with_extension("new"));
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(&bytes)?;
        fs::rename(&new, &place)
    }

    pub(super) fn remove(&self, key: Key) {
        // Whoever finds it later finds that its session is no more.
        let _ = fs::remove_file(self.place(key));
    }

    fn place(&self, key: Key) -> PathBuf {
        self.0.join(key.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_they_were_and_what_was_cut_off_does_not() {
        let place = tempfile::tempdir().expect("a directory");
        let records = Records::open(&place.path().join("keeper")).expect("made");
        let record = |key| Record {
            key: Key(key),
            generation: "host-1".to_owned(),
            slot: 3,
            uid: 1000,
            supervisor: "5-7".to_owned(),
            unreachable: "192.0.2.1:9".parse().expect("an address"),
            memo: vec![1, 2, 3],
            next: None,
        };
        records.write(&record(1)).expect("written");
        records.write(&record(2)).expect("written");
        fs::write(place.path().join("keeper/0000000000000003.new"), b"half").expect("written");
        fs::write(place.path().join("keeper/0000000000000004"), b"").expect("written");
        let mut all = records.all();
        all.sort_by_key(|record| record.key);
        assert_eq!(all, [record(1), record(2)]);
        records.remove(Key(1));
        assert_eq!(records.all(), [record(2)]);
    }

    #[test]
    fn what_was_being_put_in_force_is_told_by_the_kernels_revision() {
        let at = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let next = NextRecord { revision: 3, unreachable: at("192.0.2.1:7"), memo: vec![9] };
        let record = Record {
            key: Key(1),
            generation: "host-1".to_owned(),
            slot: 3,
            uid: 1000,
            supervisor: "5-7".to_owned(),
            unreachable: at("192.0.2.1:9"),
            memo: vec![1],
            next: Some(next),
        };
        let before = record.clone().at(2);
        assert_eq!((before.memo, before.unreachable, before.next), (vec![1], at("192.0.2.1:9"), None));
        let after = record.at(3);
        assert_eq!((after.memo, after.unreachable, after.next), (vec![9], at("192.0.2.1:7"), None));
    }
}
