//! Characters that a terminal obeys or a reader cannot see, made visible.
//!
//! JSON escapes only what is below U+0020. DEL, the C1 controls (U+009B is a terminal's CSI), bidirectional overrides and
//! zero-width characters would reach the terminal of whoever says `tail -f` on the log, so the log file escapes them as
//! well, as `\uXXXX`, which every JSON reader turns back into the same text.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use serde_json::ser::Formatter;

/// Whether a terminal may obey this character, or a reader overlook it.
pub(crate) fn is_treacherous(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'   // C0, DEL, C1
        | '\u{ad}' | '\u{34f}' | '\u{61c}'      // soft hyphen, grapheme joiner, Arabic letter mark
        | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}' // fillers that look like nothing
        | '\u{180b}'..='\u{180f}'               // Mongolian variation selectors
        | '\u{200b}'..='\u{200f}'               // zero width, direction marks
        | '\u{2028}'..='\u{202e}'               // line and paragraph separator, bidirectional embedding
        | '\u{2060}'..='\u{206f}'               // word joiner, invisible operators, bidirectional isolates
        | '\u{fe00}'..='\u{fe0f}'               // variation selectors
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}'  // byte order mark, annotations
        | '\u{1d173}'..='\u{1d17a}'             // invisible musical controls
        | '\u{e0000}'..='\u{e0fff}') // tags, more variation selectors
}

/// The text on one line for a person: treacherous characters as `\u{202e}`, newline, return and tab as `\n`, `\r`, `\t`.
pub fn for_people(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_treacherous) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            _ if !is_treacherous(character) => shown.push(character),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            // Writing into a String cannot fail.
            _ => drop(write!(shown, "\\u{{{:x}}}", character as u32)),
        }
    }
    Cow::Owned(shown)
}

/// Compact JSON in which treacherous characters are escaped.
pub(crate) struct PlainJson;

impl Formatter for PlainJson {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut written = 0;
        for (at, character) in fragment.char_indices() {
            if is_treacherous(character) {
                writer.write_all(&fragment.as_bytes()[written..at])?;
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
                written = at + character.len_utf8();
            }
        }
        writer.write_all(&fragment.as_bytes()[written..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_what_a_terminal_would_obey() {
        assert_eq!(for_people("plain ünïcode 日本"), "plain ünïcode 日本");
        assert_eq!(
            for_people("a\nb\u{1b}[2J\u{202e}c\u{9b}\u{7f}"),
            "a\\nb\\u{1b}[2J\\u{202e}c\\u{9b}\\u{7f}"
        );
    }

    #[test]
    fn json_hides_nothing_and_reads_back_the_same() {
        use serde::Serialize as _;
        let text = "x\u{7f}\u{9b}\u{202e}\u{e0041}\u{feff}\"\n日本";
        let mut json = Vec::new();
        text.serialize(&mut serde_json::Serializer::with_formatter(&mut json, PlainJson)).unwrap();
        let json = String::from_utf8(json).unwrap();
        assert!(!json.chars().any(is_treacherous), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
