//! Paths and arguments: bytes that need not be UTF-8, in a format that knows text only.
//!
//! Bytes that are UTF-8 stand as that text, and others as `{"base64": "…"}` (RFC 4648 section 4, with padding). Each has
//! exactly one form: text in base64 is refused.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

/// The most bytes of an argument, with what ends it: `MAX_ARG_STRLEN` (Linux `binfmts.h`).
pub const MAX_ARGUMENT: usize = 128 * 1024;

/// The most bytes of a path, with what ends it: `PATH_MAX` (Linux `limits.h`).
pub const MAX_PATH: usize = 4096;

/// Why bytes cannot be an argument or a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BytesError {
    /// A NUL byte ends an argument for the kernel.
    #[error("a path or an argument holds a NUL byte, which would end it; leave it out")]
    Nul,
    /// Longer than the kernel takes.
    #[error("a path or an argument has {length} bytes; the kernel takes fewer than {limit}")]
    TooLong {
        /// What it has, in bytes.
        length: usize,
        /// What the kernel takes, in bytes.
        limit: usize,
    },
    /// A path that depends on where one stands.
    #[error("a path does not begin with `/`; say it from the root")]
    Relative,
}

/// An argument of a command, a name of a process: bytes without NUL, fewer than [`MAX_ARGUMENT`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OsBytes(Vec<u8>);

impl OsBytes {
    /// Takes the bytes.
    ///
    /// # Errors
    /// A NUL byte, or too long.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, BytesError> {
        let bytes = bytes.into();
        check(&bytes, MAX_ARGUMENT)?;
        Ok(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// An absolute path: bytes without NUL that begin with `/`, fewer than [`MAX_PATH`]. It is said, not looked up.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathBytes(Vec<u8>);

impl PathBytes {
    /// Takes the bytes.
    ///
    /// # Errors
    /// A NUL byte, too long, or relative.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, BytesError> {
        let bytes = bytes.into();
        check(&bytes, MAX_PATH)?;
        if bytes.first() == Some(&b'/') { Ok(Self(bytes)) } else { Err(BytesError::Relative) }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

fn check(bytes: &[u8], limit: usize) -> Result<(), BytesError> {
    if bytes.len() >= limit {
        return Err(BytesError::TooLong { length: bytes.len(), limit });
    }
    if bytes.contains(&0) { Err(BytesError::Nul) } else { Ok(()) }
}

impl fmt::Debug for OsBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl fmt::Debug for PathBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl Serialize for OsBytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write(&self.0, to)
    }
}

impl Serialize for PathBytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write(&self.0, to)
    }
}

impl<'de> Deserialize<'de> for OsBytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(from.deserialize_any(Written)?).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for PathBytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(from.deserialize_any(Written)?).map_err(D::Error::custom)
    }
}

/// The one key of bytes that are no text.
const KEY: &str = "base64";

fn write<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return to.serialize_str(text);
    }
    let mut map = to.serialize_map(Some(1))?;
    map.serialize_entry(KEY, &STANDARD.encode(bytes))?;
    map.end()
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or `{\"base64\": …}` for bytes that are no UTF-8")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        Ok(text.into())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Vec<u8>, E> {
        Ok(text.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<u8>, A::Error> {
        let Some((key, text)) = map.next_entry::<String, String>()? else {
            return Err(A::Error::missing_field(KEY));
        };
        if key != KEY || map.next_key::<String>()?.is_some() {
            return Err(A::Error::custom("bytes have one key, `base64`"));
        }
        let bytes = STANDARD.decode(text).map_err(A::Error::custom)?;
        match std::str::from_utf8(&bytes) {
            Ok(_) => Err(A::Error::custom("bytes that are UTF-8 stand as text, not in base64")),
            Err(_) => Ok(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_one_form() {
        for (bytes, form) in [
            (&b"/a b\"\n"[..], r#""/a b\"\n""#),
            (b"", r#""""#),
            (b"/\xff", r#"{"base64":"L/8="}"#),
            ("/ä".as_bytes(), "\"/ä\""),
        ] {
            let value = OsBytes::new(bytes).unwrap();
            assert_eq!(serde_json::to_string(&value).unwrap(), form);
            assert_eq!(serde_json::from_str::<OsBytes>(form).unwrap(), value);
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for form in [
            r#"{"base64":"L2E="}"#,
            r#"{"base64":"L/8"}"#,
            r#"{"base64":"L/9="}"#,
            r#"{"base64":"L_8="}"#,
            r#"{"base64":"L/8=","x":1}"#,
            r#"{"hex":"2fff"}"#,
            "{}",
            "[47,255]",
            "null",
            r#""a\u0000b""#,
            r#"{"base64":"AP8="}"#,
        ] {
            assert!(serde_json::from_str::<OsBytes>(form).is_err(), "{form}");
        }
        assert_eq!(OsBytes::new(vec![b'x'; MAX_ARGUMENT - 1]).unwrap().as_bytes().len(), MAX_ARGUMENT - 1);
        let error = BytesError::TooLong { length: MAX_ARGUMENT, limit: MAX_ARGUMENT };
        assert_eq!(OsBytes::new(vec![b'x'; MAX_ARGUMENT]), Err(error));
    }

    #[test]
    fn a_path_is_said_from_the_root() {
        assert_eq!(PathBytes::new("/").unwrap().as_bytes(), b"/");
        assert_eq!(PathBytes::new("etc"), Err(BytesError::Relative));
        assert_eq!(PathBytes::new(""), Err(BytesError::Relative));
        assert!(PathBytes::new([b"/", &[b'x'; MAX_PATH][..]].concat()).is_err());
        assert!(serde_json::from_str::<PathBytes>("\"etc\"").is_err());
    }
}
