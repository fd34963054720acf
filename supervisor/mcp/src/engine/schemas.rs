//! The schemas that the server has told for its tools. Compiled when they are first needed.

use std::collections::BTreeMap;

use arguments::Schema;

use crate::{value, words};

/// Bytes of schemas that are kept; those of tools that are listed when it is full count as unusable.
const MAX_BYTES: usize = 8 << 20;
/// Tools whose schemas are kept.
const MAX_TOOLS: usize = 4096;

/// What is known of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// The server has listed it.
    Listed,
    /// It has not.
    Unlisted,
}

/// The schemas of the tools that the server has listed in this session, the newest of each.
#[derive(Default)]
pub(super) struct Schemas {
    tools: BTreeMap<String, Told>,
    bytes: usize,
}

#[derive(Default)]
struct Told {
    input: Kept,
    output: Kept,
    bytes: usize,
}

/// One schema.
#[derive(Default)]
enum Kept {
    /// The tool has none.
    #[default]
    None,
    /// As it was told.
    Raw(Box<[u8]>),
    Ready(Box<Schema>),
    /// Without the patterns that cannot be applied, and why not.
    Partly(Box<Schema>, String),
    /// Why it cannot be used.
    Broken(String),
}

impl Schemas {
    /// The server has listed this tool.
    pub(super) fn listed(&mut self, name: &str, tool: &[u8]) {
        self.bytes -= self.tools.remove(name).map_or(0, |told| told.bytes);
        if self.tools.len() >= MAX_TOOLS {
            return;
        }
        let (input, output) = (raw(tool, "inputSchema"), raw(tool, "outputSchema"));
        let bytes = [&input, &output].into_iter().map(|kept| kept.bytes()).sum();
        let full = || Kept::Broken("the server tells more schemas than are kept".to_owned());
        let told = match self.bytes + bytes <= MAX_BYTES {
            true => Told { input, output, bytes },
            false => Told { input: full(), output: full(), bytes: 0 },
        };
        self.bytes += told.bytes;
        self.tools.insert(name.to_owned(), told);
    }

    pub(super) fn known(&self, tool: &str) -> Known {
        if self.tools.contains_key(tool) { Known::Listed } else { Known::Unlisted }
    }

    /// The schema of the tool's arguments, as far as there is one that can be used.
    pub(super) fn input(&mut self, tool: &str) -> Option<&Schema> {
        self.tools.get_mut(tool)?.input.usable()
    }

    /// The schema of its structured answers; or why it cannot be used.
    pub(super) fn output(&mut self, tool: &str) -> Result<Option<&Schema>, &str> {
        self.tools.get_mut(tool).map_or(Ok(None), |told| told.output.ready())
    }

    /// Why the schema of its arguments cannot be used.
    pub(super) fn input_fault(&mut self, tool: &str) -> Option<String> {
        self.tools.get_mut(tool)?.input.ready().err().map(str::to_owned)
    }

    /// Why the schema of its answers cannot be used.
    pub(super) fn output_fault(&mut self, tool: &str) -> Option<String> {
        self.tools.get_mut(tool)?.output.ready().err().map(str::to_owned)
    }
}

impl Kept {
    fn bytes(&self) -> usize {
        match self {
            Self::Raw(raw) => raw.len(),
            Self::None | Self::Ready(_) | Self::Partly(..) | Self::Broken(_) => 0,
        }
    }

    fn ready(&mut self) -> Result<Option<&Schema>, &str> {
        if let Self::Raw(raw) = self {
            *self = compiled(raw);
        }
        match self {
            Self::None | Self::Raw(_) => Ok(None),
            Self::Ready(schema) => Ok(Some(schema)),
            Self::Partly(_, fault) | Self::Broken(fault) => Err(fault),
        }
    }

    /// What can be checked of it.
    fn usable(&mut self) -> Option<&Schema> {
        if let Self::Raw(raw) = self {
            *self = compiled(raw);
        }
        match self {
            Self::Ready(schema) | Self::Partly(schema, _) => Some(schema),
            Self::None | Self::Raw(_) | Self::Broken(_) => None,
        }
    }
}

fn compiled(raw: &[u8]) -> Kept {
    let read = serde_json::from_slice(raw).map_err(|error| error.to_string());
    match read.and_then(|schema| Schema::compile_usable(&schema).map_err(|error| error.to_string())) {
        Ok((schema, None)) => Kept::Ready(Box::new(schema)),
        Ok((schema, Some(fault))) => Kept::Partly(Box::new(schema), fault.to_string()),
        Err(fault) => Kept::Broken(fault),
    }
}

/// A member of the tool. One under a key that some readers take for it cannot be told apart from it.
fn raw(tool: &[u8], key: &str) -> Kept {
    let alike = |name: &[u8]| words::alike(&value::unescaped(name).collect::<Vec<_>>(), key);
    if value::members(tool).any(|(name, _)| alike(name)) {
        return Kept::Broken(format!("it has a member that could be mistaken for `{key}`"));
    }
    match value::member(tool, key) {
        None | Some(b"null") => Kept::None,
        Some(raw) => Kept::Raw(raw.into()),
    }
}
