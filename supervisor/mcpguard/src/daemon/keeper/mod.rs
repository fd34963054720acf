//! The privileged process: one thread, one loop, nothing that a client wrote is read here.
//!
//! ```text
//! front ── Ask ──► pipe ─► desk ─► enforce::keeper::Keeper ─► kernel
//!       ◄─ Told ──         answers, in order ◄─ outcomes ◄─┘
//! ```
//! When the front ends it is started again, and told what is there. When this process ends, sessions go on under what is
//! pinned, and the next one takes them over.

mod answers;
mod desk;
mod front;
mod pipe;
mod socket;

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use enforce::keeper::Keeper;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use sd_notify::NotifyState;

use super::Arguments;
use super::config::METRICS;
use super::wire::{Ask, Offer, Standing, Told};
use desk::Desk;
use front::Front;

/// Runs until it is told to stop; the number is the exit status.
///
/// # Errors
/// It is not root, nothing can be enforced here, or another daemon runs.
pub(in crate::daemon) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    ensure!(
        nix::unistd::geteuid().is_root(),
        "the daemon needs root: run it by systemd (`systemctl start mcpguard`)"
    );
    let signals = signals()?;
    let _alone = arguments.lock()?;
    arguments.make_state()?;
    arguments.make_log()?;
    let listener = socket::listener(&arguments.socket)?;
    let metrics = socket::metrics(Path::new(METRICS), arguments.operators())?;
    enforce::keeper::clean_up().iter().for_each(|done| tracing::warn!("{done}"));
    let support = enforce::probe();
    let mut keeper = Keeper::start(arguments.settings(), &support)?;
    keeper.notes().iter().for_each(|note| tracing::warn!("{note}"));
    let kept = keeper.kept().len();
    tracing::info!("{kept} session(s) taken over");
    let mut house = House {
        keeper,
        desk: Desk::default(),
        front: None,
        metrics,
        fronts: 0,
        pause: Duration::ZERO,
        again: None,
    };
    house.start_front(arguments, &listener)?;
    notify(&[NotifyState::Ready, NotifyState::Status("guarding")]);
    house.serve(arguments, &listener, &signals)
}

fn notify(states: &[NotifyState<'_>]) {
    // Nobody to tell is no error.
    let _ = sd_notify::notify(states);
}

fn signals() -> anyhow::Result<SignalFd> {
    let mut set = SigSet::empty();
    [Signal::SIGTERM, Signal::SIGINT, Signal::SIGCHLD, Signal::SIGHUP].into_iter().for_each(|it| set.add(it));
    set.thread_block().context("signals cannot be blocked")?;
    SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .context("signals cannot be read")
}

/// Everything of this process.
struct House {
    keeper: Keeper,
    desk: Desk,
    front: Option<Front>,
    /// Where every front serves metrics.
    metrics: OwnedFd,
    /// How many were started.
    fronts: u64,
    /// How long the last pause before a start was.
    pause: Duration,
    /// When the front is started again.
    again: Option<Instant>,
}

impl House {
    fn start_front(&mut self, arguments: &Arguments, listener: &OwnedFd) -> anyhow::Result<()> {
        let mut front = Front::start(arguments, listener)?;
        self.keeper.begin_again();
        self.desk = Desk::default();
        let (ebpf, cgroup) = self.keeper.offer();
        let (offer, sessions) = (Offer::new(ebpf, cgroup), self.keeper.kept());
        let standing = Standing { offer, sessions, metrics: true, restarts: self.fronts };
        front.pipe.tell(&Told::Ready(Box::new(standing)), vec![self.metrics.try_clone()?])?;
        self.fronts += 1;
        self.front = Some(front);
        self.again = None;
        Ok(())
    }

    fn serve(&mut self, arguments: &Arguments, listener: &OwnedFd, signals: &SignalFd) -> anyhow::Result<u8> {
        loop {
            self.wait(signals)?;
            while let Ok(Some(signal)) = signals.read_signal() {
                match Signal::try_from(signal.ssi_signo.cast_signed()) {
                    Ok(Signal::SIGTERM | Signal::SIGINT) => {
                        notify(&[NotifyState::Stopping]);
                        return Ok(0);
                    }
                    _ => continue,
                }
            }
            if let Err(error) = self.turn() {
                tracing::error!("the front is started again: {error:#}");
                self.lose_front();
            }
            if self.again.is_some_and(|again| again <= Instant::now()) {
                self.start_front(arguments, listener)?;
            }
        }
    }

    fn wait(&self, signals: &SignalFd) -> anyhow::Result<()> {
        let now = Instant::now();
        let until = [self.keeper.next(now), self.again].into_iter().flatten().min();
        let timeout = until.map_or(PollTimeout::NONE, |until| {
            // Rounded up: a wait that is cut short would only begin again.
            let left = until.saturating_duration_since(now) + Duration::from_micros(999);
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        let full = self.front.as_ref().is_none_or(|front| front.pipe.is_full());
        let mut watched = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        if !full {
            watched.push(PollFd::new(self.keeper.as_fd(), PollFlags::POLLIN));
        }
        if let Some(front) = &self.front {
            let sends = if front.pipe.wants_to_send() { PollFlags::POLLOUT } else { PollFlags::empty() };
            watched.push(PollFd::new(front.pipe.as_fd(), PollFlags::POLLIN | sends));
        }
        match poll(&mut watched, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno).context("nothing can be waited for"),
        }
    }

    /// Hears the front, works, tells the front.
    fn turn(&mut self) -> anyhow::Result<()> {
        let Some(front) = &mut self.front else {
            // Events wait in their ring; everything else goes on.
            self.keeper.work_without_events(Instant::now()).into_iter().for_each(drop);
            return Ok(());
        };
        let open = front.pipe.receive()?;
        // What the kernel told until now comes before the answers to what was asked until now.
        let now = Instant::now();
        let outcomes = match front.pipe.is_full() {
            true => self.keeper.work_without_events(now),
            false => self.keeper.work(now),
        };
        for outcome in outcomes {
            self.desk.tell(outcome, &mut self.keeper, &mut front.pipe)?;
        }
        while let Some((ask, descriptor)) = front.pipe.next()? {
            if ask == Ask::Alive {
                notify(&[NotifyState::Watchdog]);
            }
            self.desk.hear(ask, descriptor, &mut self.keeper, &mut front.pipe)?;
        }
        ensure!(open, "the front has ended");
        front.pipe.send()
    }

    fn lose_front(&mut self) {
        let Some(front) = self.front.take() else { return };
        self.pause = front.pause(self.pause);
        self.again = Some(Instant::now() + self.pause);
        drop(front);
        self.desk.abandon(&mut self.keeper);
    }
}
