//! Characters that a person does not see and a program reads.

/// Whether a character leaves no mark: it reorders, joins, pads or tags what stands around it.
///
/// Bidirectional controls (UAX 9), zero-width and filler characters, variation selectors, and the tag characters in
/// which whole sentences can be hidden from people but not from models: all that is `Default_Ignorable_Code_Point` in
/// Unicode's `DerivedCoreProperties.txt`. Also what is a blank although it is no space (U+2800, U+16FE4, U+1D159), and the
/// separators of lines and paragraphs, which end lines for programs alone. Spaces are seen, of whatever width.
pub(crate) fn is_invisible(character: char) -> bool {
    !character.is_ascii()
        && matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{16fe4}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The first character of a text that no honest writer needs there.
///
/// Joiners shape Persian and Indic words and hold emoji together, and a variation selector chooses between two pictures:
/// one of these between two characters beyond ASCII is harmless. Several in a row spell something.
pub(crate) fn first_needless(text: &str) -> Option<char> {
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if is_invisible(character) && !is_needed(before, character, characters.peek().copied()) {
            return Some(character);
        }
        before = Some(character);
    }
    None
}

fn is_needed(before: Option<char>, character: char, after: Option<char>) -> bool {
    let visible = |beside: Option<char>| beside.is_some_and(|c| !c.is_ascii() && !is_invisible(c));
    // A picture's selector may stand between the picture and the joiner.
    let base = |beside: Option<char>| visible(beside) || beside == Some('\u{fe0f}');
    match character {
        '\u{200c}' => visible(before) && visible(after),
        '\u{200d}' => base(before) && visible(after),
        // Digits, `#` and `*` become keycaps.
        '\u{fe0e}' | '\u{fe0f}' => visible(before) || before.is_some_and(|c| "0123456789#*".contains(c)),
        // The space of Braille.
        '\u{2800}' => is_braille(before) || is_braille(after),
        // Chosen forms of ideographs, as they stand in names.
        '\u{e0100}'..='\u{e01ef}' => before.is_some_and(is_ideograph),
        _ => false,
    }
}

fn is_braille(beside: Option<char>) -> bool {
    matches!(beside, Some('\u{2801}'..='\u{28ff}'))
}

fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::first_needless;

    #[test]
    fn writing_that_needs_joiners_is_left_alone() {
        for text in [
            "",
            "plain",
            "naïve 漢字",
            "می\u{200c}خواهم",
            "👨\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "🏳\u{fe0f}\u{200d}🌈",
            "葛\u{e0100}城",
            "⠓⠑\u{2800}⠇⠇⠕",
            "10\u{202f}000\u{a0}€ ;\u{3000}",
        ] {
            assert_eq!(first_needless(text), None, "{text}");
        }
    }

    #[test]
    fn what_hides_is_found() {
        let cases = [
            "a\u{200b}b",
            "a\u{200d}b",
            "\u{200d}é",
            "é\u{200d}",
            "a\u{202e}b",
            "\u{feff}a",
            "a\u{ad}b",
            "😀\u{fe0f}\u{fe0e}",
            "😀\u{e0100}",
            "a\u{e0041}",
            "a\u{2066}b\u{2069}",
            "\u{3164}",
            "a\u{115f}b",
            "a\u{1160}b",
            "a\u{180e}b",
            "a\u{2028}b",
            "a\u{2029}b",
            "é\u{2028}é",
            "a\u{2800}b",
            "⠓\u{2800}\u{2800}\u{2800}⠓",
            "\u{16fe4}",
            "\u{1d159}",
            "é\u{200c}\u{200c}é",
        ];
        for text in cases {
            assert!(first_needless(text).is_some(), "{}", text.escape_unicode());
        }
    }
}
