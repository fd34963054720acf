//! A text as it is read by those who do not see what is invisible in it: terminals, which obey escapes, and models, which
//! take what stands in an escape for text.

use crate::fold::View;
use crate::invisible::{self, Kind, Span};
use crate::map::Map;

/// The readings of a text in which something is invisible; none of others.
///
/// The first is what a terminal shows. Where an escape takes visible characters with it, another is what a model reads: every
/// character that can be seen. Where letters before and behind a control character would become one word, they are kept apart
/// in one more.
pub(crate) fn readings(text: &str) -> Vec<View> {
    let mut spans = invisible::find(text).peekable();
    if spans.peek().is_none() {
        return Vec::new();
    }
    let (mut hides, mut controls) = (false, false);
    let shown = without(
        text,
        spans.inspect(|span| {
            hides |= hides_text(text, span);
            controls |= matches!(span.kind, Kind::Escape | Kind::Control);
        }),
    );
    let mut readings = vec![shown];
    if hides {
        readings.push(without(text, invisible::characters(text)));
    }
    if controls && glued(text) {
        readings.push(apart(text));
    }
    readings
}

/// Whether more than a control character would go with it.
fn hides_text(text: &str, span: &Span) -> bool {
    let first = text[span.range.clone()].chars().next().map_or(0, char::len_utf8);
    span.kind == Kind::Escape && span.range.len() > first
}

/// Whether a control character glues anything.
fn glued(text: &str) -> bool {
    let mut controls = invisible::characters(text).filter(|span| span.kind == Kind::Control);
    controls.any(|span| glues(text, &span))
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

/// The text with a space for each control character and what only a terminal reads of its escape.
fn apart(text: &str) -> View {
    let mut view = View { text: String::with_capacity(text.len()), map: Map::from(0) };
    let mut kept = 0;
    for span in invisible::characters(text) {
        let begin = span.range.start;
        view.text.push_str(&text[kept..begin]);
        kept = span.range.end;
        if span.kind == Kind::Control {
            kept = begin + invisible::opening(&text[begin..]);
            view.map.replace(view.text.len(), begin, kept - begin);
            view.text.push(' ');
        }
        view.map.resume(view.text.len(), kept);
    }
    view.text.push_str(&text[kept..]);
    view
}

/// Whether a word would begin or end elsewhere if only the control character were left out.
///
/// Colours and erased lines (`m`, `K`) are in honest texts, and no word is made of them that a rule knows.
fn glues(text: &str, control: &Span) -> bool {
    let rest = &text[control.range.start..];
    let opening = invisible::opening(rest);
    let Some(next) = rest[opening..].chars().next().filter(|c| is_in_word(*c)) else { return false };
    if opening > control.range.len() {
        return !matches!(next, 'm' | 'K') && rest[..opening].chars().next_back().is_some_and(is_in_word);
    }
    text[..control.range.start].chars().next_back().is_some_and(is_in_word)
}

/// Whether no word ends here. Also true of what is invisible, which may stand between letters.
fn is_in_word(c: char) -> bool {
    c == '_' || !(c.is_ascii_whitespace() || c.is_ascii_punctuation())
}

#[cfg(test)]
mod tests {
    use super::readings;

    fn texts(text: &str) -> Vec<String> {
        readings(text).into_iter().map(|view| view.text).collect()
    }

    #[test]
    fn a_terminal_and_a_model_read_different_texts() {
        let cases: [(&str, &[&str]); 14] = [
            ("plain", &[]),
            ("a\u{200b}b", &["ab"]),
            ("a\u{7}b", &["ab", "a b"]),
            ("a \u{1b}[31mb", &["a b", "a [31mb"]),
            ("\u{1b}]0;t\u{200b}itle\u{7} b", &[" b", "]0;title b"]),
            ("\u{1b}]0;title\u{7}b", &["b", "]0;titleb", " title b"]),
            ("\u{9d}0;title\u{9c}.", &[".", "0;title."]),
            ("\u{1b}Ig", &["g", "Ig"]),
            ("a\u{1b}Ig", &["ag", "aIg", "a Ig"]),
            ("\u{1b}[Ig", &["g", "[Ig"]),
            ("\u{1b}[31Ig", &["g", "[31Ig", " Ig"]),
            ("\u{1b}_Ig\u{1b}\\", &["", "_Ig\\", " Ig \\"]),
            ("\u{1b}PIg", &["Ig", "PIg", " Ig"]),
            ("\u{1b}]a\nb\u{7}", &["a\nb", "]a\nb"]),
        ];
        for (text, wanted) in cases {
            assert_eq!(texts(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn readings_lead_back() {
        let text = "a\u{200b}bc\u{1b}[0md";
        let [shown, read] = &readings(text)[..] else { panic!("two readings") };
        assert_eq!((shown.text.as_str(), read.text.as_str()), ("abcd", "abc[0md"));
        assert_eq!(&text[shown.map.source(&(1..3))], "bc");
        assert_eq!(&text[shown.map.source(&(0..4))], text);
        assert_eq!(&text[read.map.source(&(3..6))], "[0m");
        let text = "x\u{1b}PIg\u{7}";
        let apart = readings(text).pop().expect("a reading");
        assert_eq!(apart.text, "x Ig ");
        assert_eq!(&text[apart.map.source(&(2..4))], "Ig");
        assert_eq!(&text[apart.map.source(&(1..2))], "\u{1b}P");
    }
}
