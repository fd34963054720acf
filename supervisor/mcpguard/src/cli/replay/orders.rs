//! What of a plan the engine judges at a replay, and what is judged beside it because the log does not hold what it takes.

use mcp::Orders;
use policy::Plan;
use policy::plan::{ResponsesPlan, SchemaCheck, ToolRule, Treatments};

use crate::session;

/// The engine's orders: without sizes, approvals, schemas and the content of answers, which are judged from the record.
pub(super) fn orders(plan: &Plan) -> Orders {
    let mut orders = session::orders(plan);
    let tools = &mut orders.tools;
    let all = tools.exact.values_mut().chain(tools.globs.iter_mut().map(|(_, rule)| rule));
    all.chain([&mut tools.default]).for_each(stripped);
    orders.responses = ResponsesPlan::default();
    orders.content.answers = Treatments::default();
    orders.content.stderr = Treatments::default();
    orders
}

fn stripped(rule: &mut ToolRule) {
    rule.approval = None;
    rule.schema = SchemaCheck::Never;
    rule.max_request_bytes = None;
    rule.max_response_bytes = None;
}

/// Whether the policy asks something of this tool's arguments.
pub(super) fn wants_arguments(plan: &Plan, tool: &ToolRule) -> bool {
    !tool.arguments.is_empty() || tool.unknown_arguments.is_some() || !plan.content.arguments.is_empty()
}
