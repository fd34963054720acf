//! What is said of a call beside the engine: what it was not told, and the words for what it refuses.

use audit::{Cause, ToolCall};
use mcp::Refusal;
use policy::plan::{RuleId, SchemaCheck, ToolRule};

use super::arguments::{Recorded, is_altered};
use super::calls::Made;
use super::orders::wants_arguments;
use super::session::Session;
use super::untold::{ForScopes, SCOPES};
use super::verdict::{Now, Then, Verdict};

/// A task that an earlier session has started has a tool that nobody knows.
const ANY_TASK: &str = "*";

/// Why nobody can tell whether a rate is kept.
const TURNED_BACK: &str = "the clock was set back within the session, so that times tell nothing about rates";

/// Why the engine refuses a call.
pub(super) struct Refused {
    pub(super) reason: Refusal,
    pub(super) rule: Option<RuleId>,
    /// What the client would be told.
    pub(super) text: String,
}

impl Session {
    /// The engine lets it through: what it was not told. What certainly does not go through at once is narrowed,
    /// whatever else cannot be told of it.
    pub(super) fn admitted(&self, made: &Made<'_>, arguments: &Recorded, then: Then) -> Verdict {
        let now = self.at_once(made.call, then);
        if now.narrows(then) {
            return now;
        }
        self.untold(made, arguments, then).unwrap_or(now)
    }

    /// Whether a call goes through without somebody's word.
    fn at_once(&self, call: &ToolCall, then: Then) -> Verdict {
        let tool = self.judge.tool(&call.tool);
        if tool.approval.is_some() && then == Then::Allowed && self.held.may_have_held(call.call) {
            return Verdict::unknown("so many calls were held that it is not known whether this one was");
        }
        match tool.approval {
            Some(approval) => Verdict { now: Now::Waits(approval.approvers), ..Verdict::allowed() }
                .by(self.judge.rule(approval.from)),
            None => Verdict::allowed().by(self.judge.rule(tool.from)),
        }
    }

    /// What of the policy cannot be judged for this call.
    fn untold(&self, made: &Made<'_>, arguments: &Recorded, then: Then) -> Option<Verdict> {
        let call = made.call;
        let (plan, tool) = (&self.judge.plan, self.judge.tool(&call.tool));
        if let ForScopes::Unknown(rule) = self.asker.asked(|holds| plan.tools.refused_to(&call.tool, holds)) {
            return Some(Verdict::unknown(SCOPES).by(self.judge.rule(rule)));
        }
        if let Some((why, rule)) = self.judge.places_untold(tool, arguments) {
            return Some(Verdict::unknown(why).by(self.judge.rule(rule)));
        }
        if *arguments == Recorded::Part && wants_arguments(plan, tool) {
            let rule = tool.arguments.first().and_then(|rule| self.judge.rule(rule.from));
            return Some(Verdict::unknown("the log holds no whole arguments").by(rule));
        }
        let schema = match tool.schema {
            SchemaCheck::Always(from) => Some(from),
            SchemaCheck::Known | SchemaCheck::Never => plan.responses.validate_output_schema,
        };
        if let Some(from) = schema {
            let why = "the log does not hold the schemas that the server tells";
            return Some(Verdict::unknown(why).by(self.judge.rule(from)));
        }
        self.undecided(call, then, made.waited.is_some()).or_else(|| self.rates_untold(tool))
    }

    /// Whether a rate is kept nobody can tell of times that overlap.
    fn rates_untold(&self, tool: &ToolRule) -> Option<Verdict> {
        let field = "max_requests_per_minute";
        let rule = match (tool.max_requests_per_minute, self.judge.plan.session.max_requests_per_minute) {
            _ if !self.turned_back => return None,
            (Some(_), _) => self.judge.field(tool, field),
            (None, Some(_)) => self.judge.written("session.max_requests_per_minute"),
            (None, None) => return None,
        };
        Some(Verdict::unknown(TURNED_BACK).by(rule))
    }

    /// Why it cannot be told whether what was refused would be let through.
    fn undecided(&self, call: &ToolCall, then: Then, waits: bool) -> Option<Verdict> {
        let (plan, tool) = (&self.judge.plan, self.judge.tool(&call.tool));
        let of_schema = call.reason.as_ref().is_some_and(|reason| reason.contains("schema"));
        let why = match then {
            Then::Denied(Cause::Argument) if of_schema && tool.schema != SchemaCheck::Never => {
                "the log does not hold the schemas that the server tells"
            }
            Then::Denied(Cause::Content) if !plan.content.answers.is_empty() => {
                "the log does not hold what the server tells of its tools"
            }
            Then::Denied(Cause::Quarantine) if plan.pins.is_some() => {
                "the log does not hold what the server shows of itself"
            }
            Then::Denied(Cause::RequestSize) if tool.max_request_bytes.is_some() => {
                "the log holds the size of the arguments only, not that of the whole request"
            }
            // Where the log tells, its arrival is known and it waits again.
            Then::Denied(Cause::Timeout) if !waits => {
                "it waited for an exclusive call, and the log does not tell since when"
            }
            Then::Denied(Cause::Concurrency) if call.limit.is_none() => {
                "the log does not tell how many bytes of calls waited"
            }
            Then::Denied(Cause::Protocol | Cause::Internal) => {
                "it did not reach the server for another reason"
            }
            _ => return None,
        };
        Some(Verdict::unknown(why))
    }

    /// What is told without the engine.
    pub(super) fn without_asking(&self, call: &ToolCall, then: Then) -> Option<Verdict> {
        if is_altered(&call.tool) {
            return Some(Verdict::unknown("the log does not hold the tool's whole name"));
        }
        let tool = self.judge.tool(&call.tool);
        let asked = self.asker.asked(|holds| self.judge.plan.tools.refused_to(&call.tool, holds));
        if !tool.enabled || matches!(asked, ForScopes::Refused(_)) {
            return None;
        }
        if call.argument_bytes == 0 && (call.tool == ANY_TASK || self.tasks.contains(&call.tool)) {
            return Some(Verdict::unknown("it may be a request about a task, which is recorded as a call"));
        }
        self.crowded(call, then).or_else(|| self.larger(call, then))
    }

    /// Under the limit of that time as many calls at once are refused as then; whether it were as many just then, the log
    /// does not tell to the moment.
    fn crowded(&self, call: &ToolCall, then: Then) -> Option<Verdict> {
        let limit = self.judge.plan.session.max_concurrent_calls;
        if then != Then::Denied(Cause::Concurrency) || call.limit != Some(limit.into()) {
            return None;
        }
        Some(match self.open.in_flight() >= limit as usize {
            true => Verdict::denied(Cause::Concurrency, self.judge.written("session.max_concurrent_calls")),
            false => Verdict::unknown("the log does not tell to the moment which calls were in flight"),
        })
    }

    /// What the record alone tells to be too large.
    fn larger(&self, call: &ToolCall, then: Then) -> Option<Verdict> {
        let tool = self.judge.tool(&call.tool);
        let most = self.judge.plan.session.max_message_bytes;
        let was = call.limit.filter(|_| then == Then::Denied(Cause::RequestSize));
        let is_over = |limit: u64| call.argument_bytes > limit || was.is_some_and(|was| was >= limit);
        if is_over(most) {
            let rule = self.judge.written("session.max_message_bytes");
            return Some(Verdict::denied(Cause::MessageSize, rule));
        }
        let rule = || self.judge.field(tool, "max_request_bytes");
        let limit = tool.max_request_bytes.filter(|limit| is_over(*limit));
        limit.map(|_| Verdict::denied(Cause::RequestSize, rule()))
    }

    /// Why the engine refuses it, if that holds wherever the session's places are.
    pub(super) fn refused(
        &self,
        call: &ToolCall,
        arguments: &Recorded,
        then: Then,
        refused: Refused,
    ) -> Verdict {
        let tool = self.judge.tool(&call.tool);
        let untold = refused.rule.and_then(|rule| self.judge.refusal_untold(tool, arguments, rule));
        let rated = self.turned_back && is_rate(refused.reason);
        let by = self.refused_by(call, refused);
        let doubt = match untold {
            Some((why, rule)) => Verdict::unknown(why).by(self.judge.rule(rule)),
            None if rated => Verdict::unknown(TURNED_BACK).by(by.rule),
            None => return by,
        };
        Some(self.at_once(call, then)).filter(|now| now.narrows(then)).unwrap_or(doubt)
    }

    fn refused_by(&self, call: &ToolCall, Refused { reason, rule, text }: Refused) -> Verdict {
        let (cause, limit) = crate::session::refused(reason);
        let tool = self.judge.tool(&call.tool);
        let rule = match cause {
            Cause::ToolRate => self.judge.field(tool, "max_requests_per_minute"),
            Cause::SessionRate => self.judge.written("session.max_requests_per_minute"),
            Cause::Concurrency => self.judge.written("session.max_concurrent_calls"),
            _ => rule.and_then(|rule| self.judge.rule(rule)),
        };
        let why = match cause {
            Cause::Argument | Cause::Content => text,
            Cause::Concurrency => {
                limit.map(|most| format!("{most} calls at once are the most")).unwrap_or_default()
            }
            _ => String::new(),
        };
        Verdict::denied(cause, rule).because(why)
    }
}

/// Whether calls were too many for a minute.
fn is_rate(reason: Refusal) -> bool {
    matches!(reason, Refusal::ToolRate { .. } | Refusal::SessionRate { .. })
}
