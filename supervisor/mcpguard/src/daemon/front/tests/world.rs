//! A front on a thread of its own, with its keeper, its log and its directories.

use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use control::message::{Opened, State, Summary};
use control::rights::Operators;
use control::{Answer, Request};
use enforce::keeper::{Identity, Kept, Key, Order};
use enforce::{KernelEvent, Pid};
use policy::{CgroupSupport, Ebpf, HookWay};

use super::client::{Client, open};
use super::keeper::Keeper;
use crate::daemon::front::log::{Fact, Log, Seen};
use crate::daemon::front::memo::Memo;
use crate::daemon::front::run;
use crate::daemon::front::settings::Settings;
use crate::daemon::wire::{Ask, Offer, Peer, Standing};
use crate::trust::Keepers;

/// The group of operators.
pub(super) const OPERATORS: u32 = 4242;

/// What the log was given.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Mutex<Remembered>>);

#[derive(Default)]
pub(super) struct Remembered {
    pub(super) facts: Vec<String>,
    last: u64,
    /// Nothing can be written.
    pub(super) fails: bool,
    /// What was seen last: names, and what they use.
    pub(super) seen: Vec<(String, u64)>,
    /// Nothing is remembered.
    pub(super) forgets: bool,
}

impl Memory {
    pub(super) fn get(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.0.lock().unwrap()
    }

    pub(super) fn has(&self, text: &str) -> bool {
        self.get().facts.iter().any(|fact| fact.starts_with(text))
    }
}

impl Log for Memory {
    fn event(&mut self, notice: Option<u64>, fact: &Fact<'_>) {
        let mut own = self.get();
        own.last = own.last.max(notice.unwrap_or(0));
        if !own.forgets {
            own.facts.push(format!("{fact:?}"));
        }
    }

    fn look(&mut self, sessions: &[Seen<'_>]) {
        let seen = |seen: &Seen<'_>| (seen.about.memo.name.clone(), seen.usage.memory.unwrap_or(0));
        self.get().seen = sessions.iter().filter(|seen| seen.state == State::Running).map(seen).collect();
    }

    fn flush(&mut self) -> std::io::Result<u64> {
        let own = self.get();
        if own.fails { Err(std::io::Error::other("the disk is full")) } else { Ok(own.last) }
    }
}

pub(super) struct World {
    pub(super) path: PathBuf,
    pub(super) keeper: Keeper,
    pub(super) log: Memory,
    pub(super) directory: tempfile::TempDir,
    front: Option<JoinHandle<anyhow::Result<u8>>>,
}

/// Everything is enforced.
pub(super) fn offer() -> Offer {
    let ebpf = Ebpf { hooks: Some(HookWay::Lsm), network: true, ..Ebpf::default() };
    let cgroup = CgroupSupport { identity: true, memory: true, cpu: true, processes: true, missing: None };
    Offer::new(&ebpf, &cgroup)
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(|_| {}, Standing { offer: offer(), sessions: vec![], ..Standing::default() })
    }

    pub(super) fn with(change: impl FnOnce(&mut Settings), standing: Standing) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["state", "etc"] {
            let path = directory.path().join(name);
            std::fs::create_dir(&path).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self::in_directory(directory, change, standing)
    }

    /// A front that is started again in the place of another.
    pub(super) fn in_directory(
        directory: tempfile::TempDir,
        change: impl FnOnce(&mut Settings),
        standing: Standing,
    ) -> Self {
        let log = Memory::default();
        let own = Box::new(log.clone());
        Self::with_log(directory, change, standing, log, own)
    }

    /// A front with a log of its own.
    pub(super) fn with_log(
        directory: tempfile::TempDir,
        change: impl FnOnce(&mut Settings),
        standing: Standing,
        log: Memory,
        own: Box<dyn Log + Send>,
    ) -> Self {
        let path = directory.path().join("control.sock");
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let metrics = directory.path().join("metrics.sock");
        let _ = std::fs::remove_file(&metrics);
        let passed = standing.metrics.then(|| UnixListener::bind(&metrics).unwrap().into());
        let keeper = Keeper::start(ours, standing, passed.into_iter().collect());
        let state: OwnedFd = std::fs::File::open(directory.path().join("state")).unwrap().into();
        let mut settings = Settings::new(state);
        settings.operators = Operators { group: Some(OPERATORS) };
        let me = nix::unistd::geteuid().as_raw();
        settings.host_rules = (directory.path().join("etc"), Keepers::Only(me));
        settings.deadlines.usage = Duration::from_millis(50);
        settings.deadlines.alive = Duration::from_millis(50);
        change(&mut settings);
        let front = std::thread::spawn(move || run(listener.into(), theirs.into(), settings, own));
        Self { path, keeper, log, directory, front: Some(front) }
    }

    pub(super) fn client(&self) -> Client {
        Client::new(&self.path)
    }

    /// A client whom the keeper takes for an operator.
    pub(super) fn operator(&self) -> Client {
        let identity = Identity { uid: 77, gid: 77, groups: vec![OPERATORS] };
        self.client_of(identity)
    }

    /// A client whom the keeper takes for this user.
    pub(super) fn user(&self, uid: u32) -> Client {
        self.client_of(Identity { uid, gid: uid, groups: vec![] })
    }

    /// The same, who has asked for nothing yet and must ask for something before another one comes.
    pub(super) fn fresh_user(&self, uid: u32) -> Client {
        let identity = Identity { uid, gid: uid, groups: vec![] };
        self.keeper.script().peer = Some(Peer { identity, process: 1, guarded: false });
        self.client()
    }

    fn client_of(&self, identity: Identity) -> Client {
        self.keeper.script().peer = Some(Peer { identity, process: 1, guarded: false });
        let client = self.client();
        // It was admitted if it is answered.
        let mut client = client;
        assert!(matches!(client.ask(Request::Offer), Answer::Offered(_)));
        self.keeper.script().peer = None;
        client
    }

    /// A client with a session.
    pub(super) fn session(&self) -> (Client, Opened, Key) {
        let mut client = self.client();
        let opened = match client.ask(open()) {
            Answer::Opened(opened) => opened,
            other => panic!("not opened: {other:?}"),
        };
        let key = Key(u64::from_str_radix(opened.session.as_str(), 16).unwrap());
        (client, opened, key)
    }

    /// The order of the last session.
    pub(super) fn order(&self) -> Order {
        let script = self.keeper.script();
        let order = script.asks.iter().rev().find_map(|ask| match ask {
            Ask::Open(_, order) => Some((**order).clone()),
            _ => None,
        });
        order.unwrap()
    }

    /// Waits for the front's own end.
    pub(super) fn end(&mut self) -> anyhow::Result<u8> {
        self.front.take().unwrap().join().unwrap()
    }

    /// Ends the front, and gives its directory to the next one.
    pub(super) fn stop(mut self) -> tempfile::TempDir {
        self.keeper.die();
        assert!(self.end().is_err());
        std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(front) = self.front.take() {
            self.keeper.die();
            let _ = front.join();
        }
    }
}

/// A session that outlived another front.
pub(super) fn kept(key: u64, uid: u32, name: &str, frozen: bool) -> Kept {
    let revision = format!("{key:064x}");
    let memo = Memo::now(name, "notes", &revision, None, vec![]);
    Kept { key: Key(key), uid, supervisor: 5, slot: 3, memo: memo.to_bytes(), frozen }
}

/// A denial.
pub(in crate::daemon) fn denied(sequence: u64) -> KernelEvent {
    KernelEvent {
        sequence,
        at: Duration::from_nanos(5),
        active: 1,
        call: 2,
        slot: 7,
        process: Pid::from_raw(42),
        thread: Pid::from_raw(42),
        name: "node".into(),
        kind: abi::EventKind::Open,
        action: abi::Action::Denied,
        reason: abi::Reason::NotGranted,
        rule: Some(0),
        access: 1,
        path: None,
        peer: None,
    }
}

/// All sessions of a list.
pub(super) fn list(client: &mut Client) -> Vec<Summary> {
    let id = client.send(Request::List);
    let mut all = vec![];
    loop {
        match client.answer(id).0 {
            Answer::Sessions(part) => {
                all.extend(part.sessions);
                if !part.more {
                    return all;
                }
            }
            other => panic!("no list: {other:?}"),
        }
    }
}
