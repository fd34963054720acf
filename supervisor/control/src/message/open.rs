//! Everything that the daemon needs to compile the same plan as the user's mcpguard: texts, places, programs.
//!
//! Nothing in it is believed: the daemon compiles the texts itself, and the plan can only take rights away from a process
//! of the same user.

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use crate::bounded;
use crate::bytes::{OsBytes, PathBytes};
use crate::name::SessionName;

/// The most texts of one policy, as in the policy compiler.
pub const MAX_SOURCES: usize = 64;

/// The most bytes that they have together, as in the policy compiler.
pub const MAX_SOURCES_BYTES: usize = 1024 * 1024;

/// A session is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// What the user calls it.
    pub name: SessionName,
    /// The policy.
    pub policy: Sources,
    /// What its variables mean.
    pub place: Place,
    /// The variables that its texts name as `${env:NAME}`, and no others; at most 256.
    #[serde(deserialize_with = "bounded::list::<_, _, 0, 256>")]
    pub environment: Vec<Variable>,
    /// What its bare program names mean; at most 1,024.
    #[serde(deserialize_with = "bounded::list::<_, _, 0, 1024>")]
    pub programs: Vec<Program>,
    /// What the kernel executes in place of these programs; at most 1,024.
    #[serde(deserialize_with = "bounded::list::<_, _, 0, 1024>")]
    pub companions: Vec<Companions>,
    /// Where paths of its plan really are, symlinks followed; at most 8,192. What is not in it is where it says.
    #[serde(deserialize_with = "bounded::list::<_, _, 0, 8192>")]
    pub real: Vec<RealPath>,
    /// Programs that no rule names.
    pub implied: Implied,
    /// The server.
    pub command: Command,
    /// Where the session's names and connections are led to, if it has a resolver and a proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doors: Option<Doors>,
}

/// The texts of a policy: the first is the policy, the others are what it extends. They are consistent: each has a name
/// of its own, and links name texts that are there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Sources {
    texts: Vec<Source>,
    links: Vec<Link>,
}

/// One text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The file as the user typed it, or the preset's name; at most 4,096 bytes.
    #[serde(deserialize_with = "bounded::text::<_, 4096>")]
    pub name: String,
    /// The YAML.
    pub text: String,
}

/// What one text means by one entry under `extends`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The name of the text that extends.
    #[serde(deserialize_with = "bounded::text::<_, 4096>")]
    pub from: String,
    /// The entry, as it is written there.
    #[serde(deserialize_with = "bounded::text::<_, 4096>")]
    pub reference: String,
    /// The name of the text that is meant.
    #[serde(deserialize_with = "bounded::text::<_, 4096>")]
    pub to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    #[serde(deserialize_with = "bounded::list::<_, _, 1, MAX_SOURCES>")]
    texts: Vec<Source>,
    #[serde(deserialize_with = "bounded::list::<_, _, 0, MAX_SOURCES>")]
    links: Vec<Link>,
}

/// Why texts are not a policy's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourcesError {
    /// None, or too many.
    #[error("a policy is made of 1 to {MAX_SOURCES} texts, and of at most as many links between them")]
    Count,
    /// Too long.
    #[error("the texts of a policy have {0} bytes together; at most {MAX_SOURCES_BYTES} are read")]
    TooLong(usize),
    /// Two texts of one name.
    #[error("two texts of a policy have the name `{0}`; send each text once")]
    Twice(String),
    /// A link from or to a text that is not there.
    #[error("a link names the text `{0}`, which was not sent")]
    Missing(String),
    /// One entry means two texts.
    #[error("the entry `{0}` under `extends` of one text is linked twice")]
    LinkedTwice(String),
}

impl Sources {
    /// Takes the texts of a policy, the policy itself first.
    ///
    /// # Errors
    /// See [`SourcesError`].
    pub fn new(texts: Vec<Source>, links: Vec<Link>) -> Result<Self, SourcesError> {
        if texts.is_empty() || texts.len() > MAX_SOURCES || links.len() > MAX_SOURCES {
            return Err(SourcesError::Count);
        }
        let bytes = texts.iter().map(|source| source.text.len()).sum();
        if bytes > MAX_SOURCES_BYTES {
            return Err(SourcesError::TooLong(bytes));
        }
        let mut names = BTreeSet::new();
        if let Some(again) = texts.iter().find(|source| !names.insert(source.name.as_str())) {
            return Err(SourcesError::Twice(again.name.clone()));
        }
        check_links(&links, &names)?;
        Ok(Self { texts, links })
    }

    /// The policy itself.
    pub fn policy(&self) -> &Source {
        // There is at least one.
        &self.texts[0]
    }

    /// All texts, the policy itself first.
    pub fn texts(&self) -> &[Source] {
        &self.texts
    }

    /// The text that an entry under `extends` of another text means.
    pub fn extended(&self, reference: &str, from: &str) -> Option<&Source> {
        let link = self.links.iter().find(|link| link.reference == reference && link.from == from)?;
        self.texts.iter().find(|source| source.name == link.to)
    }
}

fn check_links(links: &[Link], names: &BTreeSet<&str>) -> Result<(), SourcesError> {
    let ends = links.iter().flat_map(|link| [&link.from, &link.to]);
    if let Some(missing) = ends.into_iter().find(|end| !names.contains(end.as_str())) {
        return Err(SourcesError::Missing(missing.clone()));
    }
    let mut seen = BTreeSet::new();
    let again = links.iter().find(|link| !seen.insert((&link.from, &link.reference)));
    again.map_or(Ok(()), |link| Err(SourcesError::LinkedTwice(link.reference.clone())))
}

impl TryFrom<Unchecked> for Sources {
    type Error = SourcesError;

    fn try_from(Unchecked { texts, links }: Unchecked) -> Result<Self, SourcesError> {
        Self::new(texts, links)
    }
}

/// The directories that a policy's variables mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// `${workspace}`.
    pub workspace: PathBytes,
    /// `${home}`.
    pub home: PathBytes,
    /// `${config_home}`.
    pub config_home: PathBytes,
    /// `${cache_home}`.
    pub cache_home: PathBytes,
    /// `${runtime_dir}`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_dir: Option<PathBytes>,
    /// `${server}`; at most 64.
    #[serde(deserialize_with = "bounded::list::<_, _, 0, 64>")]
    pub server: Vec<PathBytes>,
    /// Where the server starts.
    pub current_directory: PathBytes,
}

/// A variable of mcpguard's own environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// At most 256 bytes.
    #[serde(deserialize_with = "bounded::text::<_, 256>")]
    pub name: String,
    /// At most 4,096 bytes: it becomes part of a path or of a name.
    #[serde(deserialize_with = "bounded::text::<_, 4096>")]
    pub value: String,
}

/// What a bare program name means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The name in the policy; at most 256 bytes.
    #[serde(deserialize_with = "bounded::text::<_, 256>")]
    pub name: String,
    /// The file, symlinks resolved.
    pub path: PathBytes,
}

/// The interpreters of a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Companions {
    /// The script.
    pub program: PathBytes,
    /// What the kernel executes in its place, symlinks resolved; at most 16.
    #[serde(deserialize_with = "bounded::list::<_, _, 1, 16>")]
    pub are: Vec<PathBytes>,
}

/// Where a path really is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealPath {
    /// The path.
    pub path: PathBytes,
    /// Where it is. The daemon follows no symlink there.
    pub real: PathBytes,
}

/// Programs that run although no rule names them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Implied {
    /// The command and its interpreters: they may be executed; at most 64.
    #[serde(deserialize_with = "bounded::list::<_, _, 0, 64>")]
    pub programs: Vec<PathBytes>,
    /// Dynamic loaders: the kernel may load them; at most 256.
    #[serde(deserialize_with = "bounded::list::<_, _, 0, 256>")]
    pub loaders: Vec<PathBytes>,
}

/// What is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The file that is executed.
    pub program: PathBytes,
    /// Its arguments, the name it was called by first; 1 to 4,096.
    #[serde(deserialize_with = "bounded::list::<_, _, 1, 4096>")]
    pub argv: Vec<OsBytes>,
}

/// Ports on 127.0.0.1 and ::1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Doors {
    /// The resolver's, UDP and TCP.
    pub resolver: NonZeroU16,
    /// The proxy's, TCP.
    pub proxy: NonZeroU16,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, text: &str) -> Source {
        Source { name: name.to_owned(), text: text.to_owned() }
    }

    fn link(from: &str, reference: &str, to: &str) -> Link {
        let [from, reference, to] = [from, reference, to].map(str::to_owned);
        Link { from, reference, to }
    }

    #[test]
    fn texts_are_found_by_what_extends_them() {
        let texts = vec![text("p.yaml", "a"), text("q.yaml", "b"), text("runtime/node", "c")];
        let links = vec![link("p.yaml", "./q", "q.yaml"), link("q.yaml", "runtime/node", "runtime/node")];
        let sources = Sources::new(texts, links).unwrap();
        assert_eq!((sources.policy().text.as_str(), sources.texts().len()), ("a", 3));
        assert_eq!(sources.extended("./q", "p.yaml").map(|source| source.text.as_str()), Some("b"));
        assert_eq!(sources.extended("./q", "q.yaml"), None);
        assert_eq!(sources.extended("runtime/node", "p.yaml"), None);
    }

    #[test]
    fn texts_that_do_not_belong_together_are_refused() {
        let (a, b) = (text("a", "1"), text("b", "2"));
        let long = text("l", &"x".repeat(MAX_SOURCES_BYTES));
        let many: Vec<Source> = (0..=MAX_SOURCES).map(|n| text(&n.to_string(), "")).collect();
        for (texts, links, error) in [
            (vec![], vec![], SourcesError::Count),
            (many, vec![], SourcesError::Count),
            (vec![long, a.clone()], vec![], SourcesError::TooLong(MAX_SOURCES_BYTES + 1)),
            (vec![a.clone(), a.clone()], vec![], SourcesError::Twice("a".to_owned())),
            (vec![a.clone()], vec![link("a", "b", "b")], SourcesError::Missing("b".to_owned())),
            (vec![a.clone()], vec![link("z", "a", "a")], SourcesError::Missing("z".to_owned())),
            (
                vec![a, b],
                vec![link("a", "r", "b"), link("a", "r", "a")],
                SourcesError::LinkedTwice("r".to_owned()),
            ),
        ] {
            assert_eq!(Sources::new(texts, links), Err(error));
        }
    }
}
