//! Files and programs: a grant must lie within the maximum, and what the host denies is denied in the plan.

use super::desk::Desk;
use super::roots::{Closed, Places, Roots, Shut, allowed};
use super::rules::HostRule;
use crate::plan::{
    AbsolutePath, Ask, ClassMask, FilesPlan, NameRule, NetworkPlan, Origin, PathRule, Rule, RuleId,
};

/// What a path may be used for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Right {
    Write,
    Execute,
    Read,
}

/// What is wrong with one path of a plan.
enum Fault<'a> {
    Closed(&'a HostRule),
    Outside(Right, &'a Roots),
}

impl Desk<'_> {
    /// Refuses grants that are more than the host allows.
    pub(super) fn grants(&mut self, places: &Places, files: &FilesPlan) {
        for rule in &files.rules {
            let parent = rule.path.as_path().parent().and_then(AbsolutePath::new);
            let above = parent.as_ref().and_then(|parent| files.decisive(parent));
            // What a shorter grant gives along is told there.
            let told = above.map(|above| self.faults(places, above)).unwrap_or_default();
            let kept: &[RuleId] = above.map_or(&[], |above| &above.from);
            for fault in self.faults(places, rule) {
                if !told.iter().any(|told| same(told, &fault)) {
                    self.refuse(places, rule, &fault, kept);
                }
            }
        }
    }

    /// The program that is started as a server needs no rule of a policy; it needs the host's leave.
    pub(super) fn command(&mut self, places: &Places) {
        for program in &self.caller.command {
            self.implied(places, program, "own program", ClassMask::ALWAYS);
        }
    }

    /// Nor does a dynamic loader.
    pub(super) fn loaders(&mut self, places: &Places, loaders: &[AbsolutePath]) {
        loaders.iter().for_each(|loader| self.implied(places, loader, "dynamic loader", ClassMask::NONE));
    }

    fn implied(&mut self, places: &Places, file: &AbsolutePath, what: &str, execute: ClassMask) {
        let (path, read, write) = (file.clone(), ClassMask::ALWAYS, ClassMask::NONE);
        let rule = PathRule { path, read, write, execute, code: false, from: Vec::new() };
        let origin = Origin { source: "command line".to_owned(), line: 0, column: 0 };
        let text = format!("the server's {what} {}", file.as_path().display());
        let own = Rule { text, origin, reason: None, ask: Ask::Programs };
        for fault in self.faults(places, &rule) {
            self.told(places, &own, "it", &fault);
        }
    }

    fn faults<'a>(&self, places: &'a Places, rule: &PathRule) -> Vec<Fault<'a>> {
        let PathRule { path, read, write, execute, code: _, from: _ } = rule;
        if [read, write, execute].into_iter().all(|mask| mask.is_empty()) {
            return Vec::new();
        }
        let real = (self.caller.real)(path);
        if let Some(rule) = places.closing(path, &real) {
            return vec![Fault::Closed(rule)];
        }
        let wrong = |mask: &ClassMask, may: bool| !mask.is_empty() && !may;
        let outside = [
            (Right::Write, &places.write, wrong(write, places.may_write(&real))),
            (Right::Execute, &places.programs, wrong(execute, places.may_execute(&real))),
            (Right::Read, &places.read, wrong(read, places.may_read(&real))),
        ];
        let outside = outside.into_iter().filter(|(.., wrong)| *wrong);
        outside.filter_map(|(right, roots, _)| roots.as_ref().map(|it| Fault::Outside(right, it))).collect()
    }

    /// Tells the fault of each rule that made the entry: those of this very path.
    fn refuse(&mut self, places: &Places, entry: &PathRule, fault: &Fault<'_>, kept: &[RuleId]) {
        let all = || entry.from.iter().map(|id| self.rule(*id));
        let mut rules: Vec<Rule> =
            entry.from.iter().filter(|id| !kept.contains(id)).map(|id| self.rule(*id)).collect();
        if !rules.iter().any(|rule| gives(rule, fault)) {
            rules = all().collect();
        }
        let fitting = rules.iter().any(|rule| gives(rule, fault));
        let what = format!("`{}`", self.shown(&entry.path));
        for rule in rules.iter().filter(|rule| !fitting || gives(rule, fault)) {
            self.told(places, rule, &what, fault);
        }
    }

    fn told(&mut self, places: &Places, rule: &Rule, what: &str, fault: &Fault<'_>) {
        match fault {
            Fault::Closed(host) => self.closed(rule, what, host),
            Fault::Outside(Right::Write, roots) => {
                self.outside(rule, &format!("{what}, to be written,"), &allowed(roots, &[]));
            }
            Fault::Outside(Right::Execute, roots) => {
                self.outside(rule, &format!("{what}, to be executed,"), &allowed(roots, &[]));
            }
            Fault::Outside(Right::Read, roots) => {
                let more = [&places.write, &places.programs];
                self.outside(rule, &format!("{what}, to be read,"), &allowed(roots, &more));
            }
        }
    }

    /// A path, and where it leads if that is elsewhere.
    pub(super) fn shown(&self, path: &AbsolutePath) -> String {
        let real = (self.caller.real)(path);
        match real == *path {
            true => path.as_path().display().to_string(),
            false => format!("{} → {}", path.as_path().display(), real.as_path().display()),
        }
    }

    /// Adds what the host denies. A deny inside of a grant asks for a layer that can say so.
    pub(super) fn denies(&mut self, places: &Places, files: &mut FilesPlan, network: &NetworkPlan) {
        let open: Vec<AbsolutePath> = files
            .rules
            .iter()
            .filter(|rule| [rule.read, rule.write, rule.execute].iter().any(|mask| !mask.is_empty()))
            .map(|rule| &rule.path)
            .chain(network.unix_sockets.iter().map(|rule| &rule.path))
            .map(|path| (self.caller.real)(path))
            .collect();
        for Closed { rule, what } in &places.deny {
            match what {
                Shut::Name(pattern) if open.is_empty() => {
                    let from = self.add(rule, Ask::PathDenyOutsideGrants);
                    files.names.push(NameRule { pattern: pattern.clone(), from });
                }
                Shut::Name(pattern) => {
                    let from = self.set(rule, Ask::NameDeny);
                    files.names.push(NameRule { pattern: pattern.clone(), from });
                }
                Shut::Path { written, real } => {
                    let from = match open.iter().any(|grant| grant.covers(real)) {
                        true => self.set(rule, Ask::PathDenyInsideGrant),
                        false => self.add(rule, Ask::PathDenyOutsideGrants),
                    };
                    close(files, written, from);
                    close(files, real, from);
                }
            }
        }
    }
}

/// Whether a rule could have made such a fault. Only for the message: the fault is there whoever made it.
fn gives(rule: &Rule, fault: &Fault<'_>) -> bool {
    let program = matches!(rule.ask, Ask::Programs | Ask::ToolPrograms);
    let reads = rule.text.starts_with("filesystem.read:") || rule.text.ends_with("(read only)");
    match fault {
        Fault::Closed(_) | Fault::Outside(Right::Read, _) => true,
        Fault::Outside(Right::Write, _) => !program && !reads,
        Fault::Outside(Right::Execute, _) => program,
    }
}

fn same(left: &Fault<'_>, right: &Fault<'_>) -> bool {
    match (left, right) {
        (Fault::Closed(_), Fault::Closed(_)) => true,
        (Fault::Outside(left, _), Fault::Outside(right, _)) => left == right,
        _ => false,
    }
}

/// Denies a path to every class. What lies beneath was refused unless it is denied as well.
fn close(files: &mut FilesPlan, path: &AbsolutePath, from: RuleId) {
    let none = ClassMask::NONE;
    match files.rules.binary_search_by(|rule| rule.path.cmp(path)) {
        Ok(index) => {
            let rule = &mut files.rules[index];
            (rule.read, rule.write, rule.execute, rule.code) = (none, none, none, false);
            if !rule.from.contains(&from) {
                rule.from.push(from);
            }
        }
        Err(index) => files.rules.insert(
            index,
            PathRule {
                path: path.clone(),
                read: none,
                write: none,
                execute: none,
                code: false,
                from: vec![from],
            },
        ),
    }
}
