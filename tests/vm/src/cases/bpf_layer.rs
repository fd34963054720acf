//! The eBPF layer by its own interface: it finds its way, comes, denies, tells and goes; it is proved by a canary; and it
//! denies on when its supervisor is killed, until somebody cleans up.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use abi::{Entry, EventKind, flags};
use anyhow::{Context, Result, bail, ensure};
use enforce::Pid;
use enforce::bpf::{
    self, Bait, Canary, Cgroup, Event, Events, Gap, Layer, Mark, Opening, Options, Outcome, Session, Sizes,
    Tried,
};
use enforce::cgroup::{self, Group, GroupId};
use enforce::encode::{Object, Purpose, Tables};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use policy::HookWay;
use policy::plan::{AbsolutePath, LimitsPlan};

use crate::actor::Finished;
use crate::case::Case;
use crate::ground::{Ground, INIT};
use crate::need::Need;
use crate::sys::{Argument, descriptors, process};

const NEEDS: &[Need] = &[Need::Hooks];

pub(super) const CASES: &[Case] = &[
    Case::new("bpf_layer/finds_its_way", finds_its_way).needs(NEEDS).seconds(3),
    Case::new("bpf_layer/refuses_old_kernels", refuses_old_kernels).needs(&[Need::NoTaskStorage]),
    Case::new("bpf_layer/comes_is_proved_and_goes", comes_is_proved_and_goes).needs(NEEDS).seconds(20),
    Case::new("bpf_layer/outlives_its_supervisor", outlives_its_supervisor).needs(NEEDS).seconds(25),
    Case::new("bpf_layer/leaves_nobody_behind", leaves_nobody_behind).needs(NEEDS).seconds(25),
];

/// Where pins lie.
const PINS: &str = "/sys/fs/bpf/mcpguard";

fn finds_its_way(ground: &Ground) -> Result<()> {
    let probe = bpf::probe();
    let support = probe.support();
    let active = ground.facts().lsm.iter().any(|module| module == "bpf");
    let expected = if active { HookWay::Lsm } else { HookWay::FmodRet };
    ensure!(support.hooks == Some(expected), "{expected} was expected: {support:?}");
    ensure!(support.network, "no programs on control groups: {support:?}");
    Ok(())
}

fn refuses_old_kernels(_ground: &Ground) -> Result<()> {
    let probe = bpf::probe();
    let support = probe.support();
    ensure!(support.hooks.is_none() && !support.network, "this kernel is too old: {support:?}");
    let reason = support.hooks_missing.as_deref().unwrap_or_default();
    ensure!(reason.contains("Linux 5.17"), "the reason does not say what is needed: {reason}");
    let refused = Layer::load(&probe, &OPTIONS).err().context("it was loaded all the same")?.to_string();
    ensure!(refused.contains(reason), "the refusal does not say why: {refused}");
    Ok(())
}

/// Allowed before it is attached, denied while it is, allowed when it is gone: by the same system call.
fn comes_is_proved_and_goes(ground: &Ground) -> Result<()> {
    let (open, shut) = (ground.file("open.txt", "open")?, ground.file("shut.txt", "shut")?);
    ensure!(Gated::start(&shut)?.run()?.is_ok(), "it cannot be read without the layer");
    let mut bench = Bench::load(&[&open])?;
    ensure!(Gated::start(&shut)?.run()?.is_ok(), "a process outside of the session is denied");
    let inside = Gated::start(&open)?;
    bench.take_in(&inside)?;
    ensure!(inside.run()?.is_ok(), "a granted file is denied");
    let inside = Gated::start(&shut)?;
    bench.take_in(&inside)?;
    let number = inside.process();
    let outcome = inside.run()?;
    ensure!(outcome == Act::Failed(Some("EPERM".to_owned())), "it was not denied: {outcome:?}");
    let [event] = bench.heard()?.try_into().map_err(|events| anyhow::anyhow!("not one event: {events:?}"))?;
    let seen = event.path.as_ref().context("the event has no path")?;
    ensure!(event.kind == EventKind::Open && event.process == number, "another event: {event:?}");
    ensure!(seen.complete && seen.path == shut, "another path: {event:?}");
    ensure!(bench.layer.state(&bench.session)?.sequence == event.sequence, "the numbers do not fit");
    fs::set_permissions(&shut, Permissions::from_mode(0o755))?;
    proved(&mut bench, &open, &shut)?;
    // Marked and not in the group, whose end would be its own. It stands at the gate and does nothing meanwhile.
    let left = Gated::start(&shut)?;
    bench.layer.tag(&bench.session, left.handle()?.as_fd(), Mark::Armed)?;
    bench.end()?;
    ensure!(!pinned(), "pins are left");
    // The kernel detaches in the background.
    std::thread::sleep(ground.slow(Duration::from_secs(1)));
    ensure!(left.run()?.is_ok(), "it is denied although the layer is gone");
    Ok(())
}

/// A canary that is denied and heard is a proof; one that is not heard, or not denied, is none.
fn proved(bench: &mut Bench, open: &Path, shut: &Path) -> Result<()> {
    for _ in 0..2 {
        let tried = bench.canary(shut)?;
        let events = bench.heard()?;
        tried.proves(&events).with_context(|| format!("{tried:?}, {events:#?}"))?;
        let unheard = tried.proves(&events[1..]);
        ensure!(matches!(unheard, Err(Gap::NoEvent { .. })), "a missing event is not missed: {unheard:?}");
    }
    let tried = bench.canary(open)?;
    let hole = tried.proves(&bench.heard()?);
    ensure!(matches!(hole, Err(Gap::NotDenied { .. })), "an open file is no gap: {tried:?}, {hole:?}");
    let skipped: Vec<_> =
        bench.layer.recursion_misses()?.into_iter().filter(|(_, count)| *count > 0).collect();
    ensure!(skipped.is_empty(), "the kernel skipped programs: {skipped:?}");
    Ok(())
}

/// A process of a dead supervisor's session may not even do what was granted.
fn outlives_its_supervisor(ground: &Ground) -> Result<()> {
    let open = ground.file("open.txt", "open")?;
    let inside = Gated::start(&open)?;
    end_supervisor(&[&open], &inside)?;
    ensure!(pinned(), "nothing is pinned");
    let outcome = inside.run()?;
    ensure!(outcome != Act::Done, "an orphan goes on as if nothing had happened");
    ensure!(Gated::start(&open)?.run()?.is_ok(), "a process outside of the session is denied");
    cgroup::leftovers();
    let [left] = bpf::clean_leftovers(|_| true).try_into().map_err(|left| anyhow::anyhow!("{left:?}"))?;
    ensure!(left.outcome == Outcome::Removed, "{left:?}");
    ensure!(!pinned(), "pins are left");
    ensure!(bpf::clean_leftovers(|_| true).is_empty(), "it is found twice");
    Ok(())
}

/// Before the programs of a dead supervisor are taken away, whoever has its mark is found and killed.
fn leaves_nobody_behind(ground: &Ground) -> Result<()> {
    let open = ground.file("open.txt", "open")?;
    let inside = Gated::start(&open)?;
    end_supervisor(&[&open], &inside)?;
    let kept = bpf::clean_leftovers(|_| false);
    ensure!(matches!(kept.as_slice(), [left] if left.outcome != Outcome::Removed), "{kept:?}");
    ensure!(pinned(), "the pins are gone although somebody may be left");
    let [left] = bpf::clean_leftovers(|_| true).try_into().map_err(|left| anyhow::anyhow!("{left:?}"))?;
    ensure!(left.outcome == Outcome::Removed && left.killed == 1, "{left:?}");
    ensure!(inside.run()? == Act::Killed, "it was not killed");
    cgroup::leftovers();
    Ok(())
}

/// A supervisor in a process of its own takes this one in, pins, and is killed.
fn end_supervisor(granted: &[&Path], inside: &Gated) -> Result<()> {
    let (ready, word) = nix::unistd::pipe()?;
    let supervisor = process::child(|| match supervise(granted, inside, &word) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("the supervisor: {error:#}");
            1
        }
    })?;
    drop(word);
    let heard = nix::unistd::read(&ready, &mut [0])?;
    kill(supervisor, Signal::SIGKILL)?;
    waitpid(supervisor, None)?;
    ensure!(heard == 1, "the supervisor could not set up the session");
    Ok(())
}

fn supervise(granted: &[&Path], inside: &Gated, word: &OwnedFd) -> Result<()> {
    let mut bench = Bench::load(granted)?;
    bench.take_in(inside)?;
    nix::unistd::write(word, b"!")?;
    loop {
        std::thread::park();
    }
}

const OPTIONS: Options = Options {
    sizes: Sizes {
        slots: 1,
        objects: 64,
        named: 64,
        names: 64,
        addresses: 64,
        ports: 64,
        learned: 1,
        peers: 1,
        destinations: 1,
        ring_bytes: 1 << 18,
    },
    kills_senders: false,
};

/// Whether anything is pinned.
fn pinned() -> bool {
    fs::read_dir(PINS).is_ok_and(|mut layers| layers.next().is_some())
}

/// A layer with one session in a group of its own.
struct Bench {
    layer: Layer,
    events: Events,
    session: Session,
    group: Group,
}

impl Bench {
    /// A session that may read these files and nothing else.
    fn load(granted: &[&Path]) -> Result<Self> {
        let mut layer = Layer::load(&bpf::probe(), &OPTIONS)?;
        ensure!(layer.way().is_some(), "the programs stand on no security hook");
        let events = layer.events().context("the ring is taken")?;
        let group = Group::create(&GroupId::own().context("no name for a group")?, &LimitsPlan::default())?;
        let objects = granted.iter().map(|path| grant(path)).collect::<Result<_>>()?;
        let tables = Tables { objects, ..Tables::default() };
        let directory = group.v2_directory_fd().context("no control group of version 2")?;
        let cgroup = Cgroup { directory, id: group.id().context("the group has no id")? };
        let session = layer.open(&Opening {
            tables: &tables,
            server: None,
            supervisor: Pid::this(),
            identity: None,
            doors: None,
            cgroup: Some(cgroup),
        })?;
        ensure!(session.skipped.is_empty(), "{:?}", session.skipped);
        layer.pin()?;
        Ok(Self { layer, events, session, group })
    }

    /// Marks a process and moves it into the group.
    fn take_in(&mut self, inside: &Gated) -> Result<()> {
        self.layer.tag(&self.session, inside.handle()?.as_fd(), Mark::Armed)?;
        Ok(self.group.join(inside.process())?)
    }

    fn heard(&mut self) -> Result<Vec<Event>> {
        std::iter::from_fn(|| self.events.poll()).map(|event| Ok(event?)).collect()
    }

    /// What a canary saw that tries this file, as a file and as a program, and an address that nobody has.
    fn canary(&mut self, file: &Path) -> Result<Tried> {
        let file = std::ffi::CString::new(file.to_str().context("a file without a name")?)?;
        let address = "192.0.2.1:9".parse()?;
        let bait = Bait { file: Some(file.clone()), address: Some(address), program: Some(file) };
        let mut canary = Canary::start(&mut self.layer, &self.session, Some(&self.group), &bait)?;
        for _ in 0..2000 {
            if let Some(tried) = canary.collect()? {
                self.layer.end_canary(&self.session, canary)?;
                return Ok(tried);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        bail!("the canary does not come back")
    }

    fn end(mut self) -> Result<()> {
        Ok(self.layer.close(self.session)?)
    }
}

fn grant(path: &Path) -> Result<Object> {
    let path = AbsolutePath::new(path).context("no absolute path")?;
    let entry = Entry { read: 1, flags: flags::DECIDES, rule: 0, ..Entry::default() };
    Ok(Object { path, entry, purpose: Purpose::Grant })
}

/// A process that reads a file when it is told to.
struct Gated(Child);

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
enum Act {
    Done,
    Failed(Option<String>),
    Killed,
}

impl Act {
    fn is_ok(&self) -> bool {
        *self == Self::Done
    }
}

impl Gated {
    fn start(file: &Path) -> Result<Self> {
        let mut command = Command::new(INIT);
        command.args(["--gate", "read"]).arg(file);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let gated = Self(command.spawn().context("cannot start the act")?);
        gated.arrive()?;
        Ok(gated)
    }

    /// Waits until it stands at the gate: whoever is marked and does anything before it is in the group is killed.
    fn arrive(&self) -> Result<()> {
        const READS_STDIN: &str = "0 0x0 ";
        for _ in 0..2000 {
            if fs::read_to_string(format!("/proc/{}/syscall", self.0.id()))?.starts_with(READS_STDIN) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        bail!("the act does not come to the gate")
    }

    fn process(&self) -> Pid {
        Pid::from_raw(self.0.id().cast_signed())
    }

    fn handle(&self) -> Result<OwnedFd> {
        let number = Argument::Number(self.0.id().into());
        Ok(descriptors::make(libc::SYS_pidfd_open, &mut [number, Argument::Number(0)])?)
    }

    fn run(mut self) -> Result<Act> {
        // It may have been killed at the gate: that is an outcome too.
        let _ = self.0.stdin.take().context("the gate is open")?.write_all(b"!");
        let finished = Finished::of(self.0.wait_with_output()?);
        if finished.status.signal() == Some(libc::SIGKILL) {
            return Ok(Act::Killed);
        }
        let outcome = finished.outcome.with_context(|| format!("it told nothing: {}", finished.stderr))?;
        Ok(if outcome.is_ok() { Act::Done } else { Act::Failed(outcome.errno().map(str::to_owned)) })
    }
}
