//! The line that would allow a tool that is disabled now, as `why` would tell it of a record under the new policy. Of the
//! other rules only their author knows what else they should say.

use audit::{
    Body, Cause, CoverageEntry, CoverageState, Digest, Policy, PolicyChanged, Record, ToolCall, Verdict,
};

use super::judge::Judge;
use super::tally::{Group, Kind};
use super::verdict::{Change, Now};
use crate::cli::why;
use crate::session::rule_ref;

/// Where to write it, and the lines.
pub(super) fn of(judge: &Judge, group: &Group) -> Option<(String, String)> {
    let disabled = group.now == Now::Denied(Cause::ToolDisabled) && group.kind == Kind::Call;
    (disabled && group.change == Change::Denied).then(|| why::remedy(&records(judge, group)))?
}

/// What the log of a session under the new policy would hold.
fn records(judge: &Judge, group: &Group) -> [Record; 2] {
    let record = |seq, body| Record {
        time: group.first.time,
        session: group.first.session.clone(),
        seq,
        revision: None,
        prev: Digest::GENESIS,
        body,
        hash: Digest::GENESIS,
    };
    [record(1, Body::PolicyChanged(policy(judge))), record(2, Body::ToolCall(refused(group)))]
}

fn policy(judge: &Judge) -> PolicyChanged {
    let entry = |rule| CoverageEntry {
        rule: rule_ref(rule),
        state: CoverageState::Enforced,
        by: Vec::new(),
        note: None,
    };
    let (name, revision) = (judge.plan.name.clone(), judge.plan.revision.clone());
    PolicyChanged {
        policy: Policy { name, revision, sources: vec![judge.source.clone()] },
        before: String::new(),
        coverage: judge.plan.rules.iter().map(entry).collect(),
        later: Vec::new(),
    }
}

fn refused(group: &Group) -> ToolCall {
    ToolCall {
        call: 0,
        request_id: String::new(),
        tool: group.subject.clone(),
        arguments: None,
        argument_bytes: 0,
        caller: None,
        verdict: Verdict::Refused,
        cause: Some(Cause::ToolDisabled),
        rule: group.rule.clone(),
        reason: None,
        limit: None,
        waited_ms: 0,
        classes: Vec::new(),
    }
}
