//! A kernel event in words: for the record, and for the answer of the call that it stopped.

use std::collections::BTreeMap;

use abi::{Access, BUCKETS, Bucket, EventKind, Reason};
use audit::{Action, Body, CallRef, Cause, Denial, Layer, Lost, LostKind, Process, RuleRef};
use enforce::KernelEvent;
use policy::Plan;
use policy::plan::{Ask, Rule};

use super::batch::Counted;
use crate::session::translate::rule_ref;
use crate::stamped;

/// What was attempted, as a person says it: `read /home/me/.env`, `connect to 10.0.0.5:22`.
pub(super) fn attempt(event: &KernelEvent) -> String {
    let object = object(event);
    match event.kind {
        EventKind::Open => format!("{} {object}", wanted(event.access)),
        EventKind::Exec => format!("execute {object}"),
        EventKind::MapCode => format!("load code from {object}"),
        EventKind::Create => format!("create {object}"),
        EventKind::Remove => format!("remove {object}"),
        EventKind::Rename => format!("rename {object}"),
        EventKind::Link => format!("link {object}"),
        EventKind::Truncate => format!("truncate {object}"),
        EventKind::Attributes => format!("change mode or owner of {object}"),
        EventKind::Receive => format!("receive an open descriptor of {object}"),
        EventKind::Connect => format!("connect to {object}"),
        EventKind::Send | EventKind::Packet => format!("send to {object}"),
        EventKind::Bind => format!("listen on {object}"),
        EventKind::Socket => format!("make a socket of {object}"),
        EventKind::Unix => format!("connect to the unix socket {object}"),
        EventKind::Trace => format!("look into {object}"),
        EventKind::Signal => format!("signal {object}"),
        EventKind::Mount => "mount or unmount".to_owned(),
        EventKind::Bpf => "use bpf(2)".to_owned(),
        EventKind::Namespace => "make a user namespace".to_owned(),
        EventKind::Fork => "start a process".to_owned(),
        EventKind::Escape => "leave the session's control group".to_owned(),
        EventKind::Uring => "give an io_uring privileges of its own".to_owned(),
    }
}

/// The rules of the plan, for records and sentences.
pub(super) struct Rules {
    rules: Vec<Rule>,
    /// How often the session's policy was changed, and the rules before the last time: of what was denied just before it.
    stamp: u8,
    before: Vec<Rule>,
    limits: [Option<u64>; BUCKETS],
}

impl Rules {
    pub(super) fn of(plan: &Plan) -> Self {
        Self { rules: plan.rules.clone(), stamp: 0, before: Vec::new(), limits: Self::limits(plan) }
    }

    /// Tells by another plan from now on.
    pub(super) fn follow(&mut self, plan: &Plan, stamp: u8) {
        let before = std::mem::take(&mut self.rules);
        *self = Self { rules: plan.rules.clone(), stamp, before, limits: Self::limits(plan) };
    }

    fn limits(plan: &Plan) -> [Option<u64>; BUCKETS] {
        let mut limits = [None; BUCKETS];
        limits[Bucket::Exec as usize] = plan.limits.max_execs_per_minute.map(u64::from);
        limits[Bucket::Connect as usize] = plan.network.max_connections_per_minute.map(u64::from);
        limits[Bucket::Open as usize] = plan.limits.max_opens_per_minute.map(u64::from);
        limits[Bucket::SentBytes as usize] = plan.network.max_sent_bytes_per_minute;
        limits[Bucket::Destination as usize] = plan.network.max_destinations_per_minute.map(u64::from);
        limits
    }

    /// A rule by its number in the kernel's tables.
    fn by_number(&self, number: u32) -> Option<&Rule> {
        stamped::rule(number, self.stamp, &self.rules, &self.before)
    }

    /// The rule that asks for this.
    pub(super) fn asking(&self, ask: &Ask) -> Option<RuleRef> {
        self.rules.iter().find(|rule| rule.ask == *ask).map(rule_ref)
    }

    fn of_event(&self, event: &KernelEvent) -> Option<RuleRef> {
        match bucket(event) {
            Some(Bucket::Exec) => self.asking(&Ask::ExecRate),
            Some(Bucket::Connect) => self.asking(&Ask::ConnectRate),
            Some(Bucket::Destination) => self.asking(&Ask::DestinationRate),
            Some(Bucket::Open) => self.asking(&Ask::OpenRate),
            Some(Bucket::SentBytes) => self.asking(&Ask::SentBytesRate),
            _ => self.by_number(event.rule?).map(rule_ref),
        }
    }

    /// The sentence for the answer to the client: the attempt, and the rule or the reason.
    pub(super) fn sentence(&self, event: &KernelEvent) -> String {
        let why = match (event.reason, self.of_event(event)) {
            (Reason::NotGranted, None) => "no rule of the policy grants it".to_owned(),
            (Reason::NotGranted, Some(rule)) if !rule.text.starts_with("filesystem.deny") => {
                format!("the nearest rule, `{}`, does not grant it to the calls in flight", rule.text)
            }
            (_, Some(rule)) => format!("rule `{}`", rule.text),
            (reason, None) => because(reason).to_owned(),
        };
        format!("{} ({why})", attempt(event))
    }

    /// A record about the session as a whole.
    pub(super) fn about_the_session(&self, cause: Cause, action: Action, why: &str) -> Body {
        let asks = |rule: &&Rule| cause == Cause::Repeated && matches!(rule.ask, Ask::Repeated(_));
        Body::Denial(Denial {
            layer: Layer::Ebpf,
            cause,
            what: "the session".to_owned(),
            detail: None,
            action,
            rule: self.rules.iter().find(asks).map(rule_ref),
            reason: Some(why.to_owned()),
            process: None,
            calls: Vec::new(),
            count: 1,
            limit: None,
        })
    }

    /// The record.
    pub(super) fn denial(&self, counted: &Counted) -> Denial {
        let Counted { event, count, calls } = counted;
        Denial {
            calls: calls.iter().map(|call| CallRef { call: call.seq, tool: call.tool.clone() }).collect(),
            count: *count,
            limit: bucket(event).and_then(|bucket| self.limits[bucket as usize]),
            ..denial(event, self.of_event(event))
        }
    }
}

/// What one event says by itself; `rule` is the one that decided, if it is known.
pub(crate) fn denial(event: &KernelEvent, rule: Option<RuleRef>) -> Denial {
    let pid = event.process.as_raw().unsigned_abs();
    let program = Some(event.name.to_string_lossy().into_owned()).filter(|name| !name.is_empty());
    Denial {
        layer: Layer::Ebpf,
        cause: cause(event),
        what: object(event),
        detail: Some(detail(event)),
        action: match event.action {
            abi::Action::Denied => Action::Denied,
            abi::Action::Killed => Action::Killed,
        },
        rule,
        reason: Some(because(event.reason).to_owned()),
        process: Some(Process { pid, program }),
        calls: Vec::new(),
        count: 1,
        limit: None,
    }
}

/// Events that a batch had no room for, by kind.
pub(super) fn crowded_out(kinds: &BTreeMap<EventKind, u64>) -> Option<Body> {
    lost(kinds, "more different events than are written down at once")
}

/// Events that the ring had no room for, by kind.
pub(super) fn dropped(kinds: &BTreeMap<EventKind, u64>) -> Option<Body> {
    lost(kinds, "the kernel's ring of events was full; what they were about was denied all the same")
}

fn lost(kinds: &BTreeMap<EventKind, u64>, why: &str) -> Option<Body> {
    let count = kinds.values().sum();
    let by_kind: Vec<String> = kinds.iter().map(|(kind, count)| format!("{kind:?} {count}")).collect();
    let reason = Some(format!("{why}: {}", by_kind.join(", ")));
    (count > 0).then_some(Body::Lost(Lost { count, kind: LostKind::KernelEvents, reason }))
}

/// How it was meant to be used: `read`, `read and write`, or what else was attempted.
fn detail(event: &KernelEvent) -> String {
    match (event.kind, event.reason) {
        (EventKind::Open | EventKind::Receive, reason) if reason != Reason::Rate => wanted(event.access),
        (EventKind::Create | EventKind::Remove | EventKind::Rename | EventKind::Truncate, _)
        | (EventKind::Link | EventKind::Attributes, _) => format!("write: {}", attempt(event)),
        _ => attempt(event),
    }
}

fn wanted(access: u32) -> String {
    let words = [(Access::READ, "read"), (Access::WRITE, "write"), (Access::EXECUTE, "execute")];
    let words: Vec<&str> = words.iter().filter(|(bit, _)| access & bit != 0).map(|(_, word)| *word).collect();
    if words.is_empty() { "open".to_owned() } else { words.join(" and ") }
}

/// What it was about: a path, an address, another process, a kind of socket.
fn object(event: &KernelEvent) -> String {
    if let Some(seen) = &event.path {
        let cut = if seen.complete { "" } else { "…/" };
        return format!("{cut}{}", seen.path.to_string_lossy());
    }
    if let Some(peer) = event.peer {
        return peer.address.to_string();
    }
    match event.kind {
        EventKind::Trace | EventKind::Signal => format!("process {}", event.access),
        EventKind::Socket => format!("family {}", event.access),
        EventKind::Bpf => format!("bpf command {}", event.access),
        EventKind::Unix => "a socket of another process".to_owned(),
        EventKind::Escape => format!("process {}", event.process),
        EventKind::Fork => "a new process".to_owned(),
        EventKind::Mount => "mounts".to_owned(),
        EventKind::Namespace => "a user namespace".to_owned(),
        EventKind::Uring => "io_uring".to_owned(),
        _ => "something without a name".to_owned(),
    }
}

fn cause(event: &KernelEvent) -> Cause {
    match (event.reason, event.kind) {
        (Reason::Rate, _) => Cause::Rate,
        (Reason::Escape, _) | (_, EventKind::Escape) => Cause::Escape,
        (Reason::Internal, _) => Cause::Internal,
        (_, EventKind::Exec | EventKind::MapCode) => Cause::Program,
        (_, EventKind::Connect | EventKind::Send | EventKind::Bind | EventKind::Packet) => Cause::Network,
        (_, EventKind::Socket | EventKind::Unix) => Cause::Network,
        (_, EventKind::Trace | EventKind::Signal | EventKind::Mount | EventKind::Bpf) => Cause::Privilege,
        (_, EventKind::Namespace | EventKind::Uring) => Cause::Privilege,
        (_, EventKind::Fork) => Cause::Resource,
        _ => Cause::File,
    }
}

/// Why, in words.
pub(crate) fn because(reason: Reason) -> &'static str {
    match reason {
        Reason::NotGranted => "no rule grants it to the calls in flight",
        Reason::Name => "the policy denies this name wherever it is met",
        Reason::Rate => "the rate of the policy is used up",
        Reason::Unresolvable => "its path cannot be followed to the root, so no rule can be found for it",
        Reason::Kind => "no policy grants this kind of thing",
        Reason::WritableCode => {
            "code may not be loaded from where the server may write, nor from memory files"
        }
        Reason::OnTheWay => "it would move a denied path out of its place",
        Reason::Orphan => "the supervisor has ended",
        Reason::Escape => "the process is not where its mark says",
        Reason::Foreign => "it concerns a process outside of the session",
        Reason::Internal => "the eBPF program could not decide, and errors deny",
    }
}

/// The bucket that was empty; `None` for a call's budget, which names its rule itself.
fn bucket(event: &KernelEvent) -> Option<Bucket> {
    const ALL: [Bucket; abi::BUCKETS] = [
        Bucket::Exec,
        Bucket::Connect,
        Bucket::Open,
        Bucket::SentBytes,
        Bucket::Fork,
        Bucket::Denial,
        Bucket::Destination,
    ];
    let index = usize::try_from(event.access).ok().filter(|_| event.reason == Reason::Rate)?;
    ALL.into_iter().find(|bucket| *bucket as usize == index)
}
