//! A directory with a log in it, and bodies to write into it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use audit::*;
use proptest::prelude::*;
use serde_json::Value;

/// A directory that vanishes with the test.
pub(crate) struct Room {
    directory: tempfile::TempDir,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("deep/er/log.jsonl")
    }

    pub(crate) fn config(&self, session: &str) -> LogConfig {
        LogConfig {
            path: self.path(),
            max_bytes: 64 << 20,
            keep: 8,
            session: SessionId::new(session).unwrap(),
            revision: Some(revision("ab")),
            redactor: Arc::new(Redactor::none()),
        }
    }

    pub(crate) fn log(&self, session: &str) -> Log {
        Log::open(self.config(session)).unwrap()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        read(&self.path(), Filter::default()).unwrap().map(Result::unwrap).collect()
    }

    pub(crate) fn events(&self) -> Vec<&'static str> {
        self.records().iter().map(|record| record.body.event()).collect()
    }
}

/// The revision whose hash is this pair of digits, over and over.
pub(crate) fn revision(pair: &str) -> Revision {
    Revision::of(&pair.repeat(32)).unwrap()
}

pub(crate) fn noise(sample: &str) -> Body {
    Body::Noise(Noise { stream: Stream::Stdout, bytes: 1, lines: 1, sample: Some(sample.to_owned()) })
}

pub(crate) fn end() -> Body {
    Body::SessionEnd(SessionEnd {
        reason: EndReason::ServerExited,
        detail: None,
        exit_code: Some(0),
        signal: None,
        calls: 1,
        denials: 0,
        duration_us: 5,
        processes_killed: 0,
    })
}

/// Texts with everything that has ever confused a log reader.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,30}",
        "[a-z_/.]{1,20}",
        Just("\",\"hash\":\"0\"}\n{\"v\":1".to_owned()),
        Just("\u{202e}\u{9b}2J\u{7f}\r\n\0\u{feff}\u{e0041}".to_owned()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

fn rule() -> impl Strategy<Value = RuleRef> {
    (text(), text(), any::<u32>(), any::<u32>(), prop::option::of(text()))
        .prop_map(|(text, source, line, column, reason)| RuleRef { text, source, line, column, reason })
}

fn process() -> impl Strategy<Value = Process> {
    (any::<u32>(), prop::option::of(text())).prop_map(|(pid, program)| Process { pid, program })
}

fn cause() -> impl Strategy<Value = Cause> {
    prop::sample::select(vec![
        Cause::ToolDisabled,
        Cause::Timeout,
        Cause::Syscall,
        Cause::Malformed,
        Cause::Internal,
    ])
}

fn coverage() -> impl Strategy<Value = Vec<CoverageEntry>> {
    let entry = (rule(), prop::option::of(text())).prop_map(|(rule, note)| CoverageEntry {
        rule,
        state: CoverageState::Enforced,
        by: vec![Layer::Landlock, Layer::Seccomp],
        note,
    });
    prop::collection::vec(entry, 0..3)
}

fn start() -> impl Strategy<Value = Body> {
    (text(), prop::collection::vec(text(), 0..3), prop::option::of(process()), coverage()).prop_map(
        |(name, command, client, coverage)| {
            Body::SessionStart(Box::new(SessionStart {
                mcpguard: "0.1.0".to_owned(),
                policy: Policy { name, revision: "ab".repeat(32), sources: command.clone() },
                command,
                workspace: "/w".to_owned(),
                uid: 1000,
                pid: 7,
                client,
                scopes: vec![],
                kernel: Kernel { release: "6.18".to_owned(), landlock_abi: 7, ..Kernel::default() },
                coverage,
                degraded: vec![],
                unredacted: vec![],
            }))
        },
    )
}

fn found((name, excerpt, rule): (String, Option<String>, Option<RuleRef>)) -> Body {
    let (kind, treatment) = (FindingKind::HiddenInstructions, Treatment::Blocked);
    let tool = excerpt.clone();
    let finding = Finding { name: name.clone(), kind, treatment, count: 2, rule, excerpt };
    let (from, call, found) = (Speaker::Server, Some(1), vec![finding]);
    Body::Findings(Findings { from, method: name, call, tool, found })
}

fn alert((name, subject, rule): (String, Option<String>, Option<RuleRef>)) -> Body {
    let (severity, occasion) = (Severity::Critical, Occasion::Matched);
    let (reason, tool, within_seconds) = (subject.clone(), subject.clone(), Some(60));
    let (count, over_ms, suppressed, records) = (11, 48_000, 3, vec![7, 9]);
    Body::Alert(Alert {
        name,
        severity,
        occasion,
        reason,
        tool,
        subject,
        count,
        within_seconds,
        over_ms,
        records,
        suppressed,
        rule,
    })
}

fn changed() -> impl Strategy<Value = Body> {
    (text(), prop::collection::vec(text(), 0..3), coverage()).prop_map(|(name, later, coverage)| {
        let (revision, sources) = ("cd".repeat(32), later.clone());
        let policy = Policy { name, revision, sources };
        Body::PolicyChanged(PolicyChanged { policy, before: "ab".repeat(32), coverage, later })
    })
}

fn call() -> impl Strategy<Value = Body> {
    (
        text(),
        prop::option::of(value()),
        prop::option::of(text()),
        prop::option::of(cause()),
        prop::option::of(rule()),
    )
        .prop_map(|(tool, arguments, caller, cause, rule)| {
            Body::ToolCall(ToolCall {
                call: 1,
                request_id: "\"a\"".to_owned(),
                tool,
                // `null` and an absent member are one to serde.
                arguments: arguments.filter(|arguments| !arguments.is_null()),
                argument_bytes: 3,
                caller,
                verdict: if cause.is_some() { Verdict::Refused } else { Verdict::Allowed },
                cause,
                rule,
                reason: None,
                limit: Some(60),
                waited_ms: 0,
                classes: vec![0, 63],
            })
        })
}

fn result() -> impl Strategy<Value = Body> {
    (text(), any::<u64>(), prop::option::of(any::<i64>()), prop::option::of(text())).prop_map(
        |(tool, number, error_code, reason)| {
            Body::ToolResult(ToolResult {
                call: number,
                tool,
                outcome: Outcome::ToolError,
                duration_us: number,
                request_bytes: number,
                response_bytes: number,
                error_code,
                cause: None,
                rule: None,
                reason,
                limit: None,
            })
        },
    )
}

fn denial() -> impl Strategy<Value = Body> {
    (
        cause(),
        text(),
        prop::option::of(text()),
        prop::option::of(process()),
        prop::collection::vec(text(), 0..3),
    )
        .prop_map(|(cause, what, detail, process, tools)| {
            Body::Denial(Denial {
                layer: Layer::Seccomp,
                cause,
                what,
                detail,
                action: Action::Denied,
                rule: None,
                reason: None,
                process,
                calls: tools.into_iter().map(|tool| CallRef { call: 2, tool }).collect(),
                count: 3,
                limit: None,
            })
        })
}

/// A denial that the kernel numbered.
pub(crate) fn kernel_denial(sequence: u64) -> Body {
    let denial = Denial {
        layer: Layer::Ebpf,
        cause: Cause::File,
        what: "/etc/shadow".to_owned(),
        detail: None,
        action: Action::Denied,
        rule: None,
        reason: None,
        process: None,
        calls: vec![],
        count: 1,
        limit: None,
    };
    Body::KernelDenial(KernelDenial { sequence: sequence.try_into().unwrap(), denial })
}

fn operation() -> impl Strategy<Value = Body> {
    (any::<Option<u32>>(), prop::option::of(text())).prop_map(|(uid, detail)| {
        Body::Operation(Operation { operation: OperationKind::Quarantine, by: Actor::Operator, uid, detail })
    })
}

/// Any body that a session writes.
pub(crate) fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        1 => operation(),
        1 => start(),
        1 => changed(),
        4 => call(),
        3 => result(),
        3 => denial(),
        1 => (rule(), text(), text(), prop::option::of(text()))
            .prop_map(|(rule, reason, remedy, floor)| Body::Degraded(Degraded { rule, reason, remedy, floor })),
        1 => text().prop_map(|sample| noise(&sample)),
        1 => (text(), prop::option::of(text()), prop::option::of(rule())).prop_map(found),
        1 => (text(), prop::option::of(text()), prop::option::of(rule())).prop_map(alert),
        1 => (text(), prop::option::of(text())).prop_map(|(protocol, client)| {
            Body::Handshake(Handshake { protocol, client, ..Handshake::default() })
        }),
        1 => (any::<u64>(), prop::option::of(text()))
            .prop_map(|(count, reason)| Body::Lost(Lost { count, kind: LostKind::KernelEvents, reason })),
        1 => Just(end()),
    ]
}
