//! Redaction: values that must never be written down, found in every form in which they usually travel.
//!
//! ```text
//! secret ─► variants (whole, trimmed, its long lines, a URL's password) ─► forms (raw, base64 ×6, hex) ─► needles
//! text ─► views (as it is, percent-decoded, JSON-unescaped, line breaks removed, and all of these on top of each other)
//!      ─► needles found in any view ─► the bytes of the text that they stand for ─► [redacted:NAME]
//! ```
//!
//! It guards against accidents: a token in an argument, an error message, a stack trace, a header. It cannot guard
//! against a program that wants to hide the token; one that encrypts or reverses it will pass.

mod fields;
mod forms;
mod json;
mod views;

pub use fields::Redact;
pub(crate) use fields::redact_fields;
pub use json::Detail;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use forms::Needles;
use views::View;

/// The shortest value that is searched for, in bytes. Shorter ones (`1`, `true`, `admin`) would be found in everything,
/// so they are not redacted, and [`Redactor::unprotected`] names them.
pub const MIN_SECRET_BYTES: usize = 6;

/// Finds secrets by their form in a text: where they stand, on character boundaries, and what is said in their place.
pub type Forms = fn(&str) -> Vec<(Range<usize>, String)>;

/// A text without what nobody sees in it, and from a range of it the bytes of the whole text, those that nobody sees between them.
pub type Seen = (String, Box<dyn Fn(&Range<usize>) -> Range<usize>>);

/// What is seen of a text, once for each kind of reader; nothing where all of it is.
pub type Sight = fn(&str) -> Vec<Seen>;

/// The longest secret of a well-known form, in bytes: a private key.
const LONGEST_FORM: usize = 8 << 10;

/// Knows the secrets of a session and cuts them out of whatever is written down.
pub struct Redactor {
    names: Vec<String>,
    unprotected: Vec<String>,
    needles: Needles,
    /// A secret with a space may stand in a form body as `a+b`.
    plus_is_space: bool,
    /// Those that nobody has told of; others from the next text on, when the policy changes.
    forms: RwLock<Option<Forms>>,
    /// How texts are seen, if something in them may be invisible.
    sight: Option<Sight>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Redactor {
    /// Takes names and values. Empty values are ignored.
    pub fn new<N: Into<String>, V: AsRef<[u8]>>(secrets: impl IntoIterator<Item = (N, V)>) -> Self {
        let (mut names, mut unprotected, mut variants) = (Vec::new(), Vec::new(), Vec::new());
        for (name, value) in secrets {
            let (name, value) = (name.into(), value.as_ref());
            match value.trim_ascii().len() {
                0 => {}
                1..MIN_SECRET_BYTES => unprotected.push(name),
                _ => {
                    variants.extend(forms::variants(value).into_iter().map(|variant| (names.len(), variant)));
                    names.push(name);
                }
            }
        }
        let plus_is_space = variants.iter().any(|(_, variant)| variant.contains(&b' '));
        let (needles, forms) = (Needles::new(&variants), RwLock::new(None));
        Self { needles, names, unprotected, plus_is_space, forms, sight: None }
    }

    /// Cuts out what has the form of a secret as well.
    #[must_use]
    pub fn with_forms(self, forms: Forms) -> Self {
        Self { forms: RwLock::new(Some(forms)), ..self }
    }

    /// Cuts out secrets with something in them that nobody sees as well.
    #[must_use]
    pub fn with_sight(self, sight: Sight) -> Self {
        Self { sight: Some(sight), ..self }
    }

    /// Cuts out other forms from the next text on.
    pub fn look_for(&self, forms: Forms) {
        *self.forms.write().unwrap_or_else(PoisonError::into_inner) = Some(forms);
    }

    fn known_forms(&self) -> Option<Forms> {
        *self.forms.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Knows no secret.
    pub fn none() -> Self {
        Self::new(std::iter::empty::<(String, Vec<u8>)>())
    }

    /// Names of values that are too short to be searched for.
    pub fn unprotected(&self) -> &[String] {
        &self.unprotected
    }

    /// The text with every secret replaced by `[redacted:NAME]`.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.start_of(text, text.len())
    }

    /// What the first `limit` bytes of the text look like without secrets; a secret that begins there and goes on
    /// behind them is replaced as a whole.
    fn start_of<'t>(&self, text: &'t str, limit: usize) -> Cow<'t, str> {
        let limit = text.floor_char_boundary(limit);
        let mut found = self.all(&text[..text.floor_char_boundary(self.window(limit))]);
        found.retain(|(range, _)| range.start < limit);
        if found.is_empty() {
            return Cow::Borrowed(&text[..limit]);
        }
        found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let mut clean = String::with_capacity(limit);
        let mut at = 0;
        for (range, secret) in merged(found) {
            clean.push_str(&text[at..range.start]);
            clean.push_str("[redacted:");
            clean.push_str(&secret);
            clean.push(']');
            at = range.end;
        }
        clean.push_str(text.get(at..limit).unwrap_or_default());
        Cow::Owned(clean)
    }

    /// Where secrets stand in the text as it is, with their names; by place, apart from each other, on character boundaries.
    pub fn places(&self, text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
        let mut found = self.found(text, None);
        found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        merged(found).into_iter().map(|(range, secret)| (range, self.names[secret].as_str()))
    }

    /// Everything that is cut out, by its name; unordered, overlapping.
    fn all(&self, text: &str) -> Vec<(Range<usize>, Cow<'_, str>)> {
        let own = self.found(text, self.sight).into_iter();
        let own = own.map(|(range, secret)| (range, Cow::Borrowed(self.names[secret].as_str())));
        let forms = self.known_forms().map(|forms| forms(text)).unwrap_or_default().into_iter();
        own.chain(forms.map(|(range, name)| (range, Cow::Owned(name)))).collect()
    }

    /// Where secrets stand in the text, and which; unordered, overlapping, on character boundaries.
    fn found(&self, text: &str, sight: Option<Sight>) -> Vec<(Range<usize>, usize)> {
        let mut found = Vec::new();
        if self.names.is_empty() {
            return found;
        }
        let mut note = |range: Range<usize>, secret| {
            found.push((text.floor_char_boundary(range.start)..text.ceil_char_boundary(range.end), secret));
        };
        for view in View::all(text, self.plus_is_space) {
            self.needles.find(view.bytes(), |range, secret| note(view.origin(range), secret));
            let seen = sight.zip(str::from_utf8(view.bytes()).ok()).map(|(sight, text)| sight(text));
            for (seen, source) in seen.into_iter().flatten() {
                let mut note = |range, secret| note(view.origin(source(&range)), secret);
                self.needles.find(seen.as_bytes(), &mut note);
            }
        }
        found
    }

    /// How many bytes of a text must be looked at, so that a secret that begins before `limit` is seen as a whole:
    /// the longest form, every byte of it written as `\u00XX`.
    fn window(&self, limit: usize) -> usize {
        let form = if self.known_forms().is_some() { LONGEST_FORM } else { 0 };
        limit.saturating_add(self.needles.longest().saturating_mul(6).max(form))
    }
}

/// Joins ranges that touch or overlap; sorted by start. The first, longest one gives the name.
fn merged<N>(found: Vec<(Range<usize>, N)>) -> Vec<(Range<usize>, N)> {
    let mut joined: Vec<(Range<usize>, N)> = Vec::with_capacity(found.len());
    for (range, secret) in found {
        match joined.last_mut() {
            Some((last, _)) if range.start < last.end => last.end = last.end.max(range.end),
            _ => joined.push((range, secret)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new([
            ("TOKEN", "ghp_s3cr3t/Val+ue=="),
            ("PHRASE", "two words \"quoted\"\n"),
            ("PIN", "1234"),
        ])
    }

    #[test]
    fn every_form_is_replaced() {
        let redactor = redactor();
        for (text, clean) in [
            ("nothing here", "nothing here"),
            ("a ghp_s3cr3t/Val+ue== b", "a [redacted:TOKEN] b"),
            ("ghp_s3cr3t%2FVal%2bue%3D%3D", "[redacted:TOKEN]"),
            ("%67hp_s3cr3t/Val+ue==", "[redacted:TOKEN]"),
            (r#"{\"t\":\"\u0067hp_s3cr3t\/Val+ue==\"}"#, r#"{\"t\":\"[redacted:TOKEN]\"}"#),
            ("x6768705F733363723374\n2f56616c2b75653D3dx", "x[redacted:TOKEN]x"),
            ("two words \"quoted\"", "[redacted:PHRASE]"),
            (r#"two words \"quoted\"\n"#, "[redacted:PHRASE]"),
            ("q=two+words+%22quoted%22&x", "q=[redacted:PHRASE]&x"),
            ("pin 1234", "pin 1234"),
        ] {
            assert_eq!(redactor.text(text), clean, "{text}");
        }
        assert_eq!(redactor.unprotected(), ["PIN"]);
    }

    #[test]
    fn base64_is_found_at_each_alignment_and_across_line_breaks() {
        use base64::prelude::*;
        let redactor = redactor();
        for prefix in ["", "u", "us", "user:"] {
            let plain = format!("{prefix}ghp_s3cr3t/Val+ue==tail");
            for encoded in [BASE64_STANDARD.encode(&plain), BASE64_URL_SAFE_NO_PAD.encode(&plain)] {
                let (left, right) = encoded.split_at(14);
                for text in [encoded.clone(), format!("{left}\n{right}"), format!("{left}\\n{right}")] {
                    assert!(redactor.text(&text).contains("[redacted:TOKEN]"), "{text}");
                }
            }
        }
    }

    #[test]
    fn not_one_bit_of_a_secret_is_left_at_the_edges_of_base64() {
        use base64::prelude::*;
        let secret = "ghp_s3cr3t/Val+ue==";
        for (before, after) in
            [("", "tail"), ("u", "tail"), ("us", "tai"), ("use", "ta"), ("user", "t"), ("u", "")]
        {
            let encoded = BASE64_STANDARD_NO_PAD.encode(format!("{before}{secret}{after}"));
            let first = before.len() * 8 / 6;
            let end = ((before.len() + secret.len()) * 8).div_ceil(6);
            let clean = format!("{}[redacted:TOKEN]{}", &encoded[..first], &encoded[end..]);
            assert_eq!(redactor().text(&encoded), clean);
        }
    }

    #[test]
    fn lines_of_a_key_and_the_password_of_a_url_are_secrets_too() {
        let redactor = Redactor::new([
            ("KEY", "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEAabcdef\n-----END KEY-----\n"),
            ("DATABASE_URL", "postgres://app:p%40ssw0rd@db/app"),
        ]);
        assert_eq!(redactor.text("got MIIEpAIBAAKCAQEAabcdef!"), "got [redacted:KEY]!");
        assert_eq!(redactor.text("auth failed for p@ssw0rd"), "auth failed for [redacted:DATABASE_URL]");
    }

    #[test]
    fn forms_vanish_with_what_is_known() {
        let forms: Forms = |text| {
            let found = text.match_indices("tok_");
            found.map(|(at, _)| (at..(at + 8).min(text.len()), "token".to_owned())).collect()
        };
        let redactor = Redactor::new([("A", "known-value")]).with_forms(forms);
        assert_eq!(redactor.text("a tok_1234 known-value b"), "a [redacted:token] [redacted:A] b");
        assert_eq!(redactor.places("tok_1234").count(), 0, "only the session's own have places");
    }

    #[test]
    fn what_nobody_sees_hides_nothing() {
        let sight: Sight = |text| {
            let seen = text.replace('\u{200b}', "");
            let places: Vec<usize> =
                text.char_indices().filter(|(_, c)| *c != '\u{200b}').map(|(at, _)| at).collect();
            vec![(seen, Box::new(move |range| places[range.start]..places[range.end - 1] + 1))]
        };
        let (plain, seeing) = (redactor(), redactor().with_sight(sight));
        for text in ["a gh\u{200b}p_s3cr3t/Val+ue\u{200b}== b", "a gh\\u200bp_s3cr3t/Val+ue== b"] {
            assert_eq!(plain.text(text), text);
            assert_eq!(seeing.text(text), "a [redacted:TOKEN] b");
        }
    }

    #[test]
    fn overlapping_secrets_vanish_together() {
        let redactor = Redactor::new([("A", "abcdefgh"), ("B", "efghijkl")]);
        assert_eq!(redactor.text("-abcdefghijkl-"), "-[redacted:A]-");
    }
}
