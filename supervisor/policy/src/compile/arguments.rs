//! `tools.<name>.arguments` → what the doorman checks.

use super::Compiler;
use crate::document::At;
use crate::document::argument::{Argument, ArgumentKeys, ArgumentType};
use crate::document::list::{Filled, Item, Subject};
use crate::document::names::ArgumentName;
use crate::document::path::Program;
use crate::document::table::Table;
use crate::plan::{ArgumentKind, ArgumentRule, Ask, Finite};

impl Compiler<'_> {
    /// The rules of a tool's arguments, which `keys_of` has noted where they are written.
    pub(super) fn arguments(
        &mut self,
        arguments: Option<At<Table<ArgumentName, Argument>>>,
    ) -> Vec<ArgumentRule> {
        let mut rules = Vec::new();
        for (name, Argument(keys)) in arguments.into_iter().flat_map(|at| at.value.0) {
            let from = self.ledger.noted(&name.origin, &Ask::Arguments);
            if let Some(kind) = self.argument_kind(keys) {
                rules.push(ArgumentRule { name: name.value.0, kind, from });
            }
        }
        rules
    }

    /// `None` only where the document was not complete, which was noted when it was read.
    fn argument_kind(&mut self, keys: ArgumentKeys) -> Option<ArgumentKind> {
        let ArgumentKeys {
            kind,
            within,
            schemes,
            allowed_domains,
            allowed_programs,
            statements,
            max_length,
            min,
            max,
            values,
            pattern,
            reason: _,
        } = keys;
        let max_length = max_length.map(|at| at.value.get());
        let number = |at: At<crate::document::numbers::Bound>| Finite::new(at.value.0);
        Some(match kind?.value {
            ArgumentType::Path => {
                let items = within.into_iter().flat_map(|at| at.value.0);
                let within = items.flat_map(|item| self.paths(&item.value.0, &item.origin)).collect();
                ArgumentKind::Path { within }
            }
            ArgumentType::Url => {
                ArgumentKind::Url { schemes: shown(schemes), hosts: shown(allowed_domains), max_length }
            }
            ArgumentType::Command => {
                let items = allowed_programs.into_iter().flat_map(|at| at.value.0);
                let programs = items.flat_map(|item| self.argument_program(item)).collect();
                ArgumentKind::Command { programs, max_length }
            }
            ArgumentType::Sql => ArgumentKind::Sql { statements: shown(statements), max_length },
            ArgumentType::Text => ArgumentKind::Text { max_length: max_length? },
            ArgumentType::Number => {
                ArgumentKind::Number { min: min.and_then(number), max: max.and_then(number) }
            }
            ArgumentType::Enum => ArgumentKind::Enum { values: shown(values) },
            ArgumentType::Pattern => ArgumentKind::Pattern { pattern: pattern?.value.0, max_length },
        })
    }

    /// A program is compared as it is written in the call: a bare name stays one.
    fn argument_program(&mut self, Item { value, origin, .. }: Item<Program>) -> Vec<String> {
        match value {
            Program::Name(name) => vec![name],
            Program::Path(path) => {
                let paths = self.paths(&path, &origin);
                paths.iter().map(|path| path.as_path().to_string_lossy().into_owned()).collect()
            }
        }
    }
}

/// The items as they are written.
fn shown<T: Subject>(list: Option<At<Filled<Item<T>>>>) -> Vec<String> {
    list.into_iter().flat_map(|at| at.value.0).map(|item| item.value.show()).collect()
}
