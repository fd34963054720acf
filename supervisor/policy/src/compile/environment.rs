//! `environment` → the server's whole environment.

use std::collections::BTreeMap;

use super::{Compiler, expand_path, expand_text};
use crate::document::At;
use crate::document::list::Item;
use crate::document::names::VariableName;
use crate::document::path::PathText;
use crate::document::secret::Secret;
use crate::document::sections::Environment;
use crate::document::template::Template;
use crate::plan::{AbsolutePath, Ask, Origin, SecretSource, ValueSource, Variable};

/// What a file says about a variable.
enum Entry {
    Pass(Option<String>),
    Set(At<Template>),
    Secret(Secret),
}

impl Compiler<'_> {
    /// A variable that several files speak about is what the latest says.
    pub(super) fn environment(&mut self, Environment { pass, set, secrets }: Environment) -> Vec<Variable> {
        let mut entries: BTreeMap<String, (Origin, Entry)> = BTreeMap::new();
        let pass = pass.into_iter().flat_map(|at| at.value.0).map(|item| {
            let Item { value: VariableName(name), reason, origin } = item;
            (name, origin, Entry::Pass(reason))
        });
        let set = set.into_iter().flat_map(|at| at.value.0);
        let set = set.map(|(key, value)| (key.value.0, key.origin, Entry::Set(value)));
        let secrets = secrets.into_iter().flat_map(|at| at.value.0);
        let secrets = secrets.map(|(key, secret)| (key.value.0, key.origin, Entry::Secret(secret)));
        for (name, origin, entry) in pass.chain(set).chain(secrets) {
            let later =
                entries.get(&name).is_some_and(|(known, _)| self.policy.order().is_earlier(&origin, known));
            if !later {
                entries.insert(name, (origin, entry));
            }
        }
        if entries.is_empty() {
            self.ledger.default_deny("environment: empty", Ask::Environment);
        }
        let mut variables = Vec::new();
        for (name, (origin, entry)) in entries {
            variables.extend(self.variable(name, &origin, entry));
        }
        variables
    }

    fn variable(&mut self, name: String, origin: &Origin, entry: Entry) -> Option<Variable> {
        let (text, reason, source) = match entry {
            Entry::Pass(reason) => {
                (format!("environment.pass: {name}"), reason, Some(ValueSource::Inherited))
            }
            Entry::Set(template) => {
                let text = format!("environment.set.{name}: {}", template.value.raw());
                (text, None, self.text(&template).map(ValueSource::Literal))
            }
            Entry::Secret(secret) => {
                (format!("environment.secrets.{name}"), None, self.secret(secret).map(ValueSource::Secret))
            }
        };
        let from = self.ledger.rule(text, origin, reason, Ask::Environment);
        source.map(|source| Variable { name, source, from })
    }

    fn secret(&mut self, secret: Secret) -> Option<SecretSource> {
        match secret {
            Secret::Environment(name) => Some(SecretSource::Environment(name.value.0)),
            Secret::File(path) => self.single_path(&path).map(SecretSource::File),
            Secret::Command(words) => {
                let words: Option<Vec<String>> = words.value.0.iter().map(|word| self.text(word)).collect();
                words.map(SecretSource::Command)
            }
            Secret::Keyring { at: _, service, user } => Some(SecretSource::Keyring { service, user }),
        }
    }

    /// Expands text; a variable that is not set is noted.
    pub(super) fn text(&mut self, At { value, origin }: &At<Template>) -> Option<String> {
        let expanded = expand_text(value, self.context);
        expanded.map_err(|complaint| self.ledger.report.complain(origin, complaint)).ok()
    }

    /// Expands a path that must be a single one.
    pub(super) fn single_path(&mut self, At { value, origin }: &At<PathText>) -> Option<AbsolutePath> {
        match expand_path(value, self.context) {
            Ok(mut paths) if paths.len() == 1 => paths.pop(),
            Ok(paths) => {
                let message = format!("one path is wanted here; `{}` is {}", value.raw(), paths.len());
                self.ledger.report.error(origin, message);
                None
            }
            Err(complaint) => {
                self.ledger.report.complain(origin, complaint);
                None
            }
        }
    }
}
