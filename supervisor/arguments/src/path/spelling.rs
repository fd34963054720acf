//! What a path is read as: by the kernel, and by servers that decode or fold it first.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization as _;

use super::PathFault;
use super::shape::Shape;
use crate::excerpt::Excerpt;
use crate::invisible;

/// `PATH_MAX` without the NUL.
const MAX_PATH: usize = 4095;
/// How often percent signs are decoded: twice is common in attacks, more is nobody's name for a file.
const MAX_DECODED: usize = 4;

/// The path as it stands, and as it reads after each decoding. All of them are built alike, or it is refused.
pub(super) fn readings(text: &str) -> Result<Vec<Cow<'_, str>>, PathFault> {
    let mut readings = vec![Cow::Borrowed(text)];
    sound(text)?;
    if !text.contains('%') {
        return Ok(readings);
    }
    let shape = Shape::of(text);
    loop {
        let latest = readings.last().map_or(text, |reading| &reading[..]);
        let Some(decoded) = decode(latest)? else { return Ok(readings) };
        if readings.len() > MAX_DECODED || sound(&decoded).is_err() || Shape::of(&decoded) != shape {
            return Err(PathFault::Encoded);
        }
        readings.push(Cow::Owned(decoded));
    }
}

/// None when there is nothing to decode. `%c0%ae`, a dot in two bytes where one would do, is no UTF-8.
fn decode(text: &str) -> Result<Option<String>, PathFault> {
    let lower = text.to_ascii_lowercase();
    if lower.contains("%u00") || lower.contains("%u22") || lower.contains("%uff") {
        return Err(PathFault::Encoded);
    }
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) if decoded == text => Ok(None),
        Ok(decoded) => Ok(Some(decoded.into_owned())),
        Err(_) => Err(PathFault::Encoded),
    }
}

/// What can be told from one reading alone.
fn sound(text: &str) -> Result<(), PathFault> {
    characters(text)?;
    beginning(text)?;
    text.split('/').try_for_each(name)?;
    expansions(text)?;
    lookalikes(text)
}

fn characters(text: &str) -> Result<(), PathFault> {
    match text {
        "" => return Err(PathFault::Empty),
        long if long.len() > MAX_PATH => return Err(PathFault::TooLong),
        _ => {}
    }
    if let Some(control) = text.chars().find(|character| character.is_control()) {
        return Err(PathFault::Character(control));
    }
    if let Some(hidden) = invisible::first_needless(text) {
        return Err(PathFault::Character(hidden));
    }
    match text.contains('\\') {
        true => Err(PathFault::Backslash),
        false => Ok(()),
    }
}

fn beginning(text: &str) -> Result<(), PathFault> {
    let first = text.split('/').next().unwrap_or_default();
    let scheme = first.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme));
    match text.as_bytes()[0] {
        _ if text.trim() != text => Err(PathFault::Space),
        b'~' => Err(PathFault::Home),
        b'-' => Err(PathFault::Option),
        _ if scheme => Err(PathFault::Scheme),
        _ => Ok(()),
    }
}

/// RFC 3986, section 3.1; a drive's letter is one as well.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c))
}

/// Names that are not `..`, and become it when a filter cuts `../` out of them, when a server cuts parameters off, or
/// when a shell matches them.
fn name(name: &str) -> Result<(), PathFault> {
    if matches!(name, "" | "." | "..")
        || !name.trim_start().starts_with(['.', '[', '{', '?', '*', '@', '+', '!'])
    {
        return Ok(());
    }
    let trimmed = name.split(';').next().unwrap_or_default().trim();
    let only = |set: &str| trimmed.chars().all(|character| set.contains(character));
    let dots = trimmed.contains('.');
    match dots && (only(".") || only(".?*[]{}()!^,@+|-")) {
        true => Err(PathFault::Dots(Excerpt::of(name))),
        false => Ok(()),
    }
}

/// A variable is told by its capitals: `$HOME` is one, and `Foo$Bar.class` and `$userId.tsx` are files. A bar at either end
/// makes Perl's and Ruby's `open` run a command.
fn expansions(text: &str) -> Result<(), PathFault> {
    let variable = text.match_indices('$').any(|(at, _)| is_expansion(&text[at + 1..]));
    // `&#46;` is a dot in HTML.
    let piped = text.starts_with('|') || text.ends_with('|');
    match text.contains('`') || variable || piped || text.contains("&#") {
        true => Err(PathFault::Variable),
        false => Ok(()),
    }
}

fn is_expansion(after: &str) -> bool {
    let word: String = after.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let capital = word.starts_with(|c: char| c.is_ascii_uppercase() || c == '_');
    after.starts_with(['{', '(', '\'', '"'])
        || (capital && !word.contains(|c: char| c.is_ascii_lowercase()))
        || after.to_ascii_lowercase().starts_with("env:")
}

/// NFKC turns `．．／` into `../`. Windows' best fit turns `∕` (U+2215) into `/` as well; that one stands in titles, and is
/// refused only where it would set dots free.
fn lookalikes(text: &str) -> Result<(), PathFault> {
    if text.is_ascii() {
        return Ok(());
    }
    let folded: String = text.nfkc().collect();
    let slashed =
        folded.replace(['\u{2044}', '\u{2215}', '\u{29f8}', '\u{29f5}', '\u{29f9}', '\u{2216}'], "/");
    let shape = Shape::of(text);
    let another = Shape::of(&folded) != shape || shape.gains_dots(Shape::of(&slashed));
    match another || plain(&folded).is_err() {
        true => Err(PathFault::Lookalike),
        false => Ok(()),
    }
}

fn plain(folded: &str) -> Result<(), PathFault> {
    characters(folded)?;
    beginning(folded)?;
    folded.split('/').try_for_each(name)?;
    expansions(folded)
}
