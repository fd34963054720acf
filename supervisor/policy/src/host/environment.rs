//! Environment: which variables a server may see, and which a policy may read to fill them.

use super::desk::{Allowed, Desk};
use super::document::Maximum;
use super::roots::{Places, allowed};
use crate::document::list::Subject;
use crate::document::secret::Secret;
use crate::document::sections::Document;
use crate::document::template::{Part, Template, Variable as Named};
use crate::document::{At, glob};
use crate::plan::{AbsolutePath, Ask, Origin, Rule, SecretSource, ValueSource, Variable};

impl Desk<'_> {
    /// Refuses variables that the host does not let through, under whatever name they come.
    pub(super) fn environment(&mut self, maximum: &Maximum, document: &Document, variables: &[Variable]) {
        let Some(list) = &maximum.environment else { return };
        let items = list.value.0.iter().map(|item| item.value.show()).collect();
        let allowed = Allowed { key: "maximum.environment", origin: &list.origin, items };
        let passes = |name: &str| list.value.0.iter().any(|item| glob::matches(&item.value.0, name));
        for Variable { name, source, from } in variables {
            let rule = self.rule(*from);
            if !passes(name) {
                self.outside(&rule, &format!("the variable `{name}`"), &allowed);
            }
            if let ValueSource::Secret(SecretSource::Environment(source)) = source
                && source != name
                && !passes(source)
            {
                self.outside(&rule, &format!("the variable `{source}`, from which it is filled,"), &allowed);
            }
        }
        for (text, origin, name) in read_by(document).into_iter().filter(|(.., name)| !passes(name)) {
            let rule = Rule { text, origin, reason: None, ask: Ask::Environment };
            self.outside(&rule, &format!("the variable `{name}`, which is read here,"), &allowed);
        }
    }

    /// Secrets are fetched outside of the sandbox: their files are bounded like what is read, their programs like
    /// what is executed.
    pub(super) fn secrets(&mut self, places: &Places, variables: &[Variable]) {
        for Variable { source, from, .. } in variables {
            let ValueSource::Secret(source) = source else { continue };
            match source {
                SecretSource::File(path) => self.secret_file(places, &self.rule(*from), path),
                SecretSource::Command(words) => self.secret_program(places, &self.rule(*from), words),
                // A variable's name is bounded above; a keyring is asked by a program of mcpguard's choice.
                SecretSource::Environment(_) | SecretSource::Keyring { .. } => {}
            }
        }
    }

    fn secret_file(&mut self, places: &Places, rule: &Rule, path: &AbsolutePath) {
        let real = (self.caller.real)(path);
        let what = format!("`{}`, to be read,", self.shown(path));
        if let Some(host) = places.closing(path, &real) {
            self.closed(rule, &what, host);
        } else if let Some(roots) = places.read.as_ref().filter(|_| !places.may_read(&real)) {
            self.outside(rule, &what, &allowed(roots, &[&places.write, &places.programs]));
        }
    }

    /// A bare name would be looked for in the user's `PATH` again when it is run.
    fn secret_program(&mut self, places: &Places, rule: &Rule, words: &[String]) {
        let Some(roots) = &places.programs else { return };
        let name = words.first().map(String::as_str).unwrap_or_default();
        match AbsolutePath::new(name) {
            Some(path) if roots.hold(&(self.caller.real)(&path)) => {}
            Some(path) => {
                let what = format!("`{}`, to be executed,", self.shown(&path));
                self.outside(rule, &what, &allowed(roots, &[]));
            }
            None => {
                self.outside(rule, &format!("`{name}`, which is not an absolute path,"), &allowed(roots, &[]))
            }
        }
    }
}

/// The variables that are read by `${env:NAME}` in values and commands, with their places.
fn read_by(document: &Document) -> Vec<(String, Origin, String)> {
    let Some(At { value: environment, .. }) = &document.environment else { return Vec::new() };
    let mut read = Vec::new();
    for (key, value) in environment.set.iter().flat_map(|at| &at.value.0) {
        note(&format!("environment.set.{}", key.value.0), value, &mut read);
    }
    for (key, secret) in environment.secrets.iter().flat_map(|at| &at.value.0) {
        if let Secret::Command(words) = secret {
            let text = format!("environment.secrets.{}", key.value.0);
            words.value.0.iter().for_each(|word| note(&text, word, &mut read));
        }
    }
    read
}

fn note(text: &str, At { value, origin }: &At<Template>, read: &mut Vec<(String, Origin, String)>) {
    for part in value.parts() {
        if let Part::Variable(Named::Environment { name, .. }) = part {
            read.push((text.to_owned(), origin.clone(), name.clone()));
        }
    }
}
