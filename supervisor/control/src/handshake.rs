//! The first message of each side: a magic word, the versions that it speaks, its build. The newest common version is
//! taken. This message never changes, in any version: it is how versions are found.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What every connection begins with.
pub const MAGIC: &str = "mcpguard-control";

/// The versions that this crate speaks.
pub const SPOKEN: Versions = Versions { oldest: 1, newest: 1 };

/// A range of versions, both ends included, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The oldest.
    pub oldest: u32,
    /// The newest.
    pub newest: u32,
}

/// The one version that both sides of a connection speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u32);

impl Version {
    /// Its number, from 1.
    pub fn number(self) -> u32 {
        self.0
    }
}

/// Which build of mcpguard speaks: 1 to 64 ASCII letters, digits and `.+-_~`, such as `0.3.1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Build(String);

impl Build {
    /// Takes a text that fits.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b".+-_~".contains(&byte);
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(known);
        fits.then_some(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Build {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text).ok_or("a build has 1 to 64 ASCII letters, digits and `.+-_~`")
    }
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first message of a side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// [`MAGIC`].
    magic: String,
    /// The oldest version that it speaks.
    oldest: u32,
    /// The newest version that it speaks.
    newest: u32,
    /// Which build it is.
    build: Build,
}

impl Hello {
    /// What this build says.
    pub fn new(Versions { oldest, newest }: Versions, build: Build) -> Self {
        Self { magic: MAGIC.to_owned(), oldest, newest, build }
    }

    /// Which build says it.
    pub fn build(&self) -> &Build {
        &self.build
    }
}

/// The two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `mcpguard` as a user or an operator runs it.
    Client,
    /// The host daemon.
    Daemon,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "mcpguard",
            Self::Daemon => "the mcpguard daemon",
        })
    }
}

/// Why two sides do not talk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// Somebody else's protocol.
    #[error("the connection does not begin with the word {MAGIC}; only mcpguard speaks here")]
    Magic,
    /// The range is none.
    #[error("the other side speaks versions {oldest} to {newest}, which is no range of versions from 1 on")]
    Range {
        /// The oldest, as it says.
        oldest: u32,
        /// The newest, as it says.
        newest: u32,
    },
    /// The sides share no version.
    #[error(
        "{behind} (build {build}) speaks no version of the control protocol after {newest}, and the other side (build {other}) none before {oldest}; upgrade {behind} and start it again"
    )]
    NoCommonVersion {
        /// Whose build is too old.
        behind: Side,
        /// That build.
        build: Build,
        /// The newest version that it speaks.
        newest: u32,
        /// The build of the other side.
        other: Build,
        /// The oldest version that the other side speaks.
        oldest: u32,
    },
}

/// The version that is spoken from now on: the newest that both know. Both sides come to the same answer.
///
/// # Errors
/// See [`HandshakeError`].
pub fn agree(we: Side, ours: &Hello, theirs: &Hello) -> Result<Version, HandshakeError> {
    let &Hello { ref magic, oldest, newest, build: _ } = theirs;
    if magic != MAGIC {
        return Err(HandshakeError::Magic);
    }
    if oldest == 0 || oldest > newest {
        return Err(HandshakeError::Range { oldest, newest });
    }
    let common = newest.min(ours.newest);
    if common >= oldest.max(ours.oldest) {
        return Ok(Version(common));
    }
    let they = if we == Side::Client { Side::Daemon } else { Side::Client };
    Err(if newest < ours.oldest { behind(they, theirs, ours) } else { behind(we, ours, theirs) })
}

fn behind(side: Side, old: &Hello, new: &Hello) -> HandshakeError {
    HandshakeError::NoCommonVersion {
        behind: side,
        build: old.build.clone(),
        newest: old.newest,
        other: new.build.clone(),
        oldest: new.oldest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(oldest: u32, newest: u32) -> Hello {
        Hello::new(Versions { oldest, newest }, Build::new(format!("0.{newest}")).unwrap())
    }

    #[test]
    fn the_newest_common_version_is_taken() {
        for (ours, theirs, version) in
            [((1, 1), (1, 1), 1), ((1, 3), (2, 5), 3), ((2, 2), (1, 9), 2), ((4, 7), (1, 4), 4)]
        {
            let (ours, theirs) = (hello(ours.0, ours.1), hello(theirs.0, theirs.1));
            assert_eq!(agree(Side::Client, &ours, &theirs).map(Version::number), Ok(version));
            assert_eq!(agree(Side::Daemon, &theirs, &ours).map(Version::number), Ok(version));
        }
    }

    #[test]
    fn who_is_behind_is_told_to_upgrade() {
        let (old, new) = (hello(1, 2), hello(3, 4));
        let sentence = "mcpguard (build 0.2) speaks no version of the control protocol after 2, and the other side (build 0.4) none before 3; upgrade mcpguard and start it again";
        for (we, ours, theirs) in [(Side::Client, &old, &new), (Side::Daemon, &new, &old)] {
            assert_eq!(agree(we, ours, theirs).unwrap_err().to_string(), sentence);
        }
        let error = agree(Side::Client, &new, &old).unwrap_err().to_string();
        assert!(error.contains("upgrade the mcpguard daemon and"), "{error}");
    }

    #[test]
    fn what_is_no_hello_is_refused() {
        let ours = hello(1, 1);
        for (oldest, newest) in [(0, 1), (2, 1), (0, 0)] {
            let error = HandshakeError::Range { oldest, newest };
            assert_eq!(agree(Side::Daemon, &ours, &hello(oldest, newest)), Err(error));
        }
        let other = Hello { magic: "http".to_owned(), ..hello(1, 1) };
        assert_eq!(agree(Side::Daemon, &ours, &other), Err(HandshakeError::Magic));
    }

    #[test]
    fn the_hello_never_changes() {
        let text = r#"{"magic":"mcpguard-control","oldest":1,"newest":1,"build":"0.1"}"#;
        assert_eq!(serde_json::to_string(&hello(1, 1)).unwrap(), text);
        assert_eq!(serde_json::from_str::<Hello>(text).unwrap(), hello(1, 1));
        for build in ["", "a b", "\u{1b}[2J", "ä", &"1".repeat(65)] {
            assert_eq!(Build::new(build), None, "{build}");
        }
    }
}
