//! Facts into a real log in a directory of its own, and what stands there afterwards.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use audit::{Body, EndReason, Filter, LostKind, OperationKind, Record, Revision};
use control::Selector;
use control::message::{Code, Refusal, Resources};
use enforce::keeper::{Key, Usage};
use jiff::Timestamp;

use super::*;
use crate::daemon::front::log::About;
use crate::daemon::front::memo::{Memo, MemoRule};
use crate::daemon::front::tests::world::denied;

struct Room {
    directory: tempfile::TempDir,
    metrics: Arc<Metrics>,
    memo: Memo,
}

impl Room {
    fn new() -> Self {
        let (text, origin) = ("filesystem.deny: /etc".to_owned(), "p.yaml:3:4".to_owned());
        let rule = MemoRule { text, origin, reason: Some("secrets".to_owned()) };
        Self {
            directory: tempfile::tempdir().unwrap(),
            metrics: Arc::new(Metrics::new("1", Timestamp::now())),
            memo: Memo::now("files", "notes", &hash(), None, vec![rule]),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("host.jsonl")
    }

    /// A front's log, which has been shown what there is.
    fn journal(&self, there: &[u64]) -> Journal {
        let section = LogSection { path: self.path(), ..LogSection::default() };
        let mut journal = Journal::open(&section, &self.metrics).unwrap();
        let ids: Vec<SessionId> = there.iter().map(|key| id(*key)).collect();
        let usage = Usage::default();
        let seen = |id| Seen { about: self.about(id), state: State::Running, usage: &usage };
        journal.look(&ids.iter().map(seen).collect::<Vec<_>>());
        journal
    }

    fn about<'a>(&'a self, id: &'a SessionId) -> About<'a> {
        About { id, uid: 1000, supervisor: 5, memo: &self.memo }
    }

    fn records(&self) -> Vec<Record> {
        assert!(!audit::verify(&self.path()).unwrap().files.is_empty());
        audit::read(&self.path(), Filter::default()).unwrap().map(|record| record.unwrap()).collect()
    }

    fn of(&self, id: &SessionId) -> Vec<Body> {
        let own = record::session(id);
        self.records().into_iter().filter(|record| record.session == own).map(|record| record.body).collect()
    }
}

/// The revision of every session's policy here.
fn hash() -> String {
    "ab12".repeat(16)
}

fn id(key: u64) -> SessionId {
    SessionId::new(Key(key).to_string()).unwrap()
}

/// Waits until everything up to this notice is written.
fn written(journal: &mut Journal, notice: u64) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while journal.flush().ok() != Some(notice) {
        assert!(Instant::now() < deadline, "it was never written");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn because(who: Actor) -> Because {
    Because { who, why: "so it is".to_owned() }
}

#[test]
fn every_fact_is_its_record() {
    let (room, id) = (Room::new(), id(0xaa));
    let mut journal = room.journal(&[]);
    let about = room.about(&id);
    let resources = Resources { oom_kills: Some(2), processes_refused: Some(0), ..Resources::default() };
    let refusal =
        Refusal { code: Code::NotAllowed, sentence: "no".to_owned(), details: vec!["never".to_owned()] };
    let (event, operator, owner) = (denied(1), because(Actor::Operator(7)), because(Actor::Owner(1000)));
    let dropped = control::message::Dropped { kinds: vec![] };
    for fact in [
        Fact::Opened(about),
        Fact::Resumed(about),
        Fact::Denied(about, &event),
        Fact::Dropped(about, &dropped),
        Fact::Resources(about, resources),
        Fact::Frozen(about, &operator),
        Fact::Thawed(about, &operator),
        Fact::Limited(about, &operator),
        Fact::Proven(about),
        Fact::Unproven(about, "not denied"),
        Fact::Killed(about, &owner),
        Fact::Refused { uid: 1000, process: 9, refusal: &refusal },
        Fact::Quarantined("ab12", 0),
        Fact::Released("ab12", 0),
        Fact::Reloaded(0),
        Fact::Doomed(&Selector::User(1000), Actor::Operator(0)),
        Fact::Ended(about, &owner),
        Fact::Stray(id.clone()),
    ] {
        journal.event(None, &fact);
    }
    drop(journal);

    let bodies = room.of(&id);
    let events: Vec<&str> = bodies.iter().map(Body::event).collect();
    let expected = [
        "operation",
        "operation",
        "kernel_denial",
        "denial",
        "operation",
        "operation",
        "operation",
        "denial",
        "operation",
    ];
    assert_eq!(events, [&expected[..], &["session_end"]].concat());
    let Body::Operation(open) = &bodies[0] else { panic!("no opening") };
    assert_eq!((open.operation, open.by, open.uid), (OperationKind::Open, audit::Actor::Owner, Some(1000)));
    let identity = format!("files, policy notes, revision {}, supervisor 5", hash());
    assert_eq!(open.detail, Some(identity));
    let Body::KernelDenial(kernel) = &bodies[2] else { panic!("no denial") };
    let rule = kernel.denial.rule.as_ref().unwrap();
    assert_eq!((kernel.sequence.get(), rule.text.as_str()), (1, "filesystem.deny: /etc"));
    assert_eq!((rule.source.as_str(), rule.line, rule.column), ("p.yaml", 3, 4));
    assert_eq!((rule.reason.as_deref(), kernel.denial.process.as_ref().unwrap().pid), (Some("secrets"), 42));
    let Body::Denial(reached) = &bodies[3] else { panic!("no limit") };
    assert_eq!((reached.what.as_str(), reached.count), ("memory", 2));
    let Body::Operation(limits) = &bodies[6] else { panic!("no limits") };
    assert_eq!(
        (limits.operation, limits.by, limits.uid),
        (OperationKind::Limits, audit::Actor::Operator, Some(7))
    );
    assert_eq!(limits.detail.as_deref(), Some("so it is"));
    let Body::SessionEnd(end) = &bodies[9] else { panic!("no end") };
    assert_eq!((end.reason, end.denials), (EndReason::Failed, 1));

    let is_host = |record: &Record| record.session == audit::SessionId::host();
    for record in room.records() {
        let policy = Some(hash()).filter(|_| !is_host(&record)).and_then(|hash| Revision::of(&hash));
        assert_eq!(record.revision, policy, "{record:?}");
    }

    let host = room.records().into_iter().filter(is_host);
    let operations: Vec<_> = host
        .filter_map(|record| match record.body {
            Body::Operation(operation) => Some((operation.operation, operation.detail.unwrap())),
            _ => None,
        })
        .collect();
    let kinds: Vec<_> = operations.iter().map(|(kind, _)| *kind).collect();
    use OperationKind::{Kill, Quarantine, Refuse, Release, Reload, Start, Stop};
    assert_eq!(kinds, [Start, Refuse, Quarantine, Release, Reload, Kill, Stop]);
    assert_eq!(operations[1].1, "process 9: not_allowed: no; never");
    assert_eq!(operations[5].1, "to end: all sessions of user 1000");
}

#[test]
fn a_crash_in_between_loses_nothing_and_doubles_nothing() {
    let (room, id) = (Room::new(), id(0xaa));
    let about = room.about(&id);
    let mut journal = room.journal(&[]);
    journal.event(None, &Fact::Opened(about));
    for sequence in 1..=3 {
        journal.event(Some(sequence), &Fact::Denied(about, &denied(sequence)));
    }
    written(&mut journal, 3);
    journal.event(Some(4), &Fact::Denied(about, &denied(4)));
    let after = Room::new();
    std::fs::copy(room.path(), after.path()).unwrap();
    drop(journal);
    let room = after;
    let about = room.about(&id);

    // What was on the disk at that moment. The keeper was told of the first one only, so it tells the others again, under numbers of the next front.
    let mut journal = room.journal(&[0xaa]);
    for (notice, sequence) in (1..).zip(2..=5) {
        journal.event(Some(notice), &Fact::Denied(about, &denied(sequence)));
    }
    journal.event(Some(5), &Fact::DeniedElsewhere(self::id(0xbb), &denied(1)));
    written(&mut journal, 5);
    drop(journal);
    let sequence = |body: &Body| match body {
        Body::KernelDenial(denial) => Some(denial.sequence.get()),
        _ => None,
    };
    let bodies = room.of(&id);
    assert_eq!(bodies.iter().filter_map(sequence).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(bodies.len(), 6, "it was opened once, whoever takes it over: {bodies:?}");
    assert_eq!(room.of(&self::id(0xbb)).iter().filter_map(sequence).collect::<Vec<_>>(), [1]);
    let unknown = record::session(&self::id(0xbb));
    let is_unnamed = |record: &Record| record.session != unknown || record.revision.is_none();
    assert!(room.records().iter().all(is_unnamed), "nobody can say which policy it had");
}

#[test]
fn what_happened_while_nobody_was_there_is_seen_afterwards() {
    let (room, gone, stays, unknown) = (Room::new(), id(1), id(2), id(3));
    let mut journal = room.journal(&[]);
    for id in [&gone, &stays] {
        journal.event(None, &Fact::Opened(room.about(id)));
    }
    journal.event(Some(1), &Fact::Denied(room.about(&gone), &denied(1)));
    drop(journal);

    drop(room.journal(&[2, 3]));
    let bodies = room.of(&gone);
    let Some(Body::SessionEnd(end)) = bodies.last() else { panic!("no end: {bodies:?}") };
    assert_eq!((end.reason, end.denials), (EndReason::Unseen, 1));
    assert_eq!(
        room.records().iter().rfind(|it| it.session == record::session(&gone)).unwrap().revision,
        None
    );
    assert_eq!(room.of(&stays).len(), 1);
    let bodies = room.of(&unknown);
    let [Body::Operation(open)] = &bodies[..] else { panic!("no opening: {bodies:?}") };
    assert_eq!(open.operation, OperationKind::Open);
    // It ends once.
    drop(room.journal(&[2, 3]));
    assert_eq!(room.of(&gone).len(), 3);
}

#[test]
fn what_the_ring_had_no_room_for_and_refusals_without_end_are_counted() {
    let (room, id) = (Room::new(), id(0xaa));
    let about = room.about(&id);
    let mut journal = room.journal(&[]);
    journal.event(None, &Fact::Opened(about));
    let dropped = [(abi::EventKind::Open, 9)].into();
    let usage = Usage { dropped, memory: Some(5), calls: 4, ..Usage::default() };
    for _ in 0..2 {
        journal.look(&[Seen { about, state: State::Running, usage: &usage }]);
    }
    let refusal = Refusal { code: Code::Limit, sentence: "full".to_owned(), details: vec![] };
    for _ in 0..1000 {
        journal.event(None, &Fact::Refused { uid: 1000, process: 9, refusal: &refusal });
    }
    drop(journal);
    let lost = |body: &Body| match body {
        Body::Lost(lost) => Some((lost.kind, lost.count)),
        _ => None,
    };
    assert_eq!(room.of(&id).iter().filter_map(lost).collect::<Vec<_>>(), [(LostKind::KernelEvents, 9)]);
    assert_eq!(room.records().len(), 1 + 1 + 1 + 20 + 1);
}

/// A file system with room for so many KiB, for as long as this is there. Root only.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn at(path: &Path, kibibytes: u32) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            return None;
        }
        let size = format!("size={kibibytes}k");
        let made =
            std::process::Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(path).status();
        made.is_ok_and(|status| status.success()).then(|| Self(path.to_owned()))
    }

    fn grow(&self) {
        let grown =
            std::process::Command::new("mount").args(["-o", "remount,size=64m"]).arg(&self.0).status();
        assert!(grown.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_stops_acknowledging_and_nothing_is_lost_once_there_is_room() {
    let (room, id) = (Room::new(), id(0xaa));
    let Some(disk) = SmallDisk::at(room.directory.path(), 64) else {
        assert!(!nix::unistd::geteuid().is_root(), "root can mount a tmpfs");
        return;
    };
    let about = room.about(&id);
    let mut journal = room.journal(&[]);
    journal.event(None, &Fact::Opened(about));
    let most = 1000;
    for sequence in 1..=most {
        journal.event(Some(sequence), &Fact::Denied(about, &denied(sequence)));
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    let error = loop {
        match journal.flush() {
            Ok(number) => assert!(number < most, "acknowledged on a full disk"),
            Err(error) => break error.to_string(),
        }
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(error.contains("No space left on device"), "{error}");
    disk.grow();
    written(&mut journal, most);
    drop(journal);
    let verified = audit::verify(&room.path()).unwrap();
    let seen = verified.sessions.iter().find(|seen| seen.session == record::session(&id)).unwrap();
    assert_eq!((seen.kernel_last, seen.kernel_missing, seen.last), (most, 0, most + 1));
    assert!(room.records().iter().all(|record| record.body.event() != "lost"), "nothing was lost");
}

#[test]
fn the_front_does_not_wait_for_the_disk() {
    let (room, id) = (Room::new(), id(0xaa));
    let about = room.about(&id);
    let mut journal = room.journal(&[]);
    let (began, mut sequence, mut longest) = (Instant::now(), 0, Duration::ZERO);
    // 20,000 a second for two seconds, gathered for 10 ms as the front does.
    for turn in 1..=200_u32 {
        let turned = Instant::now();
        for _ in 0..200 {
            sequence += 1;
            journal.event(Some(sequence), &Fact::Denied(about, &denied(sequence)));
        }
        journal.flush().unwrap();
        longest = longest.max(turned.elapsed());
        std::thread::sleep(
            (began + turn * Duration::from_millis(10)).saturating_duration_since(Instant::now()),
        );
    }
    let told = began.elapsed();
    written(&mut journal, sequence);
    let behind = began.elapsed() - told;
    let report =
        format!("the longest turn was {longest:?}, all told after {told:?}, written {behind:?} later");
    assert!(longest < Duration::from_millis(500), "{report}");
}
