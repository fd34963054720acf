//! Which sessions are meant: as a person writes it, and matched with those that the person may see.
//!
//! On the command line a word means one session; `--user` and `--all` are flags. What a word means: the session with that
//! id; else the one session with that name; else the one session whose id or name begins so. Two sessions are never
//! meant by one word.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::{SessionId, SessionName, is_word};

/// How many ids an error lists.
const LISTED: usize = 5;

/// A session's id, its name, or the beginning of either: 1 to 64 lower-case letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Word(String);

/// The text can mean no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a session is named by its id, its name, or the beginning of either: 1 to 64 lower-case letters, digits and hyphens, no hyphen first"
)]
pub struct WordError;

impl FromStr for Word {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        if is_word(text) { Ok(Self(text.to_owned())) } else { Err(WordError) }
    }
}

impl TryFrom<String> for Word {
    type Error = WordError;

    fn try_from(text: String) -> Result<Self, WordError> {
        text.parse()
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which sessions are meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selector {
    /// One.
    Session(Word),
    /// All of one user, by uid.
    User(u32),
    /// All of the host.
    All,
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(word) => write!(f, "session {word}"),
            Self::User(uid) => write!(f, "all sessions of user {uid}"),
            Self::All => f.write_str("all sessions"),
        }
    }
}

/// A session that may be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// Its id; no two have the same.
    pub id: &'a SessionId,
    /// Its name.
    pub name: &'a SessionName,
    /// The user whose it is.
    pub uid: u32,
}

/// A word that means no session, or several.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// None.
    #[error("no session has an id or a name that is `{word}` or begins so; `mcpguard ps` lists them")]
    Nobody {
        /// The word.
        word: Word,
    },
    /// Several.
    #[error("`{word}` may mean {count} sessions; name one by its id: {listed}")]
    Several {
        /// The word.
        word: Word,
        /// How many.
        count: usize,
        /// The first ids, and an ellipsis if there are more.
        listed: String,
    },
}

impl Selector {
    /// The ids of the sessions that are meant, in order. `among` holds those that the person may see, and no others:
    /// a word that is the beginning of a stranger's session must not tell of it. No session of a user, or none at all,
    /// is an empty list.
    ///
    /// # Errors
    /// A word that means no session, or several.
    pub fn pick<'a>(&self, among: &[Candidate<'a>]) -> Result<Vec<&'a SessionId>, SelectError> {
        let those = |wanted: &dyn Fn(&Candidate<'a>) -> bool| -> BTreeSet<&'a SessionId> {
            among.iter().filter(|candidate| wanted(candidate)).map(|candidate| candidate.id).collect()
        };
        match self {
            Self::All => Ok(those(&|_| true).into_iter().collect()),
            Self::User(uid) => Ok(those(&|candidate| candidate.uid == *uid).into_iter().collect()),
            Self::Session(word) => {
                let text = word.0.as_str();
                let by_id = those(&|candidate| candidate.id.as_str() == text);
                let by_name = those(&|candidate| candidate.name.as_str() == text);
                let by_beginning = those(&|candidate| {
                    candidate.id.as_str().starts_with(text) || candidate.name.as_str().starts_with(text)
                });
                // A name never looks like an id, so the order of the first two is not a choice.
                let found = [by_id, by_name, by_beginning].into_iter().find(|found| !found.is_empty());
                one(word, &found.unwrap_or_default())
            }
        }
    }
}

fn one<'a>(word: &Word, found: &BTreeSet<&'a SessionId>) -> Result<Vec<&'a SessionId>, SelectError> {
    match found.len() {
        0 => Err(SelectError::Nobody { word: word.clone() }),
        1 => Ok(found.iter().copied().collect()),
        count => {
            let ids: Vec<&str> = found.iter().take(LISTED).map(|id| id.as_str()).collect();
            let more = if count > LISTED { ", …" } else { "" };
            let listed = format!("{}{more}", ids.join(", "));
            Err(SelectError::Several { word: word.clone(), count, listed })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ids that `selector` means among four sessions, or the error's sentence.
    fn picked(selector: &Selector) -> Result<String, String> {
        let sessions = [
            ("00000000000000aa", "github", 1000),
            ("00000000000000ab", "git", 1000),
            ("ace0000000000000", "files", 1001),
            ("f000000000000000", "files", 1000),
        ]
        .map(|(id, name, uid)| (SessionId::new(id).unwrap(), SessionName::new(name).unwrap(), uid));
        let candidates: Vec<Candidate<'_>> =
            sessions.iter().map(|(id, name, uid)| Candidate { id, name, uid: *uid }).collect();
        let picked = selector.pick(&candidates).map_err(|error| error.to_string())?;
        Ok(picked.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_word_means_one_session() {
        for (word, id) in [
            ("00000000000000aa", "00000000000000aa"),
            ("github", "00000000000000aa"),
            ("git", "00000000000000ab"),
            ("gith", "00000000000000aa"),
            ("00000000000000ab", "00000000000000ab"),
            ("ac", "ace0000000000000"),
            ("f0", "f000000000000000"),
        ] {
            assert_eq!(picked(&Selector::Session(word.parse().unwrap())).as_deref(), Ok(id), "{word}");
        }
    }

    #[test]
    fn a_word_that_means_several_or_none_says_so() {
        for (word, sentence) in [
            ("files", "`files` may mean 2 sessions; name one by its id: ace0000000000000, f000000000000000"),
            ("gi", "`gi` may mean 2 sessions; name one by its id: 00000000000000aa, 00000000000000ab"),
            ("f", "`f` may mean 2 sessions; name one by its id: ace0000000000000, f000000000000000"),
            ("x", "no session has an id or a name that is `x` or begins so; `mcpguard ps` lists them"),
        ] {
            assert_eq!(picked(&Selector::Session(word.parse().unwrap())).unwrap_err(), sentence);
        }
    }

    #[test]
    fn a_long_list_is_cut() {
        let ids: Vec<SessionId> = (0..7).map(|n| SessionId::new(format!("{n:016x}")).unwrap()).collect();
        let name = SessionName::new("a").unwrap();
        let all: Vec<_> = ids.iter().map(|id| Candidate { id, name: &name, uid: 0 }).collect();
        let error = Selector::Session("a".parse().unwrap()).pick(&all).unwrap_err().to_string();
        assert!(error.contains("7 sessions") && error.ends_with("0000000000000004, …"), "{error}");
    }

    #[test]
    fn users_and_all_are_never_words() {
        assert_eq!(picked(&Selector::User(1001)).as_deref(), Ok("ace0000000000000"));
        assert_eq!(picked(&Selector::User(7)).as_deref(), Ok(""));
        assert_eq!(picked(&Selector::All).unwrap().split(' ').count(), 4);
        for text in ["--all", "", "A", "*", "a b", &"a".repeat(65)] {
            assert_eq!(text.parse::<Word>(), Err(WordError), "{text}");
        }
    }
}
