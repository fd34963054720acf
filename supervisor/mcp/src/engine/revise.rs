//! Another policy while the session runs, between two messages.
//!
//! Calls at the server keep the time and the size that they were let through with; their grants are those that the new policy
//! gives to their tools, and none where it refuses the tool. Calls that wait and are refused now get their refusal.

use std::time::Instant;

use policy::plan::{Approval, ClassId, ClassMask, Rule, RuleId, ToolsPlan};

use super::again::Refused;
use super::{Caller, Engine};
use crate::fact::Refusal;
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
            self.wants_as_many(&id, now, &mut out);
            let refused = self.refused_now(&id, &mut out.facts).or_else(|| self.unapproved(&id));
            if let Some(refused) = refused {
                self.refuse_waiting(&id, refused, &mut out);
            }
        }
        self.start_waiting(now, &mut out);
        out
    }

    /// A held call waits for as many approvals as the new policy wants.
    fn wants_as_many(&mut self, id: &RequestId, now: Instant, out: &mut Judgement) {
        let tool = self.flight.get(id).and_then(|open| open.call.as_ref()).map(|call| call.tool.clone());
        let wanted = tool.and_then(|tool| self.rules.rule(&tool).approval);
        let Some(held) = self.flight.held_mut(id) else { return };
        held.approval = wanted.unwrap_or(Approval { approvers: 0, ..held.approval });
        if held.missing() == 0 && !held.asked {
            self.retract(id, out);
            self.flight.approve(id, now);
        }
    }

    /// A call whose turn is waited for, and that fewer have approved than must now.
    fn unapproved(&self, id: &RequestId) -> Option<Refused> {
        let call = self.flight.get(id)?.call.as_ref()?;
        let waiting = call.waiting.as_ref().filter(|waiting| waiting.held.is_none())?;
        let wanted = self.rules.rule(&call.tool).approval;
        let wanted = wanted.filter(|wanted| waiting.approved < wanted.approvers)?;
        Some(Refused { reason: Refusal::NotApproved, rule: Some(wanted.from), sentence: None })
    }
}
