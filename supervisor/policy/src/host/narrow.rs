//! A plan meets the rules of a host. Pure: the same plan, rules and caller always come to the same.

use std::collections::BTreeSet;
use std::fmt;

use super::desk::Desk;
use super::roots::Places;
use super::rules::HostRule;
use super::{Caller, HostDocument, HostRules};
use crate::document::At;
use crate::document::words::Word;
use crate::plan::{AbsolutePath, Ask, Origin, Plan, RuleId};
use crate::policy::Policy;
use crate::problem::Problems;

/// A plan that is within what the host allows.
#[derive(Clone, Debug)]
#[must_use]
pub struct Narrowed {
    /// The plan.
    pub plan: Plan,
    /// What the host's rules changed.
    pub narrowed: Vec<Narrowing>,
    /// Rules that must be enforced even where the user lets others go: those of the host, and those without which the
    /// session would be wider than the host allows.
    pub firm: BTreeSet<RuleId>,
    /// The directory in which the audit log must lie.
    pub audit_directory: Option<AbsolutePath>,
}

/// One thing that the host's rules changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrowing {
    /// The host's rule.
    pub rule: HostRule,
    /// The policy's rule that it replaced, and where that was written; `None`: the policy said nothing.
    pub before: Option<(String, Origin)>,
}

impl fmt::Display for Narrowing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule: HostRule { text, origin, reason }, before } = self;
        match before {
            Some((old, place)) => write!(f, "`{text}` ({origin}) holds in place of `{old}` ({place})")?,
            None => write!(f, "`{text}` ({origin}) holds on top of the policy")?,
        }
        reason.as_ref().map_or(Ok(()), |reason| write!(f, ", because: {reason}"))
    }
}

impl HostRules {
    /// The plan of a policy, within what this host allows. `policy` is what the plan was made from.
    ///
    /// # Errors
    /// Each grant that is more than the host allows, at its place in the policy, with the host's rule and what would
    /// make it right; and host rules that mean nothing for this caller.
    pub fn narrow(&self, policy: &Policy, plan: Plan, caller: &Caller<'_>) -> Result<Narrowed, Problems> {
        let mut plan = plan;
        let rules = std::mem::take(&mut plan.rules);
        let mut desk = Desk::new(caller, rules);
        let mut audit_directory = None;
        for file in &self.files {
            audit_directory = desk.file(file, policy, &mut plan).or(audit_directory);
        }
        if audit_directory.is_none() {
            self.files.iter().for_each(|file| desk.log_is_allowed(file, &plan.audit));
        }
        let Desk { rules, report, narrowed, added, .. } = desk;
        if report.has_error() {
            return Err(report.into_problems());
        }
        let bounded = self.bounded();
        let needed = (0..).zip(&rules).filter(|(_, rule)| bounded.needs(&rule.ask)).map(|(id, _)| RuleId(id));
        let firm = needed.chain(added).collect();
        Ok(Narrowed { plan: Plan { rules, ..plan }, narrowed, firm, audit_directory })
    }

    /// Whether the programs of `caller.command` may be started here. For what is known only when the server's whole
    /// environment is: its `PATH` decides which program `#!/usr/bin/env NAME` means.
    ///
    /// # Errors
    /// Each program that is not among those that the host allows.
    pub fn admit_programs(&self, caller: &Caller<'_>) -> Result<(), Problems> {
        self.admit(caller, |desk, places| desk.command(places))
    }

    /// Whether the kernel may load these files as the dynamic loaders of what is started. They can be read, but not
    /// started.
    ///
    /// # Errors
    /// Each that the host closes, or that lies outside of what it allows to read.
    pub fn admit_loaders(&self, caller: &Caller<'_>, loaders: &[AbsolutePath]) -> Result<(), Problems> {
        self.admit(caller, |desk, places| desk.loaders(places, loaders))
    }

    fn admit(&self, caller: &Caller<'_>, ask: impl Fn(&mut Desk<'_>, &Places)) -> Result<(), Problems> {
        let mut desk = Desk::new(caller, Vec::new());
        for file in &self.files {
            let places = Places::of(file, caller, &mut desk.report);
            ask(&mut desk, &places);
        }
        match desk.report.has_error() {
            true => Err(desk.report.into_problems()),
            false => Ok(()),
        }
    }
}

impl Desk<'_> {
    /// Applies one file. Gives the directory of logs, if the file names one.
    fn file(&mut self, file: &HostDocument, policy: &Policy, plan: &mut Plan) -> Option<AbsolutePath> {
        // Every field of the plan is named here: one that is forgotten does not compile.
        let Plan {
            name: _,
            description: _,
            revision: _,
            // They are at the desk.
            rules: _,
            environment,
            files,
            network,
            limits,
            syscalls,
            tools,
            audit,
            require,
            // Which calls open which grants. All grants of all classes are bounded alike.
            classes: _,
            numbering: _,
            // They only restrict, each a single call; the rates of the session hold over all of them.
            budgets: _,
            // What passes between client and server, and what denials lead to: the policy's own business. All of it
            // restricts what the grants above allow.
            access: _,
            approvals: _,
            session: _,
            responses: _,
            content: _,
            pins: _,
            on_violation: _,
            // They tell the user, by the user's own means, and grant nothing.
            alerts: _,
        } = plan;
        let HostDocument {
            version: _,
            maximum,
            require: layers,
            allow_degraded: _, // `HostRules::forbids_degraded`
            audit: _,
            presets: _, // `HostRules::admit_preset`
            policies: _,
        } = file;
        let places = Places::of(file, self.caller, &mut self.report);
        if let Some(At { value: maximum, .. }) = maximum {
            self.environment(maximum, policy.document(), environment);
            self.network(maximum, network);
            self.limits(maximum, limits, network);
            self.syscalls(maximum, syscalls);
        }
        self.secrets(&places, environment);
        self.command(&places);
        self.grants(&places, files);
        self.sockets(&places, network);
        self.denies(&places, files, network);
        self.tools(file, tools);
        for At { value, origin } in layers.iter().flat_map(|at| &at.value.0) {
            let host = HostRule::key("require", value.word(), origin);
            match require.binary_search(value) {
                Ok(_) => {
                    self.add(&host, Ask::Layer(*value));
                }
                Err(index) => {
                    require.insert(index, *value);
                    self.set(&host, Ask::Layer(*value));
                }
            }
        }
        self.audit(file, audit)
    }
}
