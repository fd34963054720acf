//! The world, a layer with a session in it, and two pairs of hands: one inside, one free.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use abi::{Address, AddressKey, Learned, Learning, PORT_CHECKED, Port, PortKey, PortUse, session_flags};
use anyhow::{Context, Result, ensure};
use enforce::bpf::{self, Cgroup, Event, Events, Layer, Mark, Opening, Options, Session, Sizes};
use enforce::cgroup::{Group, GroupId};
use enforce::encode::Tables;
use enforce::{Doors, Egress, Pid};
use nix::time::{ClockId, clock_gettime};
use policy::plan::LimitsPlan;

use super::world::{DNS, HTTPS, PLAIN, RANGE, World};
use crate::actor::Outcome;
use crate::sys::{Argument, descriptors};

/// The one class that [`RANGE`] is open to.
pub(super) const CLASS: u64 = 1 << 5;
/// Addresses that the layer may know.
pub(super) const ROOM: u32 = 16;

/// Everything that a step needs.
pub(super) struct Stage {
    pub(super) world: World,
    pub(super) layer: Layer,
    events: Events,
    /// `None` while it is closed.
    pub(super) room: Option<Room>,
    pub(super) free: Hands,
    rooms: usize,
}

/// A session with hands in it.
pub(super) struct Room {
    pub(super) session: Session,
    pub(super) egress: Arc<dyn Egress>,
    pub(super) hands: Hands,
    group: Group,
}

impl Stage {
    pub(super) fn set(patience: Duration) -> Result<Self> {
        let world = World::make(patience)?;
        let sizes = Sizes { learned: ROOM, peers: 1024, ..Sizes::of(&[], 2, 1 << 18) };
        // One more program that sees the addresses of datagrams; without hooks the others are alone with them.
        let mut layer = Layer::load(&bpf::probe(), &Options { sizes, kills_senders: true })?;
        ensure!(layer.guards_network(), "no programs on control groups");
        let events = layer.events().context("the ring is taken")?;
        let mut stage = Self { world, layer, events, room: None, free: Hands::start()?, rooms: 0 };
        let doors = stage.world.doors;
        stage.room = Some(stage.open(Some(doors))?);
        Ok(stage)
    }

    /// Opens a session.
    pub(super) fn open(&mut self, doors: Option<Doors>) -> Result<Room> {
        self.rooms += 1;
        let id = GroupId::own().context("no name for a group")?.labelled(&format!("d{}", self.rooms))?;
        let group = Group::create(&id, &LimitsPlan::default())?;
        let directory = group.v2_directory_fd().context("no control group of version 2")?;
        let cgroup = Some(Cgroup { directory, id: group.id().context("the group has no id")? });
        let session = self.layer.open(&Opening {
            tables: &tables(),
            server: None,
            supervisor: Pid::this(),
            identity: None,
            doors,
            cgroup,
        })?;
        let hands = Hands::start()?;
        let mut room = Room { egress: session.egress(), session, hands, group };
        // Made outside of the group.
        for (name, like) in [("foreign", "0.0.0.0:0"), ("foreign6", "[::]:0")] {
            room.hands.does(&["stream", name, like])?;
        }
        room.hands.waits()?;
        let number = Argument::Number(room.hands.0.id().into());
        let process = descriptors::make(libc::SYS_pidfd_open, &mut [number, Argument::Number(0)])?;
        self.layer.tag(&room.session, process.as_fd(), Mark::Armed)?;
        room.group.join(Pid::from_raw(room.hands.0.id().cast_signed()))?;
        Ok(room)
    }

    /// Ends a session.
    pub(super) fn close(&mut self, room: Room) -> Result<()> {
        drop(room.hands);
        room.group.remove()?;
        Ok(self.layer.close(room.session)?)
    }

    /// Everything goes but the world.
    pub(super) fn ends(self) -> World {
        self.world
    }

    /// The session that is open.
    pub(super) fn room(&mut self) -> Result<&mut Room> {
        self.room.as_mut().context("the session is closed")
    }

    /// What the hands inside came to.
    pub(super) fn tries(&mut self, words: &[&str]) -> Result<Outcome> {
        self.room()?.hands.act(words)
    }

    /// It must succeed.
    pub(super) fn does(&mut self, words: &[&str]) -> Result<Outcome> {
        self.room()?.hands.does(words)
    }

    /// It must be denied, with a record, and nothing may arrive anywhere.
    pub(super) fn denies(&mut self, words: &[&str]) -> Result<()> {
        self.events();
        let outcome = self.tries(words)?;
        ensure!(outcome.errno() == Some("EPERM"), "{words:?} is not denied: {outcome:?}");
        ensure!(!self.events().is_empty(), "no record of {words:?}");
        self.world.is_quiet().with_context(|| format!("{words:?}"))
    }

    /// Makes an address known, until the end of time.
    pub(super) fn learns(&mut self, address: &str, checked: u32, classes: u64) -> Result<()> {
        self.learns_until(address, checked, classes, u64::MAX)
    }

    pub(super) fn learns_until(
        &mut self,
        address: &str,
        checked: u32,
        classes: u64,
        until_ns: u64,
    ) -> Result<()> {
        let mut learned = Learned::default();
        learned.grants[1] = Learning { classes, until_ns, rule: 7, checked };
        Ok(self.room()?.egress.learn(address.parse()?, &learned)?)
    }

    pub(super) fn forgets(&mut self, address: &str) -> Result<()> {
        self.room()?.egress.forget(address.parse()?);
        Ok(())
    }

    /// From now on these classes hold.
    pub(super) fn follows(&mut self, active: u64) -> Result<()> {
        let egress = &self.room()?.egress;
        egress.follow(active, 9);
        ensure!(egress.moment() == (active, 9), "another moment: {:?}", egress.moment());
        Ok(())
    }

    /// Where somebody wanted to go who has come to a door.
    pub(super) fn arrived(&mut self, peer: SocketAddr) -> Result<Option<SocketAddr>> {
        Ok(self.room()?.egress.arrived(peer))
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.poll()).filter_map(Result::ok).collect()
    }
}

/// `CLOCK_BOOTTIME` in nanoseconds.
pub(super) fn now_ns() -> Result<u64> {
    Ok(u64::try_from(Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME)?).as_nanos())?)
}

/// Two ports, and one address in one class.
fn tables() -> Tables {
    let port = |port, flags| {
        (PortKey { port, usage: PortUse::Connect as u16, rules: 0 }, Port { rule: abi::NO_RULE, flags })
    };
    let range: std::net::Ipv4Addr = RANGE.parse().unwrap_or(std::net::Ipv4Addr::UNSPECIFIED);
    let key = AddressKey { address: range.to_ipv6_mapped().octets(), ..AddressKey::default() };
    Tables {
        ports: vec![port(HTTPS, PORT_CHECKED), port(PLAIN, 0)],
        addresses: vec![(128, key, Address { classes: CLASS, rule: 3, padding: 0 })],
        flags: session_flags::NETWORK | session_flags::DOORS,
        ..Tables::default()
    }
}

const _: () = assert!(DNS == abi::DNS_PORT);

/// A process that does what it is told.
pub(super) struct Hands(Child, Option<Words<ChildStdin, ChildStdout>>);

/// The pipes to and from such a process.
pub(super) struct Words<I, O>(I, BufReader<O>);

impl<I: Write, O: Read> Words<I, O> {
    pub(super) fn new(to: I, from: O) -> Self {
        Self(to, BufReader::new(from))
    }

    /// What a step came to.
    pub(super) fn act(&mut self, words: &[&str]) -> Result<Outcome> {
        writeln!(self.0, "{}", serde_json::to_string(words)?)?;
        let mut line = String::new();
        self.1.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("{words:?}: the hands told `{line}`"))
    }

    /// A step that must succeed.
    pub(super) fn does(&mut self, words: &[&str]) -> Result<Outcome> {
        let outcome = self.act(words)?;
        outcome.succeeded().with_context(|| format!("{words:?}"))?;
        Ok(outcome)
    }
}

impl Hands {
    fn start() -> Result<Self> {
        let mut command = Command::new("/proc/self/exe");
        let mut child = command.arg("--hands").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        Ok(Self(child, pipes.map(|(to, from)| Words::new(to, from))))
    }

    /// What a step came to.
    pub(super) fn act(&mut self, words: &[&str]) -> Result<Outcome> {
        self.1.as_mut().context("the hands have no ears")?.act(words)
    }

    /// A step that must succeed.
    pub(super) fn does(&mut self, words: &[&str]) -> Result<Outcome> {
        self.1.as_mut().context("the hands have no ears")?.does(words)
    }

    /// Waits until it waits: whoever is marked and does anything before it is in the group is killed.
    fn waits(&self) -> Result<()> {
        let state = format!("/proc/{}/syscall", self.0.id());
        let until = Instant::now() + Duration::from_secs(30);
        // `read` is system call 0, and stdin descriptor 0 (proc_pid_syscall(5)).
        while !std::fs::read_to_string(&state).unwrap_or_default().starts_with("0 0x0 ") {
            ensure!(Instant::now() < until, "the hands do not rest");
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl Drop for Hands {
    fn drop(&mut self) {
        // Its input ends, and so does it.
        self.1 = None;
        let _ = self.0.wait();
    }
}
