//! Where invisible characters are honest: emoji, flags, and scripts that need joiners or selectors.

/// Whether `rest` begins with a joiner that is where it belongs.
pub(super) fn is_honest_joiner(before: &str, rest: &str) -> bool {
    let after_letter = before.chars().next_back().is_some_and(needs_joiners);
    match rest.chars().next() {
        Some('\u{200c}') => after_letter,
        Some('\u{200d}') => after_letter || joins_emoji(before, rest),
        _ => false,
    }
}

/// Whether one selector stands behind something that it can select a form of.
///
/// Digits have pictures as keycaps only (UTS #51 ED-14c); elsewhere the selector would split numbers and keys.
pub(super) fn is_honest_selector(before: &str, selector: char, after: &str) -> bool {
    let Some(base) = before.chars().next_back() else { return false };
    let is_keycap = || matches!(base, '0'..='9' | '#' | '*') && after.starts_with('\u{20e3}');
    match selector {
        '\u{fe0e}' | '\u{fe0f}' => is_pictured(base) || is_keycap(),
        '\u{180b}'..='\u{180f}' => matches!(base, '\u{1800}'..='\u{18af}'),
        _ => is_varied(base),
    }
}

/// The bytes of a flag of a country's part: a black flag, its code in tag characters, the end tag (UTS #51 ED-14a).
pub(super) fn flag(text: &str) -> Option<usize> {
    let body = text.strip_prefix('\u{1f3f4}')?;
    let code: Vec<char> = body.chars().take(8).take_while(|c| is_tag_letter(*c)).collect();
    let ended = body.chars().nth(code.len()) == Some('\u{e007f}');
    ((3..=6).contains(&code.len()) && ended).then_some(4 * (code.len() + 2))
}

fn is_tag_letter(c: char) -> bool {
    matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}')
}

fn joins_emoji(before: &str, rest: &str) -> bool {
    let next = rest.chars().nth(1);
    let mut back = before.chars().rev();
    let base = match back.next() {
        Some('\u{fe0f}') => back.next(),
        other => other,
    };
    base.is_some_and(is_pictured) && next.is_some_and(is_pictured)
}

/// Scripts in which a joiner changes the shape of letters: Arabic to Myanmar, Khmer, Mongolian, Arabic's old forms.
fn needs_joiners(c: char) -> bool {
    let is_joiner = matches!(c, '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{17b4}' | '\u{17b5}');
    !is_joiner
        && matches!(c, '\u{600}'..='\u{109f}' | '\u{1780}'..='\u{18af}' | '\u{fb50}'..='\u{fdcf}' | '\u{fe70}'..='\u{fefc}')
}

/// Roughly `Extended_Pictographic`, skin tones and flags: the blocks that emoji live in.
fn is_pictured(c: char) -> bool {
    matches!(c, '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2100}'..='\u{2bff}' | '\u{3030}' | '\u{303d}'
        | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

/// Characters with standardized or ideographic variants: symbols, Myanmar, Phags-pa, Han.
fn is_varied(c: char) -> bool {
    matches!(c, '\u{1000}'..='\u{109f}' | '\u{2190}'..='\u{2bff}' | '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}'
        | '\u{a840}'..='\u{a87f}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}' | '\u{20000}'..='\u{323af}')
}
