//! Who has stopped which session, for the front that comes after this one: what an operator froze, its user must not thaw.

use std::collections::BTreeMap;
use std::io::Result;

use control::message::{Actor, Because};
use enforce::keeper::Key;

use super::store::{Directory, Steps, replace};

/// The file: one session a line, `00000000000000a1 operator 0`.
const NAME: &str = "frozen";

/// The most bytes that are read: far more sessions than there can be.
const MOST: u64 = 1 << 20;

/// Who stopped which sessions.
#[derive(Debug, Default)]
pub(super) struct Frozen(BTreeMap<Key, Actor>);

impl Frozen {
    /// Reads what the last front has written. What cannot be read is not known: then an operator is needed.
    pub(super) fn read(directory: &Directory) -> Self {
        match directory.read(NAME, MOST) {
            Ok(bytes) => Self(parse(&String::from_utf8_lossy(&bytes.unwrap_or_default()))),
            Err(error) => {
                tracing::warn!("who has frozen sessions cannot be read: {error}");
                Self::default()
            }
        }
    }

    /// Who stopped a session, which the keeper says is stopped.
    pub(super) fn because(&self, key: Key) -> Because {
        let who = self.0.get(&key).copied();
        let why = if who.is_some() {
            "it was stopped before"
        } else {
            "it was stopped before, it is not known by whom,"
        };
        let why = format!("{why} the daemon was started again");
        Because { who: who.unwrap_or(Actor::Daemon), why }
    }
}

/// Writes who has stopped which sessions.
///
/// # Errors
/// A step failed; what was there before holds.
pub(super) fn save(steps: &mut impl Steps, frozen: &BTreeMap<Key, Actor>) -> Result<()> {
    let text: String = frozen.iter().map(|(key, who)| format!("{key} {}\n", word(*who))).collect();
    replace(steps, NAME, text.as_bytes())
}

fn word(who: Actor) -> String {
    match who {
        Actor::Owner(uid) => format!("owner {uid}"),
        Actor::Operator(uid) => format!("operator {uid}"),
        Actor::Policy => "policy".to_owned(),
        Actor::Daemon => "daemon".to_owned(),
    }
}

fn parse(text: &str) -> BTreeMap<Key, Actor> {
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<(Key, Actor)> {
    let (key, who) = line.split_once(' ')?;
    let key = u64::from_str_radix(key, 16).ok().map(Key)?;
    let who = match who.split_once(' ') {
        Some(("owner", uid)) => Actor::Owner(uid.parse().ok()?),
        Some(("operator", uid)) => Actor::Operator(uid.parse().ok()?),
        None if who == "policy" => Actor::Policy,
        None if who == "daemon" => Actor::Daemon,
        _ => return None,
    };
    Some((key, who))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_cannot_be_read_is_nobodys() {
        let place = tempfile::tempdir().unwrap();
        let directory = Directory::new(std::fs::File::open(place.path()).unwrap().into());
        let all = [Actor::Owner(1000), Actor::Operator(0), Actor::Policy, Actor::Daemon];
        let written: BTreeMap<Key, Actor> = (1..).map(Key).zip(all).collect();
        save(&mut &directory, &written).unwrap();
        let read = Frozen::read(&directory);
        assert_eq!(read.0, written);
        assert_eq!(read.because(Key(9)).who, Actor::Daemon);
        std::fs::write(place.path().join(NAME), "x\n1 owner\n2 owner x\n3 nobody\n\u{0}\n4 owner 7").unwrap();
        assert_eq!(Frozen::read(&directory).0, [(Key(4), Actor::Owner(7))].into());
    }
}
