//! What the session is asked while it runs: another policy, and about calls that wait for an approval.

use std::time::Instant;

use mcp::{Decision, HeldCall, Undecided};

use super::{Doorman, Side};
use crate::session::approvals::{Decided, Held, Verdict};
use crate::session::door::{Asked, Question, answer};
use crate::session::ending::Ending;
use crate::terminal;

impl Doorman<'_> {
    /// Serves whoever asks; ends only where the session must.
    pub(super) async fn asked(&self) -> Ending {
        let Some(reloader) = self.reloader else { return std::future::pending().await };
        loop {
            let Asked { question, uid, stream } = reloader.next().await;
            match question {
                Question::Reload => match self.reload(reloader).await {
                    Ok(reply) => answer(stream, &reply).await,
                    Err(ending) => return ending,
                },
                Question::Approvals => answer(stream, &self.waiting()).await,
                Question::Pins => match self.repin().await {
                    Ok(Ok(())) => answer(stream, &true).await,
                    Ok(Err(why)) => answer(stream, &why).await,
                    Err(ending) => return ending,
                },
                Question::Decide { call, digest, approve } => {
                    match self.decide(call, &digest, &named(uid), approve).await {
                        Ok(decided) => answer(stream, &decided).await,
                        Err(ending) => return ending,
                    }
                }
            }
        }
    }

    /// Hears what the policy's program decides; ends only where the session must.
    pub(super) async fn decided(&self) -> Ending {
        loop {
            let Verdict { call, digest, approve } = self.hooks.next().await;
            let Some(approve) = approve else { continue };
            match self.decide(call, &digest, "command", approve).await {
                Ok(Decided { refused: None, .. }) => {}
                Ok(Decided { refused: Some(why), .. }) => tracing::info!("approvals.command: {why}"),
                Err(ending) => return ending,
            }
        }
    }

    /// A call is held: the user is told, and the policy's program asked.
    pub(super) fn announce(&self, call: u64) {
        let Some(held) = self.waiting().into_iter().find(|held| held.call == call) else { return };
        let Held { session, tool, rule, .. } = &held;
        let short: String = session.chars().take(8).collect();
        let tool = audit::for_people(tool);
        terminal::note(&format!(
            "a call of `{tool}` waits for an approval ({rule}): `mcpguard approve {short}-{call}`"
        ));
        let command = self.composed.borrow().plan.approvals.command.clone();
        if let Some(Err(error)) = command.map(|argv| self.hooks.ask(&argv, &held)) {
            tracing::warn!("approvals.command is not asked about call {call}: {error:#}");
        }
    }

    /// Somebody has accepted something of the server; or why it cannot be read.
    async fn repin(&self) -> Result<Result<(), String>, Ending> {
        let Some(pinner) = &self.pinner else { return Ok(Err("its policy pins nothing".to_owned())) };
        let lock = match pinner.read() {
            Ok(lock) => lock,
            Err(error) => return Ok(Err(format!("{error:#}"))),
        };
        let judgement = self.engine.borrow_mut().repin(lock);
        self.apply(judgement, &[], Side::Client).await?;
        Ok(Ok(()))
    }

    fn waiting(&self) -> Vec<Held> {
        let held = self.engine.borrow().held(Instant::now());
        held.into_iter().map(|call| self.shown_call(call)).collect()
    }

    fn shown_call(&self, held: HeldCall) -> Held {
        let HeldCall { seq, tool, arguments, digest, rule, approvers, given, waited, left } = held;
        let milliseconds = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let plan = &self.composed.borrow().plan;
        Held {
            session: self.journal.borrow().session().to_owned(),
            policy: plan.name.clone(),
            call: seq,
            tool,
            arguments: String::from_utf8_lossy(&arguments).into_owned(),
            digest,
            approvers,
            given,
            waited_ms: milliseconds(waited),
            left_ms: milliseconds(left),
            rule: plan.rule(rule).map(|rule| format!("{} at {}", rule.text, rule.origin)).unwrap_or_default(),
        }
    }

    async fn decide(&self, call: u64, digest: &str, by: &str, approve: bool) -> Result<Decided, Ending> {
        let decision = if approve { Decision::Approve } else { Decision::Deny };
        let decided = self.engine.borrow_mut().decide(call, digest, by, decision, Instant::now());
        let missing = |call| self.waiting().iter().find(|held| held.call == call).map_or(0, missing_of);
        match decided {
            Ok(judgement) => {
                self.layers.kernel.follow(&self.engine.borrow());
                self.apply(judgement, &[], Side::Client).await?;
                let waits_for_client = self.engine.borrow().waits_for_client(call);
                Ok(Decided { refused: None, missing: missing(call), waits_for_client })
            }
            Err(why @ (Undecided::Gone | Undecided::Changed | Undecided::Again)) => Ok(Decided {
                refused: Some(why.to_string()),
                missing: missing(call),
                waits_for_client: false,
            }),
        }
    }
}

fn missing_of(held: &Held) -> u8 {
    held.approvers.saturating_sub(u8::try_from(held.given.len()).unwrap_or(u8::MAX))
}

/// An approver by its number, and its name where there is one.
fn named(uid: u32) -> String {
    let user = nix::unistd::User::from_uid(uid.into()).ok().flatten();
    user.map_or_else(|| format!("user {uid}"), |user| format!("user {uid} ({})", user.name))
}
