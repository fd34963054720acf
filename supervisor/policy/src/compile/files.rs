//! `filesystem` and `allowed_programs` → grants.

use super::grants::Right;
use super::{Compiler, expand_path, expand_program};
use crate::document::list::{Item, Subject};
use crate::document::numbers::PerMinute;
use crate::document::path::{Denied, PathText, Program};
use crate::document::sections::Filesystem;
use crate::plan::{AbsolutePath, Ask, ClassId, NameRule, Origin, RuleId, UnixSocketRule};

impl Compiler<'_> {
    /// Grants first, then denies: whether a deny lies inside a grant is asked when all grants are known.
    /// Gives the highest number of opened files per minute.
    pub(super) fn filesystem(
        &mut self,
        Filesystem { read, write, deny, max_opens_per_minute }: Filesystem,
    ) -> Option<u32> {
        let read: Vec<Item<PathText>> = read.map(|at| at.value.0).unwrap_or_default();
        let write: Vec<Item<PathText>> = write.map(|at| at.value.0).unwrap_or_default();
        let deny: Vec<Item<Denied>> = deny.map(|at| at.value.0).unwrap_or_default();
        if read.is_empty() && write.is_empty() {
            self.ledger.default_deny("filesystem: nothing is granted", Ask::PathDenyOutsideGrants);
        }
        for item in deny {
            self.deny(item);
        }
        for (key, right, items) in [("read", Right::Read, read), ("write", Right::Write, write)] {
            for Item { value, reason, origin } in items {
                let text = format!("filesystem.{key}: {}", value.show());
                let rule = self.ledger.rule(text, &origin, reason, Ask::PathGrant);
                for path in self.paths(&value, &origin) {
                    self.grant(path, right, ClassId::ALWAYS, rule, &origin);
                }
            }
        }
        let show = |rate: &PerMinute| rate.get().to_string();
        self.ledger.key("filesystem.max_opens_per_minute", &max_opens_per_minute, show, Ask::OpenRate);
        max_opens_per_minute.map(|at| at.value.get32())
    }

    /// What a deny asks of the layers is settled by [`Compiler::settle_denies`].
    fn deny(&mut self, Item { value, reason, origin }: Item<Denied>) {
        let text = format!("filesystem.deny: {}", value.show());
        match value {
            Denied::Name { pattern, .. } => {
                let from = self.ledger.rule(text, &origin, reason, Ask::NameDeny);
                self.grants.deny_name(NameRule { pattern, from });
            }
            Denied::Path(path) => {
                let rule = self.ledger.rule(text, &origin, reason, Ask::PathDenyOutsideGrants);
                for path in self.paths(&path, &origin) {
                    self.grants.deny(path, rule);
                }
            }
        }
    }

    /// Grants a path, unless a deny of the same path that is not later closes it, which is an error.
    pub(super) fn grant(
        &mut self,
        path: AbsolutePath,
        right: Right,
        class: ClassId,
        rule: RuleId,
        origin: &Origin,
    ) {
        let closing = self.grants.denials(&path).find_map(|id| {
            let deny = &self.ledger.rules[id.0 as usize].origin;
            (!self.policy.order().is_earlier(origin, deny)).then(|| deny.clone())
        });
        if let Some(deny) = closing {
            let message = format!(
                "`{}` is granted here and denied in {deny}; at equal length deny wins",
                path.as_path().display()
            );
            self.ledger.report.error(origin, message);
        }
        self.grants.grant(path, right, class, rule);
    }

    /// Grants execution of a program, always or for a class.
    pub(super) fn grant_program(
        &mut self,
        files: Vec<AbsolutePath>,
        class: ClassId,
        rule: RuleId,
        origin: &Origin,
    ) {
        for file in files {
            self.grant(file, Right::Execute, class, rule, origin);
        }
    }

    /// Expands a path; a variable that is not set is noted.
    pub(super) fn paths(&mut self, path: &PathText, origin: &Origin) -> Vec<AbsolutePath> {
        expand_path(path, self.context).unwrap_or_else(|complaint| {
            self.ledger.report.complain(origin, complaint);
            Vec::new()
        })
    }

    /// Expands an entry of `allowed_programs`; one that is not found is noted.
    pub(super) fn program(&mut self, program: &Program, origin: &Origin) -> Vec<AbsolutePath> {
        expand_program(program, self.context).unwrap_or_else(|complaint| {
            self.ledger.report.complain(origin, complaint);
            Vec::new()
        })
    }

    /// When all grants of all classes are known: a deny inside one needs a layer that can say so.
    pub(super) fn settle_denies(&mut self, sockets: &[UnixSocketRule]) {
        for (path, rules) in self.grants.all_denials() {
            let among_sockets = sockets.iter().any(|rule| rule.path.covers(&path));
            if among_sockets || self.grants.is_inside_grant(&path) {
                for rule in rules {
                    self.ledger.rules[rule.0 as usize].ask = Ask::PathDenyInsideGrant;
                }
            }
        }
    }
}
