//! `approvals` → how held calls are approved.

use std::time::Duration;

use super::Compiler;
use crate::document::At;
use crate::document::sections::Approvals;
use crate::plan::{ApprovalsPlan, Ask};

/// Seconds that a call waits for its approval where nothing is written.
const TIMEOUT: u64 = 300;

impl Compiler<'_> {
    pub(super) fn approvals(&mut self, approvals: Approvals) -> ApprovalsPlan {
        let Approvals { timeout_seconds, command, ask_client } = approvals;
        let ledger = &mut self.ledger;
        ledger.key("approvals.timeout_seconds", &timeout_seconds, |n| n.get().to_string(), Ask::Approval);
        let asked = ask_client.filter(|at| at.value);
        ledger.key("approvals.ask_client", &asked, bool::to_string, Ask::Approval);
        let command = command.and_then(|At { value, origin }| {
            let words: Option<Vec<String>> = value.0.iter().map(|word| self.text(word)).collect();
            let shown = format!("approvals.command: {}", words.as_ref()?.join(" "));
            self.ledger.rule(shown, &origin, None, Ask::Approval);
            words
        });
        ApprovalsPlan {
            timeout: Duration::from_secs(timeout_seconds.map_or(TIMEOUT, |at| at.value.get())),
            command,
            ask_client: asked.is_some(),
        }
    }
}
