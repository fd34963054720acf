//! Facts as records.

use std::num::NonZeroU64;

use abi::EventKind;
use audit::{
    Action, Body, Cause, Denial, EndReason, KernelDenial, Layer, Lost, LostKind, Operation, OperationKind,
    Revision, RuleRef, SessionEnd,
};
use control::message::{Actor, Because, Refusal};
use control::{Selector, SessionId};
use enforce::KernelEvent;
use serde::Serialize;
use telemetry::Entry;

use super::known::{Known, Limit};
use crate::daemon::front::log::About;
use crate::daemon::front::memo::MemoRule;
use crate::session;

/// The word that stands for a value in the log and in metrics.
pub(super) fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A session of the protocol, in the log.
pub(super) fn session(id: &SessionId) -> audit::SessionId {
    // Sixteen hexadecimal digits are a name.
    audit::SessionId::new(id.as_str()).unwrap_or_else(audit::SessionId::host)
}

/// Who did it, and which user that is.
pub(super) fn actor(who: Actor) -> (audit::Actor, Option<u32>) {
    match who {
        Actor::Owner(uid) => (audit::Actor::Owner, Some(uid)),
        Actor::Operator(uid) => (audit::Actor::Operator, Some(uid)),
        Actor::Policy => (audit::Actor::Policy, None),
        Actor::Daemon => (audit::Actor::Daemon, None),
    }
}

/// What is about a session names the policy that it has.
fn of(about: &About<'_>, body: Body) -> Entry {
    Entry { revision: Revision::of(&about.memo.revision), ..of_unknown(session(about.id), body) }
}

/// A session that is not known any more: nobody can say which policy it had.
fn of_unknown(session: audit::SessionId, body: Body) -> Entry {
    Entry { session, revision: None, body }
}

fn of_host(body: Body) -> Entry {
    of_unknown(audit::SessionId::host(), body)
}

fn operation(operation: OperationKind, who: Actor, detail: String) -> Body {
    let (by, uid) = actor(who);
    Body::Operation(Operation { operation, by, uid, detail: Some(detail) })
}

/// The front has started.
pub(super) fn start() -> Entry {
    let detail = format!("mcpguard {}, process {}", env!("CARGO_PKG_VERSION"), std::process::id());
    of_host(operation(OperationKind::Start, Actor::Daemon, detail))
}

/// The front stops.
pub(super) fn stop() -> Entry {
    of_host(operation(OperationKind::Stop, Actor::Daemon, "sessions go on".to_owned()))
}

/// A session was opened.
pub(super) fn opened(about: &About<'_>) -> Entry {
    of(about, operation(OperationKind::Open, Actor::Owner(about.uid), identity(about)))
}

/// Its supervisor has come back.
pub(super) fn resumed(about: &About<'_>) -> Entry {
    of(about, operation(OperationKind::Resume, Actor::Owner(about.uid), identity(about)))
}

/// Another policy holds for it.
pub(super) fn revised(about: &About<'_>, before: &str) -> Entry {
    let detail = format!("{}, before revision {before}", identity(about));
    of(about, operation(OperationKind::Revise, Actor::Owner(about.uid), detail))
}

fn identity(about: &About<'_>) -> String {
    let memo = about.memo;
    let host = memo.host_rules.as_ref().map_or_else(String::new, |rules| format!(", host rules {rules}"));
    let (name, policy, revision) = (&memo.name, &memo.policy, &memo.revision);
    format!("{name}, policy {policy}, revision {revision}{host}, supervisor {}", about.supervisor)
}

/// The kernel denied something; with the rule, if the session is known.
pub(super) fn denied(id: &SessionId, about: Option<&About<'_>>, event: &KernelEvent) -> Entry {
    let rule = about.zip(event.rule).and_then(|(about, number)| about.memo.rule(number)).map(rule);
    let denial = session::denial(event, rule);
    let body = match NonZeroU64::new(event.sequence) {
        Some(sequence) => Body::KernelDenial(KernelDenial { sequence, denial }),
        // The kernel counts from 1.
        None => Body::Denial(denial),
    };
    match about {
        Some(about) => of(about, body),
        None => of_unknown(session(id), body),
    }
}

/// `github.yaml:12:5` in its parts; a rule without a place has line 0.
fn rule(rule: &MemoRule) -> RuleRef {
    let MemoRule { text, origin, reason } = rule;
    let place = origin.rsplit_once(':').and_then(|(rest, column)| {
        let (source, line) = rest.rsplit_once(':')?;
        Some((source, line.parse().ok()?, column.parse().ok()?))
    });
    let (source, line, column) = place.unwrap_or((origin, 0, 0));
    RuleRef { text: text.clone(), source: source.to_owned(), line, column, reason: reason.clone() }
}

/// Kernel events that the ring had no room for.
pub(super) fn dropped(about: &About<'_>, kinds: &[(EventKind, u64)], count: u64) -> Entry {
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{kind:?} {count}")).collect();
    let why = "the kernel's ring of events was full; what they were about was denied all the same";
    let reason = Some(format!("{why}: {}", kinds.join(", ")));
    of(about, Body::Lost(Lost { count, kind: LostKind::KernelEvents, reason }))
}

fn about_it(layer: Layer, cause: Cause, what: &str, action: Action, reason: String, count: u64) -> Body {
    Body::Denial(Denial {
        layer,
        cause,
        what: what.to_owned(),
        detail: None,
        action,
        rule: None,
        reason: Some(reason),
        process: None,
        calls: Vec::new(),
        count,
        limit: None,
    })
}

/// A limit was reached so many times.
pub(super) fn reached(about: &About<'_>, limit: Limit, count: u64) -> Entry {
    let (what, action) = match limit {
        Limit::Memory => ("memory", Action::Killed),
        Limit::Processes => ("processes", Action::Denied),
    };
    let reason = format!("the control group's limit of {what} was reached");
    of(about, about_it(Layer::Cgroup, Cause::Resource, what, action, reason, count))
}

/// The guard was not seen to deny what it must.
pub(super) fn unproven(about: &About<'_>, why: &str) -> Entry {
    of(about, about_it(Layer::Ebpf, Cause::Proof, "the session", Action::Killed, why.to_owned(), 1))
}

/// Somebody has killed it.
pub(super) fn killed(about: &About<'_>, because: &Because) -> Entry {
    of(about, operation(OperationKind::Kill, because.who, because.why.clone()))
}

/// Somebody has stopped it.
pub(super) fn frozen(about: &About<'_>, because: &Because) -> Entry {
    of(about, operation(OperationKind::Freeze, because.who, because.why.clone()))
}

/// It goes on.
pub(super) fn thawed(about: &About<'_>, because: &Because) -> Entry {
    of(about, operation(OperationKind::Thaw, because.who, because.why.clone()))
}

/// Somebody has changed its limits.
pub(super) fn limited(about: &About<'_>, because: &Because) -> Entry {
    of(about, operation(OperationKind::Limits, because.who, because.why.clone()))
}

/// It is over.
pub(super) fn ended(about: &About<'_>, because: &Because, reason: EndReason, known: &Known) -> Entry {
    let end = SessionEnd {
        calls: known.calls,
        denials: known.denials,
        duration_us: about.memo.age_ms().saturating_mul(1000),
        ..end(reason, because.why.clone())
    };
    of(about, Body::SessionEnd(end))
}

/// A session that the log knows is not there any more, and nobody saw its end.
pub(super) fn unseen(session: audit::SessionId, denials: u64) -> Entry {
    let why = "it ended while the daemon was not there".to_owned();
    let end = SessionEnd { denials, ..end(EndReason::Unseen, why) };
    of_unknown(session, Body::SessionEnd(end))
}

fn end(reason: EndReason, why: String) -> SessionEnd {
    SessionEnd {
        reason,
        detail: Some(why).filter(|why| !why.is_empty()),
        exit_code: None,
        signal: None,
        calls: 0,
        denials: 0,
        duration_us: 0,
        processes_killed: 0,
    }
}

/// Somebody was refused something.
pub(super) fn refused(uid: u32, process: i32, refusal: &Refusal) -> Entry {
    let Refusal { code, sentence, details } = refusal;
    let details: String = details.iter().map(|detail| format!("; {detail}")).collect();
    let detail = format!("process {process}: {}: {sentence}{details}", word(code));
    of_host(operation(OperationKind::Refuse, Actor::Owner(uid), detail))
}

/// Refusals that came too fast to be written.
pub(super) fn refusals(uid: Option<u32>, count: u64) -> Entry {
    let whose = uid.map_or_else(|| "of many users".to_owned(), |uid| format!("of user {uid}"));
    let reason = Some(format!("{whose}, within a minute"));
    of_host(Body::Lost(Lost { count, kind: LostKind::Refusals, reason }))
}

/// No session of this revision is opened any more.
pub(super) fn quarantined(revision: &str, uid: u32) -> Entry {
    of_host(operation(OperationKind::Quarantine, Actor::Operator(uid), format!("policy revision {revision}")))
}

/// Sessions of it may be opened again.
pub(super) fn released(revision: &str, uid: u32) -> Entry {
    of_host(operation(OperationKind::Release, Actor::Operator(uid), format!("policy revision {revision}")))
}

/// The host's rules were read again.
pub(super) fn reloaded(uid: u32) -> Entry {
    of_host(operation(OperationKind::Reload, Actor::Operator(uid), "the host's rules".to_owned()))
}

/// Somebody wants sessions killed.
pub(super) fn doomed(sessions: &Selector, who: Actor) -> Entry {
    of_host(operation(OperationKind::Kill, who, format!("to end: {sessions}")))
}
