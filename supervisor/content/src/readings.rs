//! A text as it is read by those who do not see what is invisible in it: terminals, which obey escapes, and models, which
//! take what stands in an escape for text.

use crate::fold::View;
use crate::invisible::{self, Kind, Span};
use crate::map::Map;
use crate::marks::MARK;

/// The readings of a text in which something is invisible; none of others.
///
/// The first are those in which it is left out. Where it stands between letters, one more has a [`MARK`] there.
pub(crate) fn readings(text: &str) -> Vec<View> {
    let mut readings = seen(text);
    if !readings.is_empty() && is_glued(text) {
        readings.push(marked(text));
    }
    readings
}

/// The readings that leave out what is invisible.
///
/// The first is what a terminal shows. Where an escape takes visible characters with it, another is what a model reads: every
/// character that can be seen.
pub(crate) fn seen(text: &str) -> Vec<View> {
    let mut spans = invisible::find(text).peekable();
    if spans.peek().is_none() {
        return Vec::new();
    }
    let mut hides = false;
    let shown = without(text, spans.inspect(|span| hides |= hides_text(text, span)));
    let mut readings = vec![shown];
    if hides {
        readings.push(without(text, invisible::characters(text)));
    }
    readings
}

/// Whether more than a control character would go with it.
fn hides_text(text: &str, span: &Span) -> bool {
    let first = text[span.range.clone()].chars().next().map_or(0, char::len_utf8);
    span.kind == Kind::Escape && span.range.len() > first
}

/// The text without these spans.
fn without(text: &str, spans: impl Iterator<Item = Span>) -> View {
    let mut view = View { text: String::with_capacity(text.len()), map: Map::from(0) };
    let mut kept = 0;
    for span in spans {
        view.text.push_str(&text[kept..span.range.start]);
        kept = span.range.end;
        view.map.resume(view.text.len(), kept);
    }
    view.text.push_str(&text[kept..]);
    view
}

/// The text with a mark for everything invisible between letters, and without what only a terminal reads of an escape.
fn marked(text: &str) -> View {
    let mut view = View { text: String::with_capacity(text.len()), map: Map::from(0) };
    let mut kept = 0;
    for span in invisible::characters(text) {
        let begin = span.range.start;
        view.text.push_str(&text[kept..begin]);
        kept = behind(text, &span);
        let before = view.text.chars().next_back().filter(|c| *c != MARK);
        if before.is_some_and(is_seen) && text[kept..].chars().next().is_some_and(is_seen) {
            view.map.replace(view.text.len(), begin, kept - begin);
            view.text.push(MARK);
        }
        view.map.resume(view.text.len(), kept);
    }
    view.text.push_str(&text[kept..]);
    view
}

/// Where text goes on behind something invisible. Colours and erased lines (`m`, `K`) end with a letter of which no word is made
/// that a rule knows.
fn behind(text: &str, span: &Span) -> usize {
    if span.kind != Kind::Control {
        return span.range.end;
    }
    let end = span.range.start + invisible::opening(&text[span.range.start..]);
    end + usize::from(end > span.range.end && text[end..].starts_with(COLOUR))
}

const COLOUR: [char; 2] = ['m', 'K'];

/// Whether anything is put together that was apart, if what is invisible is only left out.
fn is_glued(text: &str) -> bool {
    invisible::characters(text).any(|span| glues(text, &span))
}

/// What only a terminal reads of an escape is glued to the word behind it, for who reads that as well.
fn glues(text: &str, span: &Span) -> bool {
    let kept = behind(text, span);
    let opens = kept > span.range.end && !text[..kept].ends_with(COLOUR);
    let before = text[..span.range.start].chars().next_back();
    text[kept..].chars().next().is_some_and(is_seen) && (opens || before.is_some_and(is_seen))
}

/// Whether no space is here already. Also true of what is invisible, which may stand between letters.
fn is_seen(c: char) -> bool {
    !c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::readings;

    fn texts(text: &str) -> Vec<String> {
        readings(text).into_iter().map(|view| view.text).collect()
    }

    #[test]
    fn a_terminal_and_a_model_read_different_texts() {
        let cases: [(&str, &[&str]); 17] = [
            ("plain", &[]),
            ("a\u{200b}b", &["ab", "a\u{1}b"]),
            ("a\u{200b} b", &["a b"]),
            ("a\u{200b}\u{ad}b", &["ab", "a\u{1}b"]),
            ("a\u{7}b", &["ab", "a\u{1}b"]),
            ("a \u{1b}[31mb", &["a b", "a [31mb"]),
            ("a\u{1b}[31mb", &["ab", "a[31mb", "a\u{1}b"]),
            ("\u{1b}]0;t\u{200b}itle\u{7} b", &[" b", "]0;title b", "t\u{1}itle b"]),
            ("\u{1b}]0;title\u{7}b", &["b", "]0;titleb", "title\u{1}b"]),
            ("\u{9d}0;title\u{9c}.", &[".", "0;title.", "title\u{1}."]),
            ("\u{1b}Ig", &["g", "Ig"]),
            ("a\u{1b}Ig", &["ag", "aIg", "a\u{1}Ig"]),
            ("\u{1b}[Ig", &["g", "[Ig", "Ig"]),
            ("\u{1b}[31Ig", &["g", "[31Ig", "Ig"]),
            ("\u{1b}_Ig\u{1b}\\", &["", "_Ig\\", "Ig\u{1}\\"]),
            ("\u{1b}PIg", &["Ig", "PIg", "Ig"]),
            ("\u{1b}]a\nb\u{7}", &["a\nb", "]a\nb", "a\nb"]),
        ];
        for (text, wanted) in cases {
            assert_eq!(texts(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn readings_lead_back() {
        let text = "a \u{200b}bc \u{1b}[0md";
        let [shown, read] = &readings(text)[..] else { panic!("two readings") };
        assert_eq!((shown.text.as_str(), read.text.as_str()), ("a bc d", "a bc [0md"));
        assert_eq!(&text[shown.map.source(&(2..4))], "bc");
        assert_eq!(&text[shown.map.source(&(0..6))], text);
        assert_eq!(&text[read.map.source(&(5..8))], "[0m");
        let text = "x\u{1b}PIg\u{7}";
        let marked = readings(text).pop().expect("a reading");
        assert_eq!(marked.text, "x\u{1}Ig");
        assert_eq!(&text[marked.map.source(&(2..4))], "Ig");
        assert_eq!(&text[marked.map.source(&(1..2))], "\u{1b}P");
    }
}
