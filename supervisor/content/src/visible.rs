//! What is seen of a text, for those who look for something in it by themselves.

use std::ops::Range;

use crate::fold::View;
use crate::readings;

/// A text without what is invisible in it.
pub struct Visible(View);

impl Visible {
    /// What is seen.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The bytes of the whole text that a range of what is seen was made of, with what is invisible between them. The range lies
    /// within [`Self::text`].
    pub fn source(&self, range: &Range<usize>) -> Range<usize> {
        self.0.map.source(range)
    }
}

/// The text as a terminal shows it and, where an escape takes something along that a model reads, without the signs alone.
/// Nothing where everything is seen.
pub fn visible(text: &str) -> Vec<Visible> {
    readings::seen(text).into_iter().map(Visible).collect()
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn ranges_lead_back() {
        let text = "a\u{200b}b\u{1b}[31mc\u{200b}";
        let seen = visible(text);
        let texts: Vec<&str> = seen.iter().map(super::Visible::text).collect();
        assert_eq!(texts, ["abc", "ab[31mc"]);
        assert_eq!(&text[seen[0].source(&(0..2))], "a\u{200b}b");
        assert_eq!(&text[seen[0].source(&(1..3))], "b\u{1b}[31mc");
        assert!(visible("all of it").is_empty());
    }
}
