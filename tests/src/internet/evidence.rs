//! What the far side has seen: the only proof that counts.

use std::collections::{BTreeSet, HashSet};
use std::fs;

use super::raise::Internet;

/// Who may have seen something, and the file in which it is written down.
const WITNESSES: [(&str, &str); 4] = [
    ("wire", "wire.log"),
    ("listener", "arrived.log"),
    ("web server", "access.log"),
    ("name server", "queries.log"),
];

/// Lines about one token, and who wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Witness and line.
    pub lines: Vec<(String, String)>,
}

impl Evidence {
    /// Whether anybody has seen anything.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many different names with the token the name server was asked for.
    pub fn names(&self) -> usize {
        let asked = self.lines.iter().filter(|(witness, _)| witness == "name server");
        let names: BTreeSet<&str> = asked.filter_map(|(_, line)| line.split(' ').rev().nth(2)).collect();
        names.len()
    }
}

impl Internet {
    /// What the far side has seen until now.
    pub fn seen(&self) -> Seen {
        Seen::of(self)
    }
}

/// Everything that was seen until a certain moment.
pub struct Seen(Vec<(&'static str, String)>);

impl Seen {
    /// Reads what the witnesses have written.
    pub(super) fn of(internet: &Internet) -> Self {
        let texts = WITNESSES.map(|(witness, file)| {
            let text = fs::read_to_string(internet.place().join(file)).unwrap_or_default();
            (witness, text.to_ascii_lowercase())
        });
        Self(texts.into())
    }

    /// Every token that was seen: quicker than one by one where there are thousands.
    pub fn tokens(&self) -> HashSet<&str> {
        let words =
            self.0.iter().flat_map(|(_, text)| text.split(|letter: char| !letter.is_ascii_alphanumeric()));
        words.filter(|word| word.starts_with("token")).collect()
    }

    /// What there is about one token: a word `token` with twelve hexadecimal digits.
    pub fn about(&self, token: &str) -> Evidence {
        let about = |(witness, text): &(&'static str, String)| -> Vec<(String, String)> {
            let lines = text.lines().filter(|line| line.contains(token));
            lines.map(|line| ((*witness).to_owned(), line.to_owned())).collect()
        };
        Evidence { lines: self.0.iter().flat_map(about).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::Evidence;

    #[test]
    fn a_name_counts_once_however_often_it_is_asked_for() {
        let line = |name: &str, kind: &str| {
            ("name server".to_owned(), format!("[1] unbound[2:0] info: 172.17.0.2 {name} {kind} IN"))
        };
        let lines = vec![
            line("a.x.", "A"),
            line("a.x.", "AAAA"),
            line("b.x.", "A"),
            ("wire".into(), "a.x. A IN".into()),
        ];
        assert_eq!(Evidence { lines }.names(), 2);
    }
}
