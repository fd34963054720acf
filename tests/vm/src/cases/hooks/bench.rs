//! The eBPF layer alone: no Landlock, no seccomp, no privileges dropped, so that nobody else can be the one who denies.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use abi::session_flags;
use anyhow::{Context, Result, ensure};
use enforce::bpf::{self, Cgroup, Event, Events, Layer, Mark, Opening, Session, Sizes};
use enforce::cgroup::{Group, GroupId};
use enforce::encode::{Implied, Tables, encode, look_up};
use enforce::{Doors, Pid};
use policy::plan::{AbsolutePath, LimitsPlan};
use policy::{Library, Plan, Programs, Source};

use crate::actor::{Finished, Outcome};
use crate::ground::{Ground, INIT};
use crate::sys::{Argument, descriptors};

/// The room in the maps of a bench.
const SIZES: Sizes = Sizes {
    slots: 64,
    objects: 8192,
    named: 4096,
    names: 1024,
    addresses: 1024,
    ports: 1024,
    learned: 1,
    peers: 1,
    destinations: 1,
    ring_bytes: 1 << 20,
};

/// The layer and its ring.
pub(crate) struct Bench {
    pub(crate) layer: Layer,
    events: Events,
    rooms: usize,
}

/// A session with a control group of its own.
pub(crate) struct Room {
    pub(crate) session: Session,
    pub(crate) group: Group,
}

/// What an act in a session came to.
#[derive(Debug)]
pub(crate) struct Inside {
    /// What it reported; nothing if it was killed.
    pub(crate) outcome: Option<Outcome>,
    /// Whether it was killed by `SIGKILL`.
    pub(crate) killed: bool,
    /// Its process.
    pub(crate) process: Pid,
    /// The events of the session meanwhile.
    pub(crate) events: Vec<Event>,
    pub(crate) stderr: String,
}

/// Short: many of them stand in one report.
impl fmt::Display for Inside {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Some(outcome) => write!(to, "{:?} {}", outcome.errno(), outcome.value)?,
            None => write!(to, "nothing told")?,
        }
        write!(to, "{}", if self.killed { ", killed" } else { "" })?;
        for Event { kind, action, reason, rule, access, path, peer, .. } in self.events.iter().take(8) {
            let path = path.as_ref().map(|seen| seen.path.display().to_string());
            let peer = peer.map(|peer| peer.address.to_string());
            write!(to, "; {kind:?} {action:?} {reason:?} rule {rule:?} access {access} {path:?} {peer:?}")?;
        }
        write!(to, "; {} events", self.events.len())
    }
}

/// How the layer is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Senders {
    /// Sending is judged by the programs on control groups alone.
    Denied,
    /// And by one on `sendmsg`, which can kill.
    Killed,
}

impl Bench {
    /// Loads the layer.
    pub(crate) fn load(senders: Senders) -> Result<Self> {
        let options = bpf::Options { sizes: SIZES, kills_senders: senders == Senders::Killed };
        let mut layer = Layer::load(&bpf::probe(), &options)?;
        ensure!(layer.way().is_some(), "the programs stand on no security hook");
        let events = layer.events().context("the ring is taken")?;
        Ok(Self { layer, events, rooms: 0 })
    }

    /// Opens a session and its group.
    pub(crate) fn open(&mut self, tables: &Tables) -> Result<Room> {
        self.rooms += 1;
        let id = GroupId::own().context("no name for a group")?.labelled(&format!("a{}", self.rooms))?;
        let group = Group::create(&id, &LimitsPlan::default())?;
        let directory = group.v2_directory_fd().context("no control group of version 2")?;
        let cgroup = Cgroup { directory, id: group.id().context("the group has no id")? };
        // Nobody listens there: what is led there is let through, and that is what is seen.
        let doors = Doors { resolver: 4053, proxy: 4443 };
        let doors = (tables.flags & session_flags::DOORS != 0).then_some(doors);
        let opening = Opening {
            tables,
            server: Some(Pid::this()),
            supervisor: Pid::this(),
            identity: None,
            doors,
            cgroup: Some(cgroup),
        };
        let session = self.layer.open(&opening)?;
        Ok(Room { session, group })
    }

    /// Starts an act that waits, marks it, and moves it into the group.
    pub(crate) fn start(&mut self, room: &Room, words: &[&str]) -> Result<Gated> {
        self.start_as(room, Some(Mark::Armed), words)
    }

    /// The same with another mark, or with none: a stranger.
    pub(crate) fn start_as(&mut self, room: &Room, mark: Option<Mark>, words: &[&str]) -> Result<Gated> {
        let mut command = Command::new(INIT);
        command.arg("--gate").args(words).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let gated = Gated(command.spawn().context("cannot start the act")?);
        gated.waits()?;
        let number = Argument::Number(gated.0.id().into());
        let process = descriptors::make(libc::SYS_pidfd_open, &mut [number, Argument::Number(0)])?;
        if let Some(mark) = mark {
            self.layer.tag(&room.session, process.as_fd(), mark)?;
        }
        room.group.join(gated.process())?;
        Ok(gated)
    }

    /// Performs an act in the session.
    pub(crate) fn act(&mut self, room: &Room, words: &[&str]) -> Result<Inside> {
        self.act_as(room, Some(Mark::Armed), words)
    }

    /// The same with another mark, or with none.
    pub(crate) fn act_as(&mut self, room: &Room, mark: Option<Mark>, words: &[&str]) -> Result<Inside> {
        self.events();
        let gated = self.start_as(room, mark, words)?;
        let process = gated.process();
        let Finished { status, outcome, stderr } = gated.run()?;
        let slot = room.session.slot();
        let events = self.events().into_iter().filter(|event| event.slot == slot).collect();
        Ok(Inside { outcome, killed: status.signal() == Some(libc::SIGKILL), process, events, stderr })
    }

    /// Ends a session.
    pub(crate) fn close(&mut self, room: Room) -> Result<()> {
        room.group.remove()?;
        Ok(self.layer.close(room.session)?)
    }

    /// What the ring holds.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.poll()).filter_map(Result::ok).collect()
    }

    /// On a kernel that preempts, a program that was interrupted is skipped on that processor: that must not happen.
    pub(crate) fn nothing_was_skipped(&self) -> Result<()> {
        let misses = self.layer.recursion_misses()?;
        let misses: Vec<_> = misses.into_iter().filter(|(_, count)| *count != 0).collect();
        ensure!(misses.is_empty(), "the kernel skipped programs: {misses:?}");
        Ok(())
    }
}

/// A process that waits for the word to act.
pub(crate) struct Gated(Child);

impl Gated {
    /// Its process.
    pub(crate) fn process(&self) -> Pid {
        Pid::from_raw(self.0.id().cast_signed())
    }

    /// Waits until it waits: what it does to get there is not the act.
    fn waits(&self) -> Result<()> {
        let state = format!("/proc/{}/syscall", self.0.id());
        let until = Instant::now() + Duration::from_secs(30);
        // `read` is system call 0, and stdin descriptor 0 (proc_pid_syscall(5)).
        while !std::fs::read_to_string(&state).unwrap_or_default().starts_with("0 0x0 ") {
            ensure!(Instant::now() < until, "the act does not come to its gate");
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Lets it act, and waits for its end.
    pub(crate) fn run(mut self) -> Result<Finished> {
        self.begin()?;
        self.end()
    }

    /// Lets it act.
    pub(crate) fn begin(&mut self) -> Result<()> {
        // It may be dead already, if it was killed at the gate: that is an outcome too.
        let _ = self.0.stdin.take().context("the gate is open")?.write_all(b"!");
        Ok(())
    }

    /// Waits for its end.
    pub(crate) fn end(self) -> Result<Finished> {
        Ok(Finished::of(self.0.wait_with_output().context("cannot wait for the act")?))
    }
}

/// Compiles a policy for this ground and encodes it, with these flags beside its own.
pub(crate) fn tables(ground: &Ground, policy: &str, flags: u32) -> Result<Tables> {
    let plan = plan(ground, policy)?;
    let implied = Implied::default();
    let mut tables = encode(&plan, &implied, &look_up(&plan, &implied)?)?;
    tables.flags |= flags;
    Ok(tables)
}

pub(crate) fn plan(ground: &Ground, text: &str) -> Result<Plan> {
    compile(ground.directory(), &ground.workspace(), text)
}

/// Compiles a policy for these directories.
pub(crate) fn compile(home: &Path, workspace: &Path, text: &str) -> Result<Plan> {
    let at = |path: &Path| AbsolutePath::new(path).context("no absolute path");
    let environment = BTreeMap::new();
    let home = at(home)?;
    let context = policy::Context {
        workspace: at(workspace)?,
        config_home: home.clone(),
        cache_home: home.clone(),
        home,
        runtime_dir: None,
        server: Vec::new(),
        environment: &environment,
        programs: &NoPrograms,
    };
    let source = Source { name: "bench".to_owned(), text: text.to_owned() };
    Ok(policy::load(source, &NoTexts)?.compile(&context)?)
}

/// A bench's policy extends nothing.
struct NoTexts;

impl Library for NoTexts {
    fn read(&self, reference: &str, _: &str) -> Result<Source, String> {
        Err(format!("a bench has no `{reference}`"))
    }
}

/// A bench's policy names programs by path.
struct NoPrograms;

impl Programs for NoPrograms {
    fn find(&self, name: &str) -> Result<AbsolutePath, String> {
        Err(format!("a bench has no `PATH` to look for `{name}`"))
    }
}
