//! Another policy while the session runs, between two messages.
//!
//! Calls at the server keep the time and the size that they were let through with; their grants are those that the new policy
//! gives to their tools, and none where it refuses the tool. Calls that wait and are refused now get their refusal.

use std::time::Instant;

use policy::plan::{ClassId, ClassMask, Rule, RuleId, ToolsPlan};

use super::{Caller, Engine, answer, refusal};
use crate::fact::{Outcome, Refusal};
use crate::id::RequestId;
use crate::judgement::Judgement;
use crate::orders::Orders;

/// The grants of a call under a policy, and its rule.
fn terms(tools: &ToolsPlan, caller: &Caller, tool: &str) -> (ClassId, RuleId) {
    let rule = tools.rule_for(tool);
    (if caller.closed(tools, tool).is_none() { rule.class } else { ClassId::ALWAYS }, rule.from)
}

impl Engine {
    /// The grant classes that would be active under these rules: class 0 and those of the calls at the server.
    pub fn active_under(&self, tools: &ToolsPlan) -> ClassMask {
        let caller = self.rules.caller();
        let classes = self.flight.at_server().map(|call| terms(tools, caller, &call.tool).0);
        classes.fold(ClassMask::ALWAYS, |mask, class| mask.union(ClassMask::only(class)))
    }

    /// Judges by another policy from now on. The parameters are those of [`Self::new`].
    pub fn revise(&mut self, orders: Orders, rules: &[Rule], now: Instant) -> Judgement {
        // What is pinned is what it was at the start: a policy that says otherwise is not put in force.
        let Orders { tools, access, approvals, session, responses, content, pins: _, on_refusal } = orders;
        let mut out = Judgement::default();
        let caller = self.rules.caller();
        self.flight.revise(|tool| terms(&tools, caller, tool));
        self.arguments = self.arguments.followed_by(&tools);
        self.rules = self.rules.followed_by(tools, rules);
        (self.limits, self.asking, self.extra_methods) = super::of_the_session(session, &responses);
        self.items = self.items.followed_by(responses);
        self.on_refusal = on_refusal;
        if self.screen.follow(content) {
            super::pins::list_again(&mut out);
        }
        self.access = access;
        self.approvals = approvals;
        // What was closed by the old policy is looked at anew with the next list, and so is what the new one would close.
        for id in self.flight.waiting_calls() {
            self.refuse_waiting(&id, now, &mut out);
        }
        self.start_waiting(now, &mut out);
        out
    }

    /// A call whose turn is waited for, and that fewer have approved than must now.
    fn unapproved(&self, id: &RequestId, tool: &str) -> Option<(Refusal, RuleId)> {
        let waiting = self.flight.get(id)?.call.as_ref()?.waiting.as_ref()?;
        let wanted = self.rules.rule(tool).approval.filter(|wanted| waiting.approved < wanted.approvers)?;
        waiting.held.is_none().then_some((Refusal::NotApproved, wanted.from))
    }

    /// Refuses a call that waits, if its tool is refused now.
    fn refuse_waiting(&mut self, id: &RequestId, now: Instant, out: &mut Judgement) {
        let tool = self.flight.get(id).and_then(|open| open.call.as_ref()).map(|call| call.tool.clone());
        let closed = tool.and_then(|tool| self.rules.closed(&tool).or_else(|| self.unapproved(id, &tool)));
        let Some((reason, rule)) = closed else { return };
        self.retract(id, out);
        let answered = self.flight.held_of(id).is_some_and(|held| held.asked);
        let Some(open) = self.close_call(id, Outcome::TimedOut, reason, now, out) else { return };
        let Some(call) = open.call.as_ref().filter(|_| !answered) else { return };
        let why = self.rules.rule(&call.tool).reason.as_deref();
        let about = refusal::About { why, rule, ..self.about(call) };
        let text = refusal::refused(&self.rules, &about, reason);
        out.to_client.push(self.answer(id, call, answer::Code::Refused, &text));
    }
}
