//! Texts in which what was found is cut out.

use std::ops::Range;

use policy::plan::Treatment;

use super::hits::Hit;
use super::texts;
use crate::screen::FindingKind;

/// Bytes of a JSON text that become others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) range: Range<usize>,
    pub(crate) by: Vec<u8>,
}

/// Something stands in a key: without it the object would be another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Uncuttable;

/// What is cut out, asked for place after place: each hit is looked at where it is, however many there are.
struct Acts<'h> {
    coming: std::iter::Peekable<std::slice::Iter<'h, Hit>>,
    here: Vec<&'h Hit>,
}

impl<'h> Acts<'h> {
    /// `hits` are by place.
    fn of(hits: &'h [Hit]) -> Self {
        Self { coming: hits.iter().peekable(), here: Vec::new() }
    }

    /// Those that touch this place. Places are asked for in order and lie apart from each other.
    fn within(&mut self, place: &Range<usize>) -> &[&'h Hit] {
        while let Some(hit) = self.coming.next_if(|hit| hit.span.start < place.end) {
            self.here.extend(Some(hit).filter(|hit| hit.treatment >= Treatment::Redact));
        }
        self.here.retain(|hit| hit.span.end > place.start);
        &self.here
    }
}

/// The strings that have to be written anew, in order. `hits` are in the text of [`texts::gathered`], by place.
pub(super) fn in_strings(json: &[u8], skip: &[Range<usize>], hits: &[Hit]) -> Result<Vec<Edit>, Uncuttable> {
    let (mut edits, mut acts, mut fault) = (Vec::new(), Acts::of(hits), false);
    texts::walk(json, skip, &mut Vec::with_capacity(json.len()), |token, place, text| {
        let here = acts.within(&place);
        if here.is_empty() {
            return;
        }
        fault |= token.is_key;
        let by = cut(&String::from_utf8_lossy(&text[place.clone()]), place.start, here);
        edits.push(Edit {
            range: token.raw.clone(),
            by: serde_json::Value::from(by).to_string().into_bytes(),
        });
    });
    if fault { Err(Uncuttable) } else { Ok(edits) }
}

/// The text without what is redacted and without lines that hold what is blocked.
pub(super) fn in_lines(text: &str, hits: &[Hit]) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut start, mut acts) = (0, Acts::of(hits));
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let here = acts.within(&(start..end));
        let ending = &line[line.trim_end_matches(['\n', '\r']).len()..];
        match here.is_empty() {
            true => out.push_str(line),
            false => {
                out.push_str(&cut(&line[..line.len() - ending.len()], start, here));
                out.push_str(ending);
            }
        }
        start = end;
    }
    out
}

/// A string that begins at `start` of the text that the hits are in, without them; nothing of it if one of them is blocked.
fn cut(text: &str, start: usize, hits: &[&Hit]) -> String {
    if let Some(blocked) = hits.iter().find(|hit| hit.treatment == Treatment::Block) {
        return format!("[withheld by mcpguard: {}]", blocked.name);
    }
    let mut out = String::with_capacity(text.len());
    let mut kept = 0;
    for hit in hits {
        let (from, to) = (hit.span.start.saturating_sub(start), (hit.span.end - start).min(text.len()));
        if let Some(between) = text.get(kept..from) {
            out.push_str(between);
        }
        if to > kept && from >= kept {
            out.push_str(&instead(hit));
        }
        kept = kept.max(to);
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    out
}

/// What stands for what was cut out. What nobody could see leaves nothing behind.
fn instead(hit: &Hit) -> String {
    match hit.kind {
        FindingKind::InvisibleCharacters => String::new(),
        _ => format!("[redacted: {}]", hit.name),
    }
}

/// The bytes with the edits made.
pub(crate) fn applied(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut kept = 0;
    for Edit { range, by } in edits {
        out.extend_from_slice(&bytes[kept..range.start]);
        out.extend_from_slice(by);
        kept = range.end;
    }
    out.extend_from_slice(&bytes[kept..]);
    out
}

/// The line with other bytes in the place of `part`, which is a part of it.
pub(crate) fn replaced(line: &[u8], part: &[u8], by: Vec<u8>) -> Vec<u8> {
    let start = part.as_ptr() as usize - line.as_ptr() as usize;
    applied(line, &[Edit { range: start..start + part.len(), by }])
}

/// The line with these elements only in `array`, which is a part of it.
pub(crate) fn with_only(line: &[u8], array: &[u8], elements: &[&[u8]]) -> Vec<u8> {
    replaced(line, array, [&b"["[..], &elements.join(&b','), b"]"].concat())
}
