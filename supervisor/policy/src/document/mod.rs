//! The document: the shape of one policy text. Every key, its type and its description stand here once;
//! decoder, merge and JSON Schema are made from them.

pub(crate) mod access;
pub(crate) mod address;
pub(crate) mod alert_words;
pub(crate) mod alerts;
pub(crate) mod argument;
pub(crate) mod content;
pub(crate) mod decode;
pub(crate) mod destination;
pub(crate) mod glob;
pub(crate) mod list;
pub(crate) mod names;
pub(crate) mod numbers;
pub(crate) mod path;
mod public;
pub(crate) mod range;
pub(crate) mod secret;
pub(crate) mod section;
pub(crate) mod sections;
pub(crate) mod spelling;
pub(crate) mod table;
pub(crate) mod template;
pub(crate) mod tool;
pub(crate) mod words;

pub use public::is_public;

pub(crate) use decode::{At, Decode, FromText, text};
pub(crate) use section::Merge;
pub(crate) use sections::Document;
