//! `tools/list`: tools that are closed to the caller are cut out of the answer; every other byte stays as the server wrote it.

use std::collections::BTreeSet;

use super::schemas::Schemas;
use crate::scan::Slot;
use crate::screen::with_only;
use crate::{message::Message, value, words};

/// Names of hidden tools that a fact carries.
const MAX_NAMES: usize = 256;

/// What became of a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cut {
    /// The line without what was cut; `None` if nothing was.
    pub(super) line: Option<Vec<u8>>,
    pub(super) hidden: Vec<String>,
    pub(super) hidden_count: u64,
    /// Tools without a readable name or with a name that came before.
    pub(super) dropped: u64,
}

/// The tools cannot be told, so nothing of the list may pass.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

pub(super) fn cut(
    message: &Message<'_>,
    is_closed: impl Fn(&str) -> bool,
    schemas: &mut Schemas,
) -> Result<Cut, Unreadable> {
    let Some(tools) = message.raw(Slot::ResultTools).filter(|raw| value::is_array(raw)) else {
        return Err(Unreadable);
    };
    let mut cut = Cut::default();
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for tool in value::elements(tools) {
        let Some(name) = name(tool) else {
            cut.dropped += 1;
            continue;
        };
        match (!is_closed(&name), seen.contains(&name)) {
            (false, _) => cut.hide(name),
            (true, true) => cut.dropped += 1,
            (true, false) => {
                schemas.listed(&name, tool);
                seen.insert(name);
                kept.push(tool);
            }
        }
    }
    if cut.hidden_count + cut.dropped > 0 {
        cut.line = Some(with_only(message.line(), tools, &kept));
    }
    Ok(cut)
}

impl Cut {
    fn hide(&mut self, name: String) {
        self.hidden_count += 1;
        if self.hidden.len() < MAX_NAMES {
            self.hidden.push(name);
        }
    }
}

/// The tool's name, if it has exactly one that every reader reads.
fn name(tool: &[u8]) -> Option<String> {
    if !value::is_object(tool)
        || value::members(tool)
            .any(|(key, _)| words::alike(&value::unescaped(key).collect::<Vec<_>>(), "name"))
    {
        return None;
    }
    value::member(tool, "name").and_then(value::string)
}
