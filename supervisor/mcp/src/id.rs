//! Request ids: how a response finds its request.

use std::fmt;

use crate::value;

/// Bytes of a string id that are accepted; real ones are numbers or UUIDs.
const MAX_TEXT: usize = 512;
/// The largest integer that every reader keeps exactly: JavaScript's `Number.MAX_SAFE_INTEGER`.
const MAX_NUMBER: i64 = (1 << 53) - 1;

/// The id of a request: a string or an integer, never null (MCP base protocol, "Requests").
///
/// `1` and `"1"` are different ids. Numbers that readers round or rewrite (`1.0`, `1e3`, `-0`, beyond ±(2⁵³−1)) are
/// no ids, because the answer would come back under another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestId {
    /// An integer within ±(2⁵³−1).
    Number(i64),
    /// A string of at most 512 bytes, by its meaning.
    Text(Box<str>),
}

impl RequestId {
    /// Reads an id from validated JSON.
    pub(crate) fn read(raw: &[u8]) -> Option<Self> {
        if let Some(number) = value::integer(raw) {
            return (number.abs() <= MAX_NUMBER).then_some(Self::Number(number));
        }
        if raw.len() > MAX_TEXT + 2 {
            return None;
        }
        value::string(raw).map(|text| Self::Text(text.into()))
    }
}

/// As JSON.
impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{}", serde_json::Value::from(&**text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RequestId;

    #[test]
    fn integers_and_strings_are_ids() {
        assert_eq!(RequestId::read(b"0"), Some(RequestId::Number(0)));
        assert_eq!(RequestId::read(br#""\u0031""#), Some(RequestId::Text("1".into())));
        assert_ne!(RequestId::read(b"1"), RequestId::read(br#""1""#));
    }

    #[test]
    fn what_readers_change_is_no_id() {
        let long = format!("\"{}\"", "x".repeat(600));
        for raw in ["1.0", "1e0", "-0", "9007199254740993", "null", "true", "[1]", "{}", r#""\ud800""#, &long]
        {
            assert_eq!(RequestId::read(raw.as_bytes()), None, "{raw}");
        }
    }

    #[test]
    fn shown_as_json() {
        assert_eq!(RequestId::Text("a\"b".into()).to_string(), r#""a\"b""#);
    }
}
