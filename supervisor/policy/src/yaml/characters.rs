//! Characters that a reviewer cannot see do not belong in a policy.

use crate::plan::Origin;
use crate::problem::Report;

/// Notes the first control, bidirectional or invisible character of each line.
pub(crate) fn check(source: &str, text: &str, report: &mut Report) {
    for (number, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if let Some((index, character)) = line.chars().enumerate().find(|(_, c)| is_hidden(*c)) {
            report.error(&place(source, number, index), describe(character));
        }
    }
}

/// Whether a character is invisible or changes how its neighbours are shown.
pub(crate) fn is_hidden(character: char) -> bool {
    match character {
        '\t' => false,
        // Soft hyphen, zero-width and directional characters ("Trojan Source", CVE-2021-42574), BOM.
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => true,
        '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => true,
        _ => character.is_control(),
    }
}

fn describe(character: char) -> String {
    match character {
        '\u{feff}' => "the file holds a byte order mark (U+FEFF); save it as UTF-8 without one".to_owned(),
        '\0' => "the file holds a NUL character".to_owned(),
        other => format!("the file holds the invisible character U+{:04X}", u32::from(other)),
    }
}

fn place(source: &str, line: usize, column: usize) -> Origin {
    let number = |index: usize| u32::try_from(index + 1).unwrap_or(u32::MAX);
    Origin { source: source.to_owned(), line: number(line), column: number(column) }
}
