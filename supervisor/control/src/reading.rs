//! One reading: a payload is JSON that no two readers understand differently, or it is refused.
//!
//! Before a message is taken from it the whole payload is looked at once: no key stands twice in an object, every number
//! is an integer of 64 bits written as one, nothing is nested deeper than [`MAX_DEPTH`], no object has more than
//! [`MAX_KEYS`] keys. That holds for what is then ignored as well.
//!
//! What has fields is an object, never a list of them ([`Objects`]). White space, escapes and the order of keys are free, as
//! everywhere in JSON.

use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::objects::Objects;

/// How deep lists and objects may be nested.
pub const MAX_DEPTH: usize = 12;

/// How many keys one object may have. No message has more than 32.
pub const MAX_KEYS: usize = 64;

/// The most bytes of what is said about a payload: it may quote the payload.
const MAX_WHAT: usize = 300;

/// Why a payload is no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message cannot be read: {what}")]
pub struct Unreadable {
    what: String,
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        let mut what = error.to_string();
        if what.len() > MAX_WHAT {
            what.truncate(what.floor_char_boundary(MAX_WHAT));
            what.push('…');
        }
        // It is printed and logged, and the peer has chosen some of it.
        Self { what: what.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect() }
    }
}

/// Reads a message.
///
/// # Errors
/// See [`Unreadable`]: it is not JSON of one reading, or not this message.
pub(crate) fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Unreadable> {
    let mut json = serde_json::Deserializer::from_slice(payload);
    Sound { room: MAX_DEPTH }.deserialize(&mut json)?;
    json.end()?;
    Ok(T::deserialize(Objects(&mut serde_json::Deserializer::from_slice(payload)))?)
}

/// A value that may be nested so deep, and that is looked at and dropped.
#[derive(Clone, Copy)]
struct Sound {
    room: usize,
}

impl Sound {
    fn inside<E: Error>(self) -> Result<Self, E> {
        let room = self.room.checked_sub(1);
        room.map(|room| Self { room })
            .ok_or_else(|| E::custom(format_args!("it is nested more than {MAX_DEPTH} deep")))
    }
}

impl<'de> DeserializeSeed<'de> for Sound {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Sound {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Err(E::custom("a number is not an integer of 64 bits"))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while elements.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        let mut seen: Vec<String> = Vec::new();
        while let Some(key) = members.next_key::<String>()? {
            if seen.contains(&key) {
                return Err(A::Error::custom(format_args!("the key `{key}` stands twice in one object")));
            }
            if seen.len() == MAX_KEYS {
                return Err(A::Error::custom(format_args!("an object has more than {MAX_KEYS} keys")));
            }
            seen.push(key);
            members.next_value_seed(inside)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::*;

    fn look(text: &[u8]) -> Result<(), String> {
        read::<IgnoredAny>(text).map(|_| ()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_has_one_reading_is_read() {
        for text in
            ["{}", r#" {"a":[1,-2,18446744073709551615,"\u00e4",null,true]} "#, r#"[{"a":1},{"a":2}]"#]
        {
            assert_eq!(look(text.as_bytes()), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        for (text, why) in [
            (&br#"{"a":1,"a":1}"#[..], "`a` stands twice"),
            (br#"{"a":1,"\u0061":1}"#, "`a` stands twice"),
            (br#"{"x":{"y":[{"a":1,"b":2,"a":3}]}}"#, "`a` stands twice"),
            (b"1.0", "not an integer"),
            (b"1e2", "not an integer"),
            (b"-0", "not an integer"),
            (b"18446744073709551616", "not an integer"),
            (b"\"\xff\"", "unicode"),
            (br#""\ud800""#, "hex escape"),
            (br#""\ud800\u0041""#, "surrogate"),
            (b"{} {}", "trailing"),
            (b"{", "EOF"),
            (b"", "EOF"),
            (b"\xef\xbb\xbf{}", "expected value"),
            (b"{'a':1}", "key must be a string"),
            (b"[1,]", "trailing comma"),
            (b"nul", "EOF"),
        ] {
            let error = look(text).unwrap_err();
            assert!(error.contains(why), "{}: {error}", text.escape_ascii());
        }
    }

    #[test]
    fn depth_and_keys_are_bounded() {
        let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
        assert_eq!(look(nested(MAX_DEPTH).as_bytes()), Ok(()));
        assert!(look(nested(MAX_DEPTH + 1).as_bytes()).unwrap_err().contains("12 deep"));
        assert!(look("[".repeat(1_000_000).as_bytes()).unwrap_err().contains("12 deep"));
        let keys = |count: usize| {
            let members: Vec<String> = (0..count).map(|key| format!("\"{key}\":0")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert_eq!(look(keys(MAX_KEYS).as_bytes()), Ok(()));
        assert!(look(keys(MAX_KEYS + 1).as_bytes()).unwrap_err().contains("64 keys"));
    }

    #[test]
    fn what_is_said_is_short_and_plain() {
        let key = format!("{}\\u001b[2J", "ä".repeat(1000));
        let error = look(format!(r#"{{"{key}":1,"{key}":1}}"#).as_bytes()).unwrap_err();
        assert!(error.len() < 400 && !error.contains('\u{1b}'), "{error}");
        let error = look(br#"{"\u001b[2J":1,"\u001b[2J":1}"#).unwrap_err();
        assert!(error.contains("\u{fffd}[2J"), "{error}");
    }
}
