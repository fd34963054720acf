//! Why a line is not exactly one JSON text with exactly one reading.

/// What is wrong with a line. Offsets are bytes from the start of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// RFC 8259 §8.1: a JSON text is UTF-8.
    #[error("invalid UTF-8 at byte {0}")]
    Utf8(u32),
    /// RFC 8259 §8.1: no byte order mark.
    #[error("byte order mark")]
    ByteOrderMark,
    /// RFC 8259 §7: control characters (NUL among them) are escaped inside of strings and absent outside.
    #[error("unescaped control character at byte {0}")]
    Control(u32),
    /// A carriage return that does not stand directly before the newline. RFC 8259 would allow it as white space,
    /// but readers with universal newlines (Python's text mode) end a line at it and so see other messages.
    #[error("carriage return inside of a line at byte {0}")]
    CarriageReturn(u32),
    /// RFC 8259 §2–§7: not JSON, or bytes after the value.
    #[error("not JSON at byte {0}")]
    Grammar(u32),
    /// The line ends inside of a value.
    #[error("the line ends inside of a JSON value")]
    Truncated,
    /// More than [`super::MAX_DEPTH`] levels of nesting.
    #[error("nested deeper than {limit} levels at byte {0}", limit = super::MAX_DEPTH)]
    TooDeep(u32),
    /// RFC 8259 §4: with equal keys the behaviour of readers is unpredictable.
    #[error("duplicate key in the object that ends at byte {0}")]
    DuplicateKey(u32),
    /// RFC 8259 §8.2: a key with half a surrogate pair has no defined meaning.
    #[error("a key with a lone surrogate at byte {0}")]
    LoneSurrogate(u32),
}
