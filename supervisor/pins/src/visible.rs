//! Characters that a terminal obeys or a reader does not see: made visible, and counted where nobody needs them.

/// Whether a terminal may obey this character, or a reader overlook it.
///
/// Controls, bidirectional controls (UAX #9), zero-width and filler characters, spaces other than the ASCII one, variation
/// selectors, tag characters, private use and noncharacters.
pub(crate) fn is_treacherous(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    character.is_control() || character.is_whitespace() || is_invisible(character)
}

fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
}

/// The text on one line for a person, without anything that a terminal obeys or a reader overlooks. Backslashes and
/// quotes are escaped, so that what stands between quotes cannot end them and no escape can be imitated.
pub(crate) fn quoted(text: &str) -> String {
    shown(text, true)
}

/// The same for what is quoted already, as JSON is.
pub(crate) fn plain(text: &str) -> String {
    shown(text, false)
}

/// A name for a person: in quotes, if it could be taken for anything else than one name.
pub(crate) fn name(name: &str) -> String {
    let odd = |c: char| c == ' ' || matches!(c, '"' | '\\') || is_treacherous(c);
    if name.is_empty() || name.contains(odd) { format!("\"{}\"", quoted(name)) } else { name.to_owned() }
}

fn shown(text: &str, in_quotes: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\\' if in_quotes => shown.extend(['\\', character]),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            _ if is_treacherous(character) => shown.push_str(&format!("\\u{{{:x}}}", u32::from(character))),
            _ => shown.push(character),
        }
    }
    shown
}

/// The characters of a text that hide something, in order. White space hides nothing, and neither does a joiner or a
/// selector beside a character that may need it: emoji, and the scripts that join.
pub(crate) fn hidden(text: &str) -> impl Iterator<Item = char> {
    let mut before = None;
    text.chars().filter(move |&character| {
        let needed = before.is_some_and(|before| may_need(before, character));
        before = Some(character);
        is_treacherous(character) && !character.is_whitespace() && !needed
    })
}

/// A joiner may also follow the selector of a picture. Digits, `#` and `*` become keycaps by a selector.
fn may_need(before: char, character: char) -> bool {
    let is_visible = !before.is_ascii() && !is_invisible(before);
    match character {
        '\u{200c}' | '\u{200d}' => is_visible || before == '\u{fe0f}',
        '\u{fe0e}' | '\u{fe0f}' => is_visible || "0123456789#*".contains(before),
        _ => false,
    }
}

/// What tag characters say: each stands for the ASCII character 0xE0000 below it.
pub(crate) fn smuggled(text: &str) -> String {
    let ascii = |c: char| u32::from(c).checked_sub(0xe_0000).and_then(char::from_u32);
    text.chars().filter_map(ascii).filter(|c| matches!(c, ' '..='~')).collect()
}

#[cfg(test)]
mod tests {
    use super::{hidden, plain, quoted, smuggled};

    #[test]
    fn nothing_is_obeyed_or_overlooked() {
        assert_eq!(quoted("a\n\u{1b}[2J\u{202e}\"\\\u{a0}é日"), "a\\n\\u{1b}[2J\\u{202e}\\\"\\\\\\u{a0}é日");
        assert_eq!(plain("{\"a\":\"\\n\"}\r"), "{\"a\":\"\\n\"}\\r");
    }

    #[test]
    fn what_hides_is_told_from_what_is_needed() {
        for honest in [
            "a\tb\r\n",
            "é \u{a0}",
            "👨\u{200d}👩",
            "❤\u{fe0f}\u{200d}🔥",
            "1\u{fe0f}\u{20e3}",
            "می\u{200c}خواهم",
        ] {
            assert_eq!(hidden(honest).count(), 0, "{}", honest.escape_unicode());
        }
        for text in [
            "a\u{200b}",
            "a\u{200d}b",
            "1\u{200d}2",
            "❤\u{fe0f}\u{fe0f}",
            "\u{202e}a",
            "a\u{e0041}",
            "\u{7}",
            "\u{feff}",
            "a\u{ad}b",
            "\u{e000}",
        ] {
            assert_eq!(hidden(text).count(), 1, "{}", text.escape_unicode());
        }
    }

    #[test]
    fn tag_characters_say_what_they_say() {
        assert_eq!(smuggled("A\u{e0068}\u{e0069}!\u{e0001}"), "hi");
    }
}
