//! The vocabulary of what changed.

use std::fmt;

use serde::Serialize;

use crate::visible;

/// How much a change matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// White space, punctuation, letter case: a reader understands the same.
    Harmless,
    /// Worth knowing, and what an honest update brings.
    Notable,
    /// A model would act otherwise, or a person would judge otherwise.
    Meaningful,
    /// It looks like an attack.
    Alarming,
}

impl Weight {
    pub(crate) const DESCENDING: [Self; 4] =
        [Self::Alarming, Self::Meaningful, Self::Notable, Self::Harmless];
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Harmless => "harmless",
            Self::Notable => "notable",
            Self::Meaningful => "meaningful",
            Self::Alarming => "alarming",
        })
    }
}

/// What happened at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// Another value, shown as JSON.
    Changed,
    /// Another text, shown word by word.
    Reworded,
    /// So many more changes were found than are listed; the weight is the highest among them.
    Further(usize),
}

/// One change: of words in a text that is reworded, else of a whole value as JSON. Words are the server's own and may hold
/// anything. The length of each part is bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// Unchanged words before it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub before: String,
    /// What stood there; empty if something was only added.
    pub old: String,
    /// What stands there now; empty if something was only removed.
    pub new: String,
    /// Unchanged words behind it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub after: String,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Where: `inputSchema.properties.path.description`. Empty for the whole.
    pub place: String,
    /// What happened there.
    pub what: What,
    /// How it looks.
    pub edits: Vec<Edit>,
    /// How much it matters.
    pub weight: Weight,
    /// Why it has this weight, in a few words each.
    pub reasons: Vec<String>,
}

/// A place inside of a value, as a chain on the stack.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    name: &'a str,
}

impl<'a> Place<'a> {
    pub(crate) fn root(name: &'a str) -> Self {
        Self { parent: None, name }
    }

    /// The last name, which the server may have chosen.
    pub(crate) fn name(&self) -> &'a str {
        self.name
    }

    pub(crate) fn child(&'a self, name: &'a str) -> Self {
        Self { parent: Some(self), name }
    }
}

/// The most characters that a name has in a place.
const MOST_OF_NAME: usize = 80;

impl fmt::Display for Place<'_> {
    /// Names that could be taken for several are quoted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}.")?;
        }
        let dotted = self.name.contains('.');
        let name = visible::name(&cut(self.name, MOST_OF_NAME));
        if dotted && !name.starts_with('"') { write!(f, "\"{name}\"") } else { f.write_str(&name) }
    }
}

/// A text of at most about so many characters: its begin and its end, and between them how much is left out. The end
/// stays, because what is smuggled in often stands there.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let (begin, end) = (most * 2 / 3, most / 3);
    let at = |index: usize| text.char_indices().nth(index).map_or(text.len(), |(at, _)| at);
    let left_out = length - begin - end;
    format!("{} …({left_out} characters)… {}", &text[..at(begin)], &text[at(length - end)..])
}

#[cfg(test)]
mod tests {
    use super::{Place, cut};

    #[test]
    fn places_are_read_in_one_way() {
        let root = Place::root("inputSchema");
        let properties = root.child("properties");
        assert_eq!(properties.child("path").to_string(), "inputSchema.properties.path");
        assert_eq!(properties.child("a.b\u{202e}").to_string(), "inputSchema.properties.\"a.b\\u{202e}\"");
        assert_eq!(root.child("").to_string(), "inputSchema.\"\"");
    }

    #[test]
    fn the_end_of_a_long_text_stays() {
        assert_eq!(cut("äbc", 3), "äbc");
        assert_eq!(cut("äbcdefghij", 6), "äbcd …(4 characters)… ij");
    }
}
