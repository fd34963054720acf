//! A surface as a file: a session leaves what it saw, and whoever accepts it later reads it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Surface, SurfaceError};
use crate::identity::{Identity, Told};
use crate::item::Item;
use crate::json::Node;
use crate::list::{List, ReadError};

/// The most bytes of such a file.
pub const MAX_SURFACE_FILE: usize = 16 << 20;

/// The only version so far.
const VERSION: u32 = 1;

/// Why a text is no surface.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SurfaceFileError {
    /// More than [`MAX_SURFACE_FILE`] bytes.
    #[error("the file of what a server showed has {0} bytes; {MAX_SURFACE_FILE} are the most")]
    TooLarge(usize),
    /// No JSON of this shape.
    #[error("no file of what a server showed: {0}")]
    Shape(String),
    /// Another version.
    #[error("the file of what a server showed has version {0}; this program reads version {VERSION}")]
    Version(u32),
    /// Something listed cannot be read.
    #[error("a {0} in the file of what a server showed: {1}")]
    Read(List, ReadError),
    /// The parts do not fit together.
    #[error(transparent)]
    Surface(#[from] SurfaceError),
}

/// The digests are not in the file: whoever reads it computes them, so that nobody has to believe them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<Identity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told: Option<Told>,
    #[serde(default)]
    complete: BTreeSet<List>,
    #[serde(default)]
    tools: Vec<Box<RawValue>>,
    #[serde(default)]
    prompts: Vec<Box<RawValue>>,
    #[serde(default)]
    resources: Vec<Box<RawValue>>,
    #[serde(default)]
    templates: Vec<Box<RawValue>>,
}

impl Surface {
    /// The surface as one line of JSON.
    pub fn to_json(&self) -> String {
        let items = |list| self.items.get(&list).into_iter().flatten().map(|(_, item)| &item.node);
        let file = File {
            version: VERSION,
            identity: self.identity.clone(),
            told: self.told.clone(),
            complete: self.complete.clone(),
            tools: raw(self.tools.values().map(|tool| &tool.node)),
            prompts: raw(items(List::Prompts)),
            resources: raw(items(List::Resources)),
            templates: raw(items(List::Templates)),
        };
        // Texts, numbers and JSON that is JSON already: there is nothing that could fail.
        serde_json::to_string(&file).unwrap_or_default()
    }

    /// Reads such a text.
    ///
    /// # Errors
    /// See [`SurfaceFileError`]; a member that is unknown is an error.
    pub fn from_json(text: &str) -> Result<Self, SurfaceFileError> {
        if text.len() > MAX_SURFACE_FILE {
            return Err(SurfaceFileError::TooLarge(text.len()));
        }
        checked_version(text)?;
        let File { version: _, identity, told, complete, tools, prompts, resources, templates } =
            serde_json::from_str(text).map_err(shape)?;
        let mut surface = Self { identity, complete, ..Self::default() };
        told.map_or(Ok(()), |told| surface.set_told(told))?;
        surface.add_all(List::Tools, &tools)?;
        surface.add_all(List::Prompts, &prompts)?;
        surface.add_all(List::Resources, &resources)?;
        surface.add_all(List::Templates, &templates)?;
        Ok(surface)
    }

    fn add_all(&mut self, list: List, raw: &[Box<RawValue>]) -> Result<(), SurfaceFileError> {
        raw.iter().try_for_each(|raw| {
            let item = Item::read(list, raw).map_err(|error| SurfaceFileError::Read(list, error))?;
            Ok(self.add(item)?)
        })
    }
}

/// The version is read first: another version may have other members.
fn checked_version(text: &str) -> Result<(), SurfaceFileError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    match serde_json::from_str(text).map_err(shape)? {
        Versioned { version: VERSION } => Ok(()),
        Versioned { version } => Err(SurfaceFileError::Version(version)),
    }
}

/// serde_json's messages name what was found, which may be anything.
fn shape(error: serde_json::Error) -> SurfaceFileError {
    SurfaceFileError::Shape(crate::visible::plain(&error.to_string()))
}

fn raw<'a>(nodes: impl Iterator<Item = &'a Node>) -> Vec<Box<RawValue>> {
    nodes.filter_map(|node| RawValue::from_string(node.canonical()).ok()).collect()
}
