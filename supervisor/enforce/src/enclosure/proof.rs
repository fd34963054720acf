//! The proof that the guard denies: a canary in the session, and its events in the ring.

use std::time::Instant;

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;

use super::{Enclosure, EnclosureError, Watch};
use crate::bpf::{Canary, CanaryError, Event, Gap, Layer, MapsError, Session, Tried};

/// Which proof failed.
#[derive(Debug, thiserror::Error)]
pub enum ProofFailure {
    /// An attempt was not denied, or nobody told of it.
    #[error(transparent)]
    Gap(#[from] Gap),
    /// The canary could not try.
    #[error(transparent)]
    Canary(#[from] CanaryError),
    /// It was denied, but the canaries' ring was full, so that its events may be among those that were dropped. Another one may
    /// tell.
    #[error("{0}; there were more canaries than the ring of their events has room for")]
    Unheard(Gap),
    /// It took too long.
    #[error("the canary did not come back within {} s", Canary::PATIENCE.as_secs())]
    Late,
    /// The kernel skipped calls of a program.
    #[error(
        "the kernel skipped {count} call(s) of the program on {hook}, so that what they were about was not judged; \
         a kernel with `bpf` among its security modules (lsm=…,bpf) does not skip"
    )]
    Skipped {
        /// The hook.
        hook: &'static str,
        /// How many.
        count: u64,
    },
    /// Somebody has taken a program off the control group.
    #[error("the program {0} was taken off the session's control group")]
    Detached(String),
    /// The programs cannot be asked.
    #[error("the programs cannot be asked whether they stand and what they missed: {}", .0.desc())]
    Mute(Errno),
}

/// A canary at work and what the ring told of it.
#[derive(Debug)]
pub struct Proof {
    canary: Canary,
    events: Vec<Event>,
    until: Instant,
    tried: Option<Tried>,
    /// Canaries' events that the ring had no room for when it began, if that is known.
    dropped: Option<u64>,
}

/// Whose session a proof is about.
pub(crate) trait Ground {
    /// The layer with the session.
    fn layer(&self) -> &Layer;
    /// The session's slot in it.
    fn slot(&self) -> u32;
    /// Whether there are canaries' events that nobody has read.
    fn is_behind(&self) -> Result<bool, Errno>;
    /// Canaries' events of the session that the ring had no room for, since its start; `None`: it cannot be known.
    fn dropped(&self) -> Option<u64>;
}

impl Ground for Watch {
    fn layer(&self) -> &Layer {
        &self.layer
    }

    fn slot(&self) -> u32 {
        self.session.as_ref().map_or(0, Session::slot)
    }

    fn is_behind(&self) -> Result<bool, Errno> {
        self.events.are_waiting()
    }

    fn dropped(&self) -> Option<u64> {
        self.canarys_dropped()
    }
}

impl Proof {
    /// Starts a canary and returns at once.
    pub fn start(enclosure: &mut Enclosure) -> Result<Self, CanaryError> {
        let watch = enclosure.watch.as_mut().ok_or(CanaryError::Silent)?;
        let session = watch.session.as_ref().ok_or(CanaryError::Silent)?;
        let dropped = watch.canarys_dropped();
        let canary = Canary::start(&mut watch.layer, session, enclosure.group.as_ref(), &watch.bait)?;
        Ok(Self::of(canary, dropped))
    }

    /// What a canary proves that was just started; `dropped` is [`Ground::dropped`] of the moment before.
    pub(crate) fn of(canary: Canary, dropped: Option<u64>) -> Self {
        Self { canary, events: Vec::new(), until: Instant::now() + Canary::PATIENCE, tried: None, dropped }
    }

    /// Readable when the canary says something.
    pub(crate) fn words(&self) -> BorrowedFd<'_> {
        self.canary.words()
    }

    /// The canary, for the end of its exemption.
    pub(crate) fn into_canary(self) -> Canary {
        self.canary
    }

    /// The canary's process, whose events are to be [told](Self::hear) to the proof.
    pub fn process(&self) -> Pid {
        self.canary.process()
    }

    /// Takes an event of the canary's.
    pub fn hear(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Whether it is done; a failure is what the canary found. Never waits. Tell it all events that are there before.
    pub fn check(&mut self, enclosure: &Enclosure, now: Instant) -> Result<bool, ProofFailure> {
        enclosure.watch.as_ref().map_or(Ok(true), |watch| self.judge(watch, now))
    }

    /// The same wherever the session is.
    pub(crate) fn judge(&mut self, ground: &dyn Ground, now: Instant) -> Result<bool, ProofFailure> {
        // These are holes whether or not the canary comes upon them.
        skipped(ground)?;
        detached(ground)?;
        if self.tried.is_none() {
            self.tried = self.canary.collect()?;
            // Its last events are in the ring by now, and are told at the next look.
            return if now > self.until { Err(ProofFailure::Late) } else { Ok(false) };
        }
        match self.tried.as_ref().map(|tried| tried.proves(&self.events)) {
            None => Ok(false),
            Some(Ok(())) => Ok(true),
            Some(Err(gap @ Gap::NoEvent { .. })) => self.unheard(ground, now, gap),
            Some(Err(gap)) => Err(gap.into()),
        }
    }

    /// Its events may be behind those of other canaries, or have been dropped because of them.
    fn unheard(&self, ground: &dyn Ground, now: Instant, gap: Gap) -> Result<bool, ProofFailure> {
        let waits = ground.is_behind().map_err(ProofFailure::Mute)?;
        // What is not known excuses nothing.
        let dropped = self.dropped.zip(ground.dropped()).is_some_and(|(before, after)| after > before);
        match (waits && now <= self.until, dropped) {
            (true, _) => Ok(false),
            (false, true) => Err(ProofFailure::Unheard(gap)),
            (false, false) => Err(gap.into()),
        }
    }

    /// Takes the canary's exemption from being killed away again. To be called once [`Self::check`] says that it is done.
    pub fn end(self, enclosure: &mut Enclosure) -> Result<(), MapsError> {
        let Some(Watch { layer, session: Some(session), .. }) = &mut enclosure.watch else { return Ok(()) };
        layer.end_canary(session, self.canary)
    }

    /// Waits until it is done: for the time before the server runs, when all events are the canary's.
    pub(super) fn wait(mut self, enclosure: &mut Enclosure) -> Result<(), EnclosureError> {
        loop {
            while let Some(event) = enclosure.event() {
                self.hear(event);
            }
            if self.check(enclosure, Instant::now())? {
                return Ok(self.end(enclosure)?);
            }
            if self.tried.is_none() {
                let mut words = [PollFd::new(self.canary.words(), PollFlags::POLLIN)];
                let _ = poll(&mut words, PollTimeout::from(50_u8));
            }
        }
    }
}

fn detached(ground: &dyn Ground) -> Result<(), ProofFailure> {
    match ground.layer().detached(ground.slot()).map_err(ProofFailure::Mute)? {
        None => Ok(()),
        Some(name) => Err(ProofFailure::Detached(name.to_owned())),
    }
}

fn skipped(ground: &dyn Ground) -> Result<(), ProofFailure> {
    let misses = ground.layer().recursion_misses().map_err(ProofFailure::Mute)?;
    match misses.into_iter().find(|(_, count)| *count > 0) {
        None => Ok(()),
        Some((hook, count)) => Err(ProofFailure::Skipped { hook, count }),
    }
}
