//! Redaction of whole records: every field is either a text, which is cleaned, or plain, which cannot hold one.

use serde_json::Value;

use super::Redactor;
use super::json::{MAX_TEXT_BYTES, clean_text, clean_value};

/// Something whose texts can be cleaned in place: secrets replaced, texts longer than 4 KiB cut.
pub trait Redact {
    /// Cleans all texts.
    fn redact(&mut self, redactor: &Redactor);
}

impl Redact for String {
    fn redact(&mut self, redactor: &Redactor) {
        if let Some(clean) = clean_text(redactor, self, MAX_TEXT_BYTES) {
            *self = clean;
        }
    }
}

impl Redact for Value {
    fn redact(&mut self, redactor: &Redactor) {
        clean_value(redactor, self);
    }
}

impl<T: Redact> Redact for Option<T> {
    fn redact(&mut self, redactor: &Redactor) {
        self.iter_mut().for_each(|inner| inner.redact(redactor));
    }
}

impl<T: Redact> Redact for Vec<T> {
    fn redact(&mut self, redactor: &Redactor) {
        self.iter_mut().for_each(|inner| inner.redact(redactor));
    }
}

/// Implements [`Redact`] for a struct. Every field must be named, so a new one cannot be forgotten.
macro_rules! redact_fields {
    ($type:ident { text: [$($text:ident),* $(,)?], plain: [$($plain:ident),* $(,)?] }) => {
        impl $crate::redact::Redact for $type {
            #[expect(clippy::allow_attributes, reason = "a struct without texts does not use the redactor")]
            fn redact(&mut self, #[allow(unused_variables, reason = "as above")] redactor: &$crate::redact::Redactor) {
                let Self { $($text,)* $($plain: _,)* } = self;
                $($text.redact(redactor);)*
            }
        }
    };
}
pub(crate) use redact_fields;
