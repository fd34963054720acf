//! The forms in which a secret travels, as needles of one search.
//!
//! A needle is the start of a form; where it is found, the match is extended as far as the form goes on. So long keys
//! cost as little memory as short ones, and a secret that was cut off after its first bytes is found as well.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

use super::MIN_SECRET_BYTES;

/// Bytes of a form that are searched for before it is compared as a whole.
const PROBE_BYTES: usize = 48;

/// Lines of a secret with at least so many bytes are secrets by themselves: keys in PEM.
const MIN_LINE_BYTES: usize = 16;

/// The value, and parts of it that are as secret.
pub(super) fn variants(value: &[u8]) -> Vec<Vec<u8>> {
    let mut variants = vec![value.to_vec(), value.trim_ascii().to_vec()];
    let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    variants.extend(lines.filter(|line| line.len() >= MIN_LINE_BYTES).map(<[u8]>::to_vec));
    if let Some(password) = url_password(value) {
        variants.push(super::views::percent_decoded(password));
        variants.push(password.to_vec());
    }
    variants.retain(|variant| variant.len() >= MIN_SECRET_BYTES);
    variants.sort();
    variants.dedup();
    variants
}

/// `pass` of `scheme://user:pass@host`.
fn url_password(value: &[u8]) -> Option<&[u8]> {
    let authority = &value[memchr::memmem::find(value, b"://")? + 3..];
    let authority = authority.split(|byte| *byte == b'/').next()?;
    let user_info = &authority[..memchr::memrchr(b'@', authority)?];
    Some(&user_info[memchr::memchr(b':', user_info)? + 1..])
}

/// One way to write one secret.
struct Form {
    secret: usize,
    bytes: Vec<u8>,
    /// Whether letters are compared without their case: hex.
    any_case: bool,
    /// Characters before and after that hold a few bits of the secret beside foreign ones: base64.
    edges: (bool, bool),
}

/// All forms of all secrets.
pub(super) struct Needles {
    exact: Search,
    hex: Search,
    longest: usize,
}

impl Needles {
    /// The variants come with the number of their secret.
    pub(super) fn new(variants: &[(usize, Vec<u8>)]) -> Self {
        let forms = variants.iter().flat_map(|(secret, value)| forms(*secret, value));
        let (hex, exact): (Vec<_>, Vec<_>) = forms.partition(|form| form.any_case);
        let longest = exact.iter().chain(&hex).map(|form| form.bytes.len() + 2).max().unwrap_or(0);
        Self { exact: Search::new(exact), hex: Search::new(hex), longest }
    }

    /// Bytes of the longest form.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Tells every place of every form, overlapping ones too.
    pub(super) fn find(&self, bytes: &[u8], mut tell: impl FnMut(Range<usize>, usize)) {
        self.exact.find(bytes, &mut tell);
        self.hex.find(bytes, &mut tell);
    }
}

/// One automaton.
struct Search {
    forms: Vec<Form>,
    /// `None` if it could not be built: then everything is taken for a secret.
    automaton: Option<AhoCorasick>,
}

impl Search {
    fn new(forms: Vec<Form>) -> Self {
        let probes = forms.iter().map(|form| &form.bytes[..form.bytes.len().min(PROBE_BYTES)]);
        let automaton = AhoCorasickBuilder::new()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .ascii_case_insensitive(forms.iter().any(|form| form.any_case))
            .build(probes)
            .ok();
        Self { forms, automaton }
    }

    fn find(&self, bytes: &[u8], tell: &mut impl FnMut(Range<usize>, usize)) {
        if self.forms.is_empty() || bytes.is_empty() {
            return;
        }
        let Some(automaton) = &self.automaton else { return tell(0..bytes.len(), self.forms[0].secret) };
        for hit in automaton.find_overlapping_iter(bytes) {
            let form = &self.forms[hit.pattern().as_usize()];
            tell(form.extent(bytes, hit.start()), form.secret);
        }
    }
}

impl Form {
    /// How far the form goes on from its start, with the edge characters.
    fn extent(&self, bytes: &[u8], start: usize) -> Range<usize> {
        let same = |(a, b): &(&u8, &u8)| if self.any_case { a.eq_ignore_ascii_case(b) } else { a == b };
        let end = start + bytes[start..].iter().zip(&self.bytes).take_while(same).count();
        let edge = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(|byte| is_base64(*byte));
        let start = start - usize::from(self.edges.0 && edge(start.checked_sub(1)));
        start..end + usize::from(self.edges.1 && edge(Some(end)))
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

fn forms(secret: usize, value: &[u8]) -> Vec<Form> {
    let hex = value
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| b"0123456789abcdef"[usize::from(nibble)]);
    let mut forms = vec![
        Form { secret, bytes: value.to_vec(), any_case: false, edges: (false, false) },
        Form { secret, bytes: hex.collect(), any_case: true, edges: (false, false) },
    ];
    for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
        forms.extend((0..3).map(|before| base64_form(secret, value, before, &engine)));
    }
    forms
}

/// The base64 characters that the value alone decides, if `before` (0, 1 or 2) foreign bytes stand before it in its
/// group of three.
fn base64_form(secret: usize, value: &[u8], before: usize, engine: &base64::engine::GeneralPurpose) -> Form {
    let mut padded = vec![0; before];
    padded.extend_from_slice(value);
    let mut bytes = engine.encode(&padded).into_bytes();
    let shared_after = !padded.len().is_multiple_of(3);
    if shared_after {
        bytes.pop();
    }
    bytes.drain(..[0, 2, 3][before]);
    Form { secret, bytes, any_case: false, edges: (before != 0, shared_after) }
}
