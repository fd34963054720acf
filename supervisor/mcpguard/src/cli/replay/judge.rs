//! The policy, compiled for a recorded session, and what is asked of it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::rc::Rc;

use audit::{RuleRef, SessionStart};
use mcp::Caller;
use policy::Plan;
use policy::plan::{ClassMask, FilesPlan, RuleId, ToolRule};

use super::leads::as_they_lead;
use super::untold::{Known, NOWHERE, anywhere};
use crate::compose::{Warnings, compose_for_replay};
use crate::session::rule_ref;

/// Different workspaces and commands whose plans are kept.
const KEPT: usize = 16;

/// A policy that judges.
pub(super) struct Judge {
    pub(super) plan: Plan,
    /// Its files by where their paths lead on this host, as the kernel tells paths in its events.
    pub(super) files: FilesPlan,
    /// The policy's file or preset name.
    pub(super) source: String,
    /// What is known of the session.
    pub(super) known: Known,
    /// Rules that mean something that is not.
    pub(super) adrift: BTreeSet<RuleId>,
}

/// The policy for each session.
pub(super) struct Judges {
    policy: String,
    workspace: Option<PathBuf>,
    command: Vec<OsString>,
    scopes: Option<BTreeSet<String>>,
    known: Vec<(Basis, Rc<Judge>)>,
}

/// What a plan depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Basis {
    workspace: PathBuf,
    command: Vec<OsString>,
    known: Known,
}

impl Judges {
    pub(super) fn new(
        policy: &str,
        workspace: Option<PathBuf>,
        command: Vec<OsString>,
        scopes: Option<BTreeSet<String>>,
    ) -> Self {
        Self { policy: policy.to_owned(), workspace, command, scopes, known: Vec::new() }
    }

    /// The judge of a session that began so; `None`: the log does not tell how.
    ///
    /// # Errors
    /// The policy has mistakes, or asks for more than the host allows.
    pub(super) fn of(&mut self, start: Option<&SessionStart>) -> anyhow::Result<Rc<Judge>> {
        let recorded = start.map(|start| PathBuf::from(&start.workspace));
        let command = start.map(|start| start.command.iter().map(OsString::from).collect());
        let (workspace, beginning) = (self.workspace.clone().or(recorded), start.is_some());
        let basis = Basis {
            known: Known {
                beginning,
                workspace: workspace.is_some(),
                server: beginning || !self.command.is_empty(),
            },
            workspace: workspace.unwrap_or_else(|| PathBuf::from(NOWHERE)),
            command: if self.command.is_empty() { command.unwrap_or_default() } else { self.command.clone() },
        };
        if let Some((_, judge)) = self.known.iter().find(|(known, _)| *known == basis) {
            return Ok(Rc::clone(judge));
        }
        let warnings = if self.known.is_empty() { Warnings::Said } else { Warnings::Kept };
        let Basis { workspace, command, known } = &basis;
        let composed = compose_for_replay(&self.policy, Some(workspace), command, warnings)?;
        let judge = Rc::new(Judge::new(composed.plan, composed.source, *known));
        self.known.truncate(KEPT - 1);
        self.known.insert(0, (basis, Rc::clone(&judge)));
        Ok(judge)
    }

    /// Who calls in a session; `None`: the log does not tell.
    pub(super) fn caller(&self, start: Option<&SessionStart>) -> Option<Caller> {
        let recorded = || start.map(|start| start.scopes.iter().cloned().collect());
        self.scopes.clone().or_else(recorded).map(|scopes| Caller { scopes })
    }

    /// The last judge; one for no session in particular if there was none.
    pub(super) fn any(&mut self) -> anyhow::Result<Rc<Judge>> {
        match self.known.first() {
            Some((_, judge)) => Ok(Rc::clone(judge)),
            None => self.of(None),
        }
    }

    /// The last judge, if there was a session.
    pub(super) fn last(&self) -> Option<&Judge> {
        self.known.first().map(|(_, judge)| &**judge)
    }
}

impl Judge {
    pub(super) fn new(mut plan: Plan, source: String, known: Known) -> Self {
        let (files, adrift) = (as_they_lead(&plan.files), known.adrift(&plan));
        anywhere(&mut plan, &adrift);
        Self { plan, files, source, known, adrift }
    }

    /// The rule with this number, for a reader.
    pub(super) fn rule(&self, id: RuleId) -> Option<RuleRef> {
        self.plan.rule(id).map(rule_ref)
    }

    /// The rule whose text is `key: …`.
    pub(super) fn written(&self, key: &str) -> Option<RuleRef> {
        let says = |text: &str| text.strip_prefix(key).is_some_and(|rest| rest.starts_with(": "));
        self.plan.rules.iter().find(|rule| says(&rule.text)).map(rule_ref)
    }

    /// What holds for a tool.
    pub(super) fn tool(&self, name: &str) -> &ToolRule {
        self.plan.tools.rule_for(name)
    }

    /// The rule that sets a tool's field: its own entry's, that of the defaults, or the entry itself.
    pub(super) fn field(&self, tool: &ToolRule, field: &str) -> Option<RuleRef> {
        let own = self.written(&format!("tools.{}.{field}", tool.key));
        own.or_else(|| self.written(&format!("tools.defaults.{field}"))).or_else(|| self.rule(tool.from))
    }

    /// The grants that are active while calls of these tools are in flight.
    pub(super) fn active(&self, calls: &[audit::CallRef]) -> ClassMask {
        let tools: Vec<&str> = calls.iter().map(|call| &call.tool[..]).collect();
        self.plan.active(&tools)
    }
}
