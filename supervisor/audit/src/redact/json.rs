//! Arguments of a call, as much of them as the policy wants in the log, without secrets and never without bound.

use std::fmt;

use serde::de::{Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use super::Redactor;

/// Bytes of a text that are written down at most.
pub(super) const MAX_TEXT_BYTES: usize = 4096;

/// Bytes of all texts and numbers of one argument object that are written down at most.
const MAX_TOTAL_BYTES: usize = 64 * 1024;

/// Levels of objects and arrays that are written down.
const MAX_DEPTH: usize = 16;

/// How much of a call's arguments is written down. Secrets never are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    None,
    /// Names and types: `{"path": "string", "lines": "array"}`.
    Names,
    /// Values: texts cut at 4 KiB each and 64 KiB together, 16 levels deep, secrets replaced.
    #[default]
    Redacted,
}

impl Redactor {
    /// The JSON text as it may be written down, or `None` where nothing may.
    /// Numbers that JSON readers would round are kept exact, as strings.
    pub fn json(&self, text: &str, detail: Detail) -> Option<Value> {
        if detail == Detail::None {
            return None;
        }
        let mut walk = Walk { redactor: self, detail, left: MAX_TOTAL_BYTES };
        let raw = serde_json::from_str::<&RawValue>(text);
        Some(raw.map_or_else(
            |_| Value::String(format!("[not JSON: {} bytes]", text.len())),
            |raw| walk.value(raw, 0),
        ))
    }
}

/// The state of one walk over a JSON text.
struct Walk<'r> {
    redactor: &'r Redactor,
    detail: Detail,
    /// Bytes that may still be written.
    left: usize,
}

impl Walk<'_> {
    /// Walks over raw slices, because a number's own digits are needed: a secret may be one.
    fn value(&mut self, raw: &RawValue, depth: usize) -> Value {
        let text = raw.get();
        let nested = text.starts_with(['{', '[']);
        if self.left == 0 || nested && depth == MAX_DEPTH {
            return cut(text.len());
        }
        match text.as_bytes().first() {
            Some(b'{') => self.object(text, depth),
            Some(b'[') if self.detail == Detail::Names => Value::String("array".to_owned()),
            Some(b'[') => self.array(text, depth),
            _ if self.detail == Detail::Names => Value::String(type_name(text).to_owned()),
            Some(b'"') => self.string(text),
            Some(b't') => Value::Bool(true),
            Some(b'f') => Value::Bool(false),
            Some(b'n') => Value::Null,
            _ => self.number(text),
        }
    }

    fn object(&mut self, text: &str, depth: usize) -> Value {
        let mut clean = Map::new();
        let mut total = 0;
        let walked = members(text, |name, raw| {
            total += 1;
            if self.left > 0 {
                let name = self.take(&name);
                let value = self.value(raw, depth + 1);
                clean.insert(unused(&clean, name), value);
            }
        });
        if total > clean.len() {
            let note = format!("[cut: {} members]", total - clean.len());
            clean.insert(unused(&clean, note), Value::Null);
        }
        walked.map_or_else(|_| cut(text.len()), |()| Value::Object(clean))
    }

    fn array(&mut self, text: &str, depth: usize) -> Value {
        let mut clean = Vec::new();
        let mut total = 0;
        let walked = elements(text, |raw| {
            total += 1;
            if self.left > 0 {
                clean.push(self.value(raw, depth + 1));
            }
        });
        if total > clean.len() {
            clean.push(Value::String(format!("[cut: {} elements]", total - clean.len())));
        }
        walked.map_or_else(|_| cut(text.len()), |()| Value::Array(clean))
    }

    fn string(&mut self, text: &str) -> Value {
        match serde_json::from_str::<String>(text) {
            Ok(string) => Value::String(self.take(&string)),
            // A lone surrogate: valid JSON text without a reading as characters. Its spelling is recorded.
            Err(_) => Value::String(self.take(text)),
        }
    }

    fn number(&mut self, text: &str) -> Value {
        let clean = self.take(text);
        match serde_json::from_str::<Number>(&clean) {
            Ok(number) if number.to_string() == clean => Value::Number(number),
            _ => Value::String(clean),
        }
    }

    /// Cleans a text and pays for it; one byte at least, so that a million empty texts end too.
    fn take(&mut self, text: &str) -> String {
        let clean =
            clean_text(self.redactor, text, MAX_TEXT_BYTES.min(self.left)).unwrap_or_else(|| text.to_owned());
        self.left = self.left.saturating_sub(clean.len().max(1));
        clean
    }
}

/// The text without secrets and cut to `limit` bytes; `None` if it can stay.
pub(super) fn clean_text(redactor: &Redactor, text: &str, limit: usize) -> Option<String> {
    if text.len() <= limit {
        return match redactor.text(text) {
            std::borrow::Cow::Borrowed(_) => None,
            std::borrow::Cow::Owned(clean) => Some(clean),
        };
    }
    // Not cut first and cleaned then: a cut through a secret would leave a part of it that is not found any more.
    Some(format!("{}…[cut: {} bytes in all]", redactor.start_of(text, limit), text.len()))
}

/// Cleans texts of a value that was built elsewhere.
pub(super) fn clean_value(redactor: &Redactor, value: &mut Value) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => {
            if let Some(clean) = clean_text(redactor, &number.to_string(), MAX_TEXT_BYTES) {
                *value = Value::String(clean);
            }
        }
        Value::String(text) => {
            if let Some(clean) = clean_text(redactor, text, MAX_TEXT_BYTES) {
                *text = clean;
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| clean_value(redactor, element)),
        Value::Object(members) => {
            let unclean = members.keys().any(|name| clean_text(redactor, name, MAX_TEXT_BYTES).is_some());
            members.values_mut().for_each(|member| clean_value(redactor, member));
            if unclean {
                *members = renamed(redactor, std::mem::take(members));
            }
        }
    }
}

fn renamed(redactor: &Redactor, members: Map<String, Value>) -> Map<String, Value> {
    let mut clean = Map::new();
    for (name, value) in members {
        let name = clean_text(redactor, &name, MAX_TEXT_BYTES).unwrap_or(name);
        clean.insert(unused(&clean, name), value);
    }
    clean
}

/// The name, or with a number behind it where redaction made two names equal.
fn unused(members: &Map<String, Value>, name: String) -> String {
    if !members.contains_key(&name) {
        return name;
    }
    (2_u64..)
        .map(|number| format!("{name}#{number}"))
        .find(|other| !members.contains_key(other))
        .unwrap_or(name)
}

fn cut(bytes: usize) -> Value {
    Value::String(format!("[cut: {bytes} bytes]"))
}

fn type_name(text: &str) -> &'static str {
    match text.as_bytes().first() {
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    }
}

/// Tells each member of an object without building it.
fn members(text: &str, tell: impl FnMut(String, &RawValue)) -> Result<(), serde_json::Error> {
    struct Members<F>(F);
    impl<'de, F: FnMut(String, &RawValue)> Visitor<'de> for Members<F> {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
            while let Some((name, raw)) = map.next_entry::<String, &'de RawValue>()? {
                (self.0)(name, raw);
            }
            Ok(())
        }
    }
    serde_json::Deserializer::from_str(text).deserialize_map(Members(tell))
}

/// Tells each element of an array without building it.
fn elements(text: &str, tell: impl FnMut(&RawValue)) -> Result<(), serde_json::Error> {
    struct Elements<F>(F);
    impl<'de, F: FnMut(&RawValue)> Visitor<'de> for Elements<F> {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }
        fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
            while let Some(raw) = seq.next_element::<&'de RawValue>()? {
                (self.0)(raw);
            }
            Ok(())
        }
    }
    serde_json::Deserializer::from_str(text).deserialize_seq(Elements(tell))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_kept_and_secrets_are_not() {
        let redactor = Redactor::new([("T", "tok-12345"), ("N", "12345678901234567890123")]);
        let text =
            r#"{"a":"x tok-12345","b":[1,2.5,true,null,12345678901234567890123,1e400],"tok-12345":{"c":""}}"#;
        assert_eq!(
            redactor.json(text, Detail::Redacted),
            Some(json!({
                "a": "x [redacted:T]", "b": [1, 2.5, true, null, "[redacted:N]", "1e400"], "[redacted:T]": {"c": ""},
            }))
        );
        assert_eq!(redactor.json(text, Detail::None), None);
    }

    #[test]
    fn names_and_types_without_values() {
        let json = Redactor::none().json(r#"{"a":"x","b":[1],"c":{"d":2,"e":null},"f":true}"#, Detail::Names);
        assert_eq!(
            json,
            Some(json!({"a": "string", "b": "array", "c": {"d": "number", "e": "null"}, "f": "boolean"}))
        );
    }

    #[test]
    fn nothing_is_without_bound() {
        let long = format!("{:?}", "x".repeat(100_000));
        let many = format!("[{}]", vec!["\"\""; 200_000].join(","));
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        let wide =
            format!("{{{}}}", (0..30_000).map(|n| format!("\"{n}\":{n}")).collect::<Vec<_>>().join(","));
        for text in [long, many, deep, wide] {
            let shown = Redactor::none().json(&text, Detail::Redacted).unwrap().to_string();
            assert!(shown.len() < 5 * MAX_TOTAL_BYTES && shown.contains("[cut: "), "{}", shown.len());
        }
    }

    #[test]
    fn a_cut_never_goes_through_a_secret() {
        let secret = "S3cr3t-".repeat(40);
        let redactor = Redactor::new([("S", &secret)]);
        for before in (MAX_TEXT_BYTES - 300..MAX_TEXT_BYTES + 10).step_by(7) {
            let mut text = format!("{}{secret}{}", "x".repeat(before), "y".repeat(9000));
            super::super::Redact::redact(&mut text, &redactor);
            assert!(!text.contains("S3cr3t"), "{before}");
        }
    }
}
