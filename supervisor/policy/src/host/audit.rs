//! Audit: what is written down is at least what the host asks for, and lies where the host wants it.

use super::desk::Desk;
use super::document::{HostAudit, HostDocument};
use super::roots::{Places, allowed, expand};
use super::rules::HostRule;
use crate::document::At;
use crate::document::list::Subject;
use crate::document::words::Word;
use crate::plan::{AbsolutePath, ArgumentDetail, Ask, AuditFailure, AuditPlan, Rule, RuleId};

impl Desk<'_> {
    /// Raises what is written down; gives the directory in which the log must lie.
    pub(super) fn audit(&mut self, file: &HostDocument, plan: &mut AuditPlan) -> Option<AbsolutePath> {
        let At { value: HostAudit { arguments, directory, on_failure }, .. } = file.audit.as_ref()?;
        // Every field of the plan is named here: one that is forgotten does not compile.
        let AuditPlan { arguments: detail, on_failure: failure, path, max_bytes: _, keep: _ } = plan;
        if let Some(At { value, origin }) = arguments {
            let host = HostRule::key("audit.arguments", value.word(), origin);
            let less = rank(*detail) < rank(*value);
            *detail = if less { *value } else { *detail };
            self.demand("audit.arguments:", &host, less);
        }
        if let Some(At { value: AuditFailure::Stop, origin }) = on_failure {
            let host = HostRule::key("audit.on_failure", AuditFailure::Stop.word(), origin);
            let less = *failure == AuditFailure::Continue;
            *failure = AuditFailure::Stop;
            self.demand("audit.on_failure:", &host, less);
        }
        let At { value, origin } = directory.as_ref()?;
        let expanded =
            expand(value, self.caller).map_err(|complaint| self.report.complain(origin, complaint)).ok()?;
        let host = HostRule::key("audit.directory", &value.show(), origin);
        self.log(&host, &expanded, path.as_ref());
        Some(expanded)
    }

    /// Where no directory is named for logs, a log that the policy names is a file that is written for it, with the rights
    /// of whoever runs mcpguard.
    pub(super) fn log_is_allowed(&mut self, file: &HostDocument, plan: &AuditPlan) {
        let Some(path) = &plan.path else { return };
        let places = Places::of(file, self.caller, &mut self.report);
        let (rule, real) = (self.log_rule(), (self.caller.real)(path));
        let what = format!("`{}`, to be written,", self.shown(path));
        if let Some(host) = places.closing(path, &real) {
            self.closed(&rule, &what, host);
        } else if let Some(roots) = places.write.as_ref().filter(|roots| !roots.hold(&real)) {
            self.outside(&rule, &what, &allowed(roots, &[]));
        }
    }

    fn log_rule(&self) -> Rule {
        let own = self.find(|rule| rule.ask == Ask::Audit && rule.text.starts_with("audit.path:"));
        self.rule(own.unwrap_or(RuleId(u32::MAX)))
    }

    /// The host's rule in the place of the policy's where that asks for less, else beside it.
    fn demand(&mut self, text: &str, host: &HostRule, less: bool) {
        let own = self.find(|rule| rule.ask == Ask::Audit && rule.text.starts_with(text));
        match (less, own) {
            (true, Some(id)) => self.replace(id, host),
            (true, None) => {
                self.set(host, Ask::Audit);
            }
            (false, _) => {
                self.add(host, Ask::Audit);
            }
        }
    }

    fn log(&mut self, host: &HostRule, directory: &AbsolutePath, path: Option<&AbsolutePath>) {
        let Some(path) = path else {
            self.set(host, Ask::Audit);
            return;
        };
        self.add(host, Ask::Audit);
        if !(self.caller.host_real)(directory).covers(&(self.caller.real)(path)) {
            let rule = self.log_rule();
            let message = format!(
                "`{}`: every log on this host lies beneath `{}` (`{}`, {}); leave the key out or name a file there",
                rule.text,
                directory.as_path().display(),
                host.text,
                host.origin
            );
            self.report.error(&rule.origin, message);
        }
    }
}

fn rank(detail: ArgumentDetail) -> u8 {
    match detail {
        ArgumentDetail::None => 0,
        ArgumentDetail::Names => 1,
        ArgumentDetail::Redacted => 2,
    }
}
