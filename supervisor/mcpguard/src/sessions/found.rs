//! Cards read, and believed as far as the kernel says the same.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use enforce::cgroup::GroupId;
use enforce::{Grounds, Standing};
use nix::unistd::geteuid;
use procfs::process::Process;

use super::card::{Card, VERSION, door};
use super::places;

/// The longest card; a longer one is none.
const LONGEST: u64 = 256 * 1024;
/// Cards that are read of one directory, whoever fills it.
const MOST: usize = 16_384;

/// A session that lives.
#[derive(Debug)]
pub(crate) struct Found {
    /// What it says of itself.
    pub(crate) card: Card,
    /// Its supervisor, and its control group if it has one.
    pub(crate) standing: Standing,
    /// Whose it is.
    pub(crate) uid: u32,
    /// Where the card lies.
    pub(crate) place: PathBuf,
}

/// Every living session that this user may see, oldest first.
///
/// # Errors
/// Nothing can be told about this boot.
pub(crate) fn found() -> anyhow::Result<Vec<Found>> {
    let here = Here { boot: places::boot()?, grounds: Grounds::find() };
    let mut found: Vec<Found> = places::all().iter().flat_map(|place| beneath(place, &here)).collect();
    found.sort_by_key(|session| (session.card.began, session.standing.supervisor().as_raw()));
    found.dedup_by_key(|session| session.standing.supervisor());
    Ok(found)
}

/// This machine, looked at once.
struct Here {
    boot: String,
    grounds: Grounds,
}

fn beneath(place: &Path, here: &Here) -> Vec<Found> {
    let Ok(owner) = place.symlink_metadata().map(|found| found.uid()) else { return Vec::new() };
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten().take(MOST);
    let paths =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "json"));
    paths.filter_map(|path| session(&path, owner, here)).collect()
}

/// The session of a card; nothing if it has ended, and then the card goes, too, if it is this user's.
fn session(path: &Path, owner: u32, here: &Here) -> Option<Found> {
    let card = read(path, owner)?;
    let id: GroupId = card.supervisor.parse().ok()?;
    // An error is not an end.
    let standing = if card.boot == here.boot { Standing::find(&id, &here.grounds).ok()? } else { None };
    let Some(standing) = standing else {
        // Only one's own: another user could lead root to a file of somebody else's at this very moment.
        if owner == geteuid().as_raw() {
            let _ = std::fs::remove_file(path);
            let _ = std::fs::remove_file(door(path));
        }
        return None;
    };
    // Nobody speaks for another user's processes. Who is asked: `/proc/PID` itself is root's for a process that protects itself.
    let uid = Process::new(id.process().as_raw()).and_then(|process| process.status()).ok()?.ruid;
    (uid == owner).then(|| Found { card, standing, uid, place: path.to_owned() })
}

/// A regular file of the directory's owner, and no longer than a card.
fn read(path: &Path, owner: u32) -> Option<Card> {
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    let file: File = OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    let found = file.metadata().ok()?;
    if !found.is_file() || found.uid() != owner || found.len() > LONGEST {
        return None;
    }
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text).ok()?;
    serde_json::from_slice::<Card>(&text).ok().filter(|card| card.v == VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn card(supervisor: &str, boot: &str) -> Card {
        Card {
            v: VERSION,
            session: "5f3c".to_owned(),
            supervisor: supervisor.to_owned(),
            boot: boot.to_owned(),
            policy: "p".to_owned(),
            revision: "00".to_owned(),
            command: Vec::new(),
            audit: "/log".to_owned(),
            began: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn only_cards_that_the_kernel_confirms_are_sessions() {
        let place = tempfile::tempdir().expect("a directory");
        let (boot, own) = (places::boot().expect("a boot"), GroupId::own().expect("a name").to_string());
        let later = format!("{}-1", std::process::id());
        let cards = [
            ("living", card(&own, &boot)),
            ("earlier boot", card(&own, "other")),
            ("another process by now", card(&later, &boot)),
            ("no name", card("5", &boot)),
            ("newer", Card { v: VERSION + 1, ..card(&own, &boot) }),
        ];
        for (name, card) in cards {
            let text = serde_json::to_vec(&card).expect("a card");
            std::fs::write(place.path().join(format!("{name}.json")), text).expect("written");
        }
        std::fs::write(place.path().join("broken.json"), "{").expect("written");
        std::fs::write(place.path().join("living.txt"), "{").expect("written");
        std::os::unix::fs::symlink("living.json", place.path().join("link.json")).expect("a link");
        let here = Here { boot, grounds: Grounds::find() };
        let found = beneath(place.path(), &here);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(!place.path().join("earlier boot.json").exists(), "what has ended is taken away");
        assert!(!place.path().join("another process by now.json").exists());
        assert!(place.path().join("newer.json").exists(), "another version's is left alone");
    }
}
