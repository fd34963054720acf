//! An absolute path on its way to another process: its bytes, checked again at the other end.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use policy::plan::AbsolutePath;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) fn serialize<S: Serializer>(path: &AbsolutePath, to: S) -> Result<S::Ok, S::Error> {
    path.as_path().as_os_str().as_bytes().serialize(to)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<AbsolutePath, D::Error> {
    let bytes = Vec::<u8>::deserialize(from)?;
    AbsolutePath::new(OsString::from_vec(bytes)).ok_or_else(|| D::Error::custom("a path is not absolute"))
}
