//! What a character is when nothing is known of its neighbours.

use super::Kind;

/// The kind of an invisible character. Ranges as in Unicode 16, chiefly `Default_Ignorable_Code_Point`.
pub(super) fn kind(c: char) -> Option<Kind> {
    Some(match c {
        '\t' | '\n' | '\r' => return None,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => Kind::Control,
        '\u{ad}' | '\u{34f}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}'..='\u{200d}' => {
            Kind::ZeroWidth
        }
        '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}' => Kind::ZeroWidth,
        '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' => Kind::ZeroWidth,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Kind::Bidi,
        '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
            Kind::Selector
        }
        '\u{e0000}'..='\u{e0fff}' => Kind::Tag,
        '\u{fff0}'..='\u{fffc}' => Kind::Annotation,
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => Kind::Filler,
        '\u{fdd0}'..='\u{fdef}' => Kind::Noncharacter,
        _ if u32::from(c) & 0xfffe == 0xfffe => Kind::Noncharacter,
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'.. => Kind::PrivateUse,
        _ => return None,
    })
}
