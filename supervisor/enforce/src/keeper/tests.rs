//! A keeper on the machine that runs the tests. Many hosted kernels let root have the programs on control groups and no
//! others; what needs the security hooks is tested in virtual machines.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::unistd::{Pid, getpid};

use super::*;
use crate::encode::Tables;
use crate::sys;

/// One test at a time has this build's layer.
static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn keeper(records: &std::path::Path) -> Option<Keeper> {
    let support = crate::probe();
    if !support.ebpf.network {
        // Nobody but root, and nobody without version 2 of control groups.
        assert!(support.ebpf.network_missing.is_some() || !nix::unistd::geteuid().is_root());
        return None;
    }
    let settings = Settings {
        sessions: 8,
        sessions_of_user: 2,
        canary: Duration::from_secs(3600),
        records: records.to_owned(),
    };
    Some(Keeper::start(settings, &support).expect("a keeper"))
}

/// Connects a UDP socket to an address that nobody has, for each line that it reads, and says whether that was denied.
struct Caller(Child, OwnedFd);

impl Caller {
    fn start() -> Self {
        // The mark is the process's own, so that nothing else may be executed before.
        let script = "while read -r _; do (exec 3<>/dev/udp/192.0.2.1/9) 2>/dev/null && echo free || echo denied; done";
        let mut command = Command::new("bash");
        command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let child = command.spawn().expect("bash is there");
        let handle = sys::pidfd_open(Pid::from_raw(child.id().cast_signed())).expect("an own child");
        Self(child, handle)
    }

    fn is_denied(&mut self) -> bool {
        use std::io::{BufRead, BufReader};
        self.0.stdin.as_mut().expect("a pipe").write_all(b"now\n").expect("it waits");
        let mut line = String::new();
        BufReader::new(self.0.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("it says");
        line == "denied\n"
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn order(key: u64) -> Order {
    Order {
        key: Key(key),
        tables: Tables { flags: abi::session_flags::NETWORK, ..Tables::default() },
        limits: Limits::default(),
        doors: None,
        unreachable: "192.0.2.1:7".parse().expect("an address"),
        memo: b"memo".to_vec(),
    }
}

fn identity() -> Identity {
    Identity { uid: 0, gid: 0, groups: Vec::new() }
}

fn open(keeper: &mut Keeper, caller: &Caller, key: u64) -> Result<(), HostError> {
    let number = Pid::from_raw(caller.0.id().cast_signed());
    let handle = sys::pidfd_open(getpid()).expect("this process");
    let identity = identity();
    let brought =
        Brought { process: caller.1.as_fd(), number, supervisor: getpid(), handle, identity: &identity };
    keeper.open(order(key), brought)
}

/// Works until something has come about.
#[track_caller]
fn until<T>(keeper: &mut Keeper, mut found: impl FnMut(Outcome) -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        let mut outcomes = keeper.work(Instant::now()).into_iter();
        let found = outcomes.find_map(&mut found);
        // The rest comes with the next.
        let rest: Vec<Outcome> = outcomes.collect();
        keeper.outcomes.extend(rest);
        if let Some(found) = found {
            return found;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("nothing came of it")
}

fn opened(outcome: Outcome) -> Option<(OwnedFd, OwnedFd)> {
    match outcome {
        Outcome::Opened { page, bundle, .. } => Some((page, bundle)),
        Outcome::Failed { error, .. } => panic!("{error}"),
        _ => None,
    }
}

fn sequence(outcome: Outcome) -> Option<(u64, u64)> {
    match outcome {
        Outcome::Notice(number, Notice::Event(Key(7), event)) => Some((number, event.sequence)),
        _ => None,
    }
}

#[test]
fn a_session_outlives_its_keeper_and_no_event_is_lost() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let place = tempfile::tempdir().expect("a directory");
    let Some(mut first) = keeper(place.path()) else { return };
    let mut caller = Caller::start();
    assert!(!caller.is_denied(), "this machine has no route at all");
    open(&mut first, &caller, 7).expect("begun");
    let again = open(&mut first, &caller, 8).expect_err("one supervisor has one session");
    assert!(matches!(again, HostError::Group(_)), "{again}");
    let (page, _bundle) = until(&mut first, opened);
    let active = crate::bpf::ActiveMask::new(page).expect("a page");
    active.store(1, 5);
    assert!(caller.is_denied());
    let (number, heard) = until(&mut first, sequence);
    assert!(caller.is_denied());
    let (second, next) = until(&mut first, sequence);
    assert_eq!((second, next), (number + 1, heard + 1));
    first.acknowledge(number);
    // It is killed: nothing is said to the kernel.
    drop(first);
    assert!(caller.is_denied(), "nobody lives who could let it loose");

    let mut later = keeper(place.path()).expect("as before");
    let kept = later.kept();
    let [session] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!((session.key, session.memo.as_slice(), session.frozen), (Key(7), &b"memo"[..], false));
    assert!(later.is_of(Key(7), getpid()) && later.is_guarded(caller.1.as_fd()));
    assert_eq!(until(&mut later, sequence), (1, next), "what was not acknowledged comes again");
    assert_eq!(until(&mut later, sequence), (2, next + 1), "and what came while nobody listened");
    assert!(caller.is_denied());
    assert_eq!(later.usage()[0].1.calls, 5);
    later.freeze(Key(7)).expect("a control group");
    later.thaw(Key(7)).expect("a control group");
    later.end(Key(7)).expect("it is there");
    until(&mut later, |outcome| matches!(outcome, Outcome::Ended(Key(7))).then_some(()));
    assert!(later.kept().is_empty());
    assert!(caller.0.wait().expect("an own child").code().is_none(), "it was killed");
    let mut other = Caller::start();
    assert!(!other.is_denied(), "others are free");
    drop(later);
    let left = std::fs::read_dir("/sys/fs/bpf/mcpguard").into_iter().flatten().flatten();
    let mut names = left.filter_map(|entry| entry.file_name().into_string().ok());
    assert!(!names.any(|name| name == generation::Generation::own_name()), "nothing is left of the last one");
}

#[test]
fn a_process_that_has_ended_is_not_guarded() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let place = tempfile::tempdir().expect("a directory");
    let Some(mut keeper) = keeper(place.path()) else { return };
    let mut caller = Caller::start();
    caller.0.kill().expect("an own child");
    caller.0.wait().expect("an own child");
    let error = open(&mut keeper, &caller, 9).expect_err("it is no more");
    assert!(matches!(error, HostError::Process(_)), "{error}");
    until(&mut keeper, |outcome| matches!(outcome, Outcome::Ended(Key(9))).then_some(()));
    assert!(keeper.records.all().is_empty());
}

#[test]
fn another_builds_session_goes_on_and_its_programs_go_with_it() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let place = tempfile::tempdir().expect("a directory");
    let Some(mut first) = keeper(place.path()) else { return };
    let mut caller = Caller::start();
    open(&mut first, &caller, 7).expect("begun");
    let _kept = until(&mut first, opened);
    drop(first);
    // As if it had been another build's.
    let all = std::path::Path::new("/sys/fs/bpf/mcpguard");
    let (own, old) = (generation::Generation::own_name(), "host-v1-000000000000");
    std::fs::rename(all.join(&own), all.join(old)).expect("pins");
    let records = record::Records::open(place.path()).expect("made");
    for record in records.all() {
        records.write(&record::Record { generation: old.to_owned(), ..record }).expect("written");
    }

    let mut later = keeper(place.path()).expect("as before");
    assert_eq!(later.notes(), Vec::<String>::new());
    assert!(later.is_of(Key(7), getpid()) && all.join(&own).exists());
    assert!(caller.is_denied());
    until(&mut later, sequence);
    later.end(Key(7)).expect("it is there");
    until(&mut later, |outcome| matches!(outcome, Outcome::Ended(Key(7))).then_some(()));
    assert!(!all.join(old).exists(), "nobody needs it any more");
}
