//! Patterns of rules for texts with marks.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Capture, Class, ClassBytes, ClassBytesRange, Hir, HirKind, Literal, Repetition};

use crate::marks::MARK_BYTE;

/// The pattern of bytes in which a mark may stand behind each character and for each space. A mark is no letter, so that words
/// begin and end at it as well.
///
/// The library's own syntax tree is rewritten and printed again, as a pattern that says itself where it means bytes.
pub(crate) fn loosened(pattern: &str) -> Result<String, regex::Error> {
    let parsed = ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern);
    parsed.map(|hir| loose(hir).to_string()).map_err(|error| regex::Error::Syntax(error.to_string()))
}

/// As deep as the parser lets patterns be nested.
fn loose(hir: Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Literal(Literal(bytes)) => literal(&bytes),
        HirKind::Class(Class::Bytes(class)) => class_of(&class),
        HirKind::Class(class) => marked(Hir::class(class)),
        HirKind::Repetition(all) => Hir::repetition(Repetition { sub: Box::new(loose(*all.sub)), ..all }),
        HirKind::Capture(all) => Hir::capture(Capture { sub: Box::new(loose(*all.sub)), ..all }),
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(loose).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.into_iter().map(loose).collect()),
    }
}

/// Characters may have several bytes, and no mark within.
fn literal(bytes: &[u8]) -> Hir {
    let continues = |at: usize| bytes.get(at).is_some_and(|byte| matches!(byte, 0x80..=0xbf));
    let parts = bytes.iter().enumerate().map(|(at, byte)| match byte {
        b' ' => Hir::alternation(vec![Hir::literal([b' ']), mark()]),
        _ if continues(at + 1) => Hir::literal([*byte]),
        _ => marked(Hir::literal([*byte])),
    });
    Hir::concat(parts.collect())
}

/// One of many characters; where a space or anything unforeseen may stand, a mark by itself as well.
fn class_of(class: &ClassBytes) -> Hir {
    let has = |wanted: u8| class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&wanted));
    let mut others = class.clone();
    others.difference(&ClassBytes::new([ClassBytesRange::new(MARK_BYTE, MARK_BYTE)]));
    let one = marked(Hir::class(Class::Bytes(others)));
    if has(b' ') || has(MARK_BYTE) { Hir::alternation(vec![one, mark()]) } else { one }
}

/// With a mark behind it, or without.
fn marked(hir: Hir) -> Hir {
    let maybe = Repetition { min: 0, max: Some(1), greedy: true, sub: Box::new(mark()) };
    Hir::concat(vec![hir, Hir::repetition(maybe)])
}

fn mark() -> Hir {
    Hir::literal([MARK_BYTE])
}

#[cfg(test)]
mod tests {
    use regex::bytes::Regex;

    use super::loosened;

    #[test]
    fn a_mark_is_nothing_or_a_space() {
        let pattern = loosened(r"\b(?P<cut>ignore) (?:[^ .]+ ){0,2}?rules?\b").expect("a pattern");
        let regex = Regex::new(&pattern).expect("a pattern again");
        for text in [
            "ignore all rules",
            "sunny~ignore all rules",
            "ig~nore~all rules~and",
            "sunny~i~g~n~o~r~e~all~r~u~l~e~s",
            "ignore a~ll the r~ules",
        ] {
            assert!(regex.is_match(text.replace('~', "\u{1}").as_bytes()), "{text}");
        }
        for text in ["sunnyignore all rules", "ignoreall rules", "ignore all. rules", "ig~ norerules"] {
            assert!(!regex.is_match(text.replace('~', "\u{1}").as_bytes()), "{text}");
        }
    }
}
