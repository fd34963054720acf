//! The connection of a session: a thread reads it, others ask over it; when it is lost it is resumed.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use control::message::{Actor, Because, Code, End, Opened, Resources, Resume};
use control::{Answer, Event, FromDaemon, Request, RequestId, Selector, SessionId};
use enforce::Egress;
use enforce::bpf::ActiveMask;
use enforce::cgroup::GroupEvents;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::heard::Heard;
use super::line::Line;
use super::news::{News, Waiting};
use super::next::{Next, Place};
use super::remote::Remote;
use super::told;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the end of a session waits for the daemon, which ends it by itself when this process is gone.
const END: Duration = Duration::from_secs(1);
/// How long the doorman waits for what was denied before an answer goes out.
const HURRY: Duration = Duration::from_millis(500);
/// The shortest and the longest time between two attempts to resume.
const AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// A session that the daemon guards.
#[derive(Debug)]
pub(crate) struct Hosted {
    shared: Arc<Shared>,
    /// Keeps the files of the rules known for as long as this process lives.
    bundle: Arc<OwnedFd>,
}

/// What asks over the link, from any thread.
#[derive(Clone, Debug)]
pub(super) struct Asking(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    socket: PathBuf,
    id: SessionId,
    slot: u32,
    page: Arc<ActiveMask>,
    bell: EventFd,
    state: Mutex<State>,
}

struct State {
    line: Option<Line>,
    waiting: BTreeMap<RequestId, Sender<Answer>>,
    news: Waiting,
    heard: Heard,
    /// What the control group's limits have done so far.
    resources: Resources,
    /// It has ended, or this process ends it.
    over: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("State")
            .field("heard", &self.heard.complete())
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

impl Hosted {
    pub(super) fn new(
        socket: PathBuf,
        line: Line,
        opened: &Opened,
        page: ActiveMask,
        bundle: OwnedFd,
    ) -> anyhow::Result<Self> {
        let state = State {
            line: Some(line),
            waiting: BTreeMap::new(),
            news: Waiting::default(),
            heard: Heard::default(),
            resources: Resources::default(),
            over: false,
        };
        let bell = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let (page, id, slot) = (Arc::new(page), opened.session.clone(), opened.slot);
        let shared = Shared { socket, id, slot, page, bell, state: Mutex::new(state) };
        Ok(Self { shared: Arc::new(shared), bundle: Arc::new(bundle) })
    }

    /// Which session of which daemon it is.
    pub(crate) fn place(&self) -> Place {
        Place { socket: self.shared.socket.clone(), session: self.shared.id.clone() }
    }

    /// Another policy holds: its files are to be known, and those of the old one no more.
    pub(crate) fn follow_policy(&mut self, next: &Next) {
        self.bundle = next.bundle();
    }

    /// Begins to listen, on a thread of its own.
    ///
    /// # Errors
    /// There can be no thread.
    pub(crate) fn listen(&self) -> std::io::Result<()> {
        let shared = Arc::clone(&self.shared);
        std::thread::Builder::new().name("daemon".to_owned()).spawn(move || shared.listen()).map(drop)
    }

    /// Whoever decides about the session's addresses.
    pub(crate) fn egress(&self) -> Arc<dyn Egress> {
        Arc::new(Remote { page: Arc::clone(&self.shared.page), asking: Asking(Arc::clone(&self.shared)) })
    }

    /// From now on these grant classes hold: a store to memory.
    pub(crate) fn follow(&self, active: u64, call: u64) {
        self.shared.page.store(active, call);
    }

    /// Readable when there are news.
    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.shared.bell.as_fd()
    }

    /// Has everything told that happened until now. No system call where the programs have told of nothing new.
    pub(crate) fn catch_up(&self) {
        let told = self.shared.page.told();
        let lacks = self.shared.lock().heard.complete() < told;
        // A daemon that is gone, or behind, tells it later.
        if lacks && self.shared.ask_within(Request::Sync, HURRY) == Some(Answer::Done) {
            self.shared.settle(&mut self.shared.lock(), told);
        }
    }

    /// The next news.
    pub(crate) fn news(&self) -> Option<News> {
        self.shared.lock().news.next()
    }

    /// What the control group's limits have done.
    pub(crate) fn resources(&self) -> GroupEvents {
        let Resources { oom_kills, oom, processes_refused, cpu_throttled_periods, cpu_throttled_us } =
            self.shared.lock().resources;
        let cpu_throttled = cpu_throttled_us.map(Duration::from_micros);
        GroupEvents { oom_kills, oom, pids_max_hits: processes_refused, cpu_throttled_periods, cpu_throttled }
    }

    /// Has every process of the session stopped where it stands.
    ///
    /// # Errors
    /// The daemon does not.
    pub(crate) fn freeze(&self) -> anyhow::Result<()> {
        let word = self.shared.id.as_str().parse().context("a session's id")?;
        let mut line = Line::connect(&self.shared.socket, PATIENCE)?;
        let request = Request::Freeze(Selector::Session(word));
        match line.ask_and_wait(request, &[], PATIENCE)?.0 {
            Answer::Acted(acted) if acted.done.contains(&self.shared.id) => Ok(()),
            other => anyhow::bail!("the host daemon does not stop the session: {other:?}"),
        }
    }

    /// Has the daemon end what is left, and take the rules away; waits until it is done, or the daemon is gone.
    pub(crate) fn end(&self, why: &str) {
        let why = why.chars().take(250).collect();
        let over = std::mem::replace(&mut self.shared.lock().over, true);
        if !over {
            let _ = self.shared.ask_within(Request::End(End { why }), END);
            // Whoever is not there any more tells nothing any more.
            self.shared.settle(&mut self.shared.lock(), self.shared.page.told());
        }
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        self.end("its supervisor has ended");
    }
}

impl Asking {
    /// Asks and waits; `None`: the daemon is not there, or does not answer in time.
    pub(super) fn ask(&self, request: Request) -> Option<Answer> {
        self.0.ask(request)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panicked meanwhile has left whole values.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, request: Request) -> Option<Answer> {
        self.ask_within(request, PATIENCE)
    }

    fn ask_within(&self, request: Request, patience: Duration) -> Option<Answer> {
        let (sender, answer) = mpsc::channel();
        {
            let mut state = self.lock();
            let id = state.line.as_mut()?.ask(request, &[]).ok()?;
            state.waiting.insert(id, sender);
        }
        let answer = answer.recv_timeout(patience);
        if matches!(answer, Err(mpsc::RecvTimeoutError::Timeout)) {
            // One that does not answer is lost; the next one is asked at once, or refused at once.
            if let Some(line) = self.lock().line.as_ref() {
                line.cut();
            }
        }
        answer.ok()
    }

    fn tell(&self, state: &mut State, news: News) {
        state.news.push(news);
        self.ring();
    }

    fn ring(&self) {
        // A counter that is full rings already.
        let _ = self.bell.write(1);
    }

    /// What was not told up to this number is counted.
    fn settle(&self, state: &mut State, upto: u64) {
        let missed = state.heard.settle(upto);
        if missed > 0 {
            self.tell(state, News::Missed(missed));
        }
    }

    /// Until the session is over.
    fn listen(&self) {
        loop {
            let lost = self.read();
            let mut state = self.lock();
            state.line = None;
            // Whoever waits gets no answer.
            state.waiting.clear();
            if state.over {
                return;
            }
            self.tell(&mut state, News::Lost(format!("{lost:#}")));
            drop(state);
            if let Err(why) = self.resume() {
                let mut state = self.lock();
                state.over = true;
                self.tell(&mut state, News::Ended(why));
                return;
            }
        }
    }

    /// Reads until the connection is lost.
    fn read(&self) -> anyhow::Error {
        let bell = match self.lock().line.as_ref().map(Line::bell) {
            Some(Ok(bell)) => bell,
            Some(Err(error)) => return error,
            None => return anyhow::anyhow!("there is no connection"),
        };
        // What came together with the last answer is there already.
        let mut first = true;
        loop {
            let mut ready = [PollFd::new(bell.as_fd(), PollFlags::POLLIN)];
            if !std::mem::take(&mut first) && poll(&mut ready, PollTimeout::NONE).is_err() {
                continue;
            }
            let mut state = self.lock();
            if let Err(error) = self.take(&mut state) {
                return error;
            }
        }
    }

    /// Takes what has come, without waiting.
    fn take(&self, state: &mut State) -> anyhow::Result<()> {
        let Some(line) = &mut state.line else { anyhow::bail!("there is no connection") };
        line.hear(Some(Duration::from_millis(1)))?;
        while let Some(line) = &mut state.line
            && let Some((said, _)) = line.said()?
        {
            self.hear(state, said)?;
        }
        Ok(())
    }

    fn hear(&self, state: &mut State, said: FromDaemon) -> anyhow::Result<()> {
        match said {
            FromDaemon::Answered(id, answer) => {
                if let Some(waits) = state.waiting.remove(&id) {
                    // Who waited may have gone.
                    let _ = waits.send(answer);
                }
            }
            FromDaemon::Happened(event) => self.happened(state, event),
            FromDaemon::Closing(refusal) => anyhow::bail!("{}", refusal.sentence),
            FromDaemon::Greeted(..) | FromDaemon::Followed(_) => {}
        }
        Ok(())
    }

    fn happened(&self, state: &mut State, event: Event) {
        match event {
            Event::Denied(told) => {
                // What comes back with a lost connection may have been told before.
                if state.heard.note(told.sequence) {
                    match told::event(&told, self.slot) {
                        Some(event) => self.tell(state, News::Denied(Box::new(event))),
                        None => self.tell(state, News::Missed(1)),
                    }
                }
            }
            // Their numbers are missing: whoever wakes counts them.
            Event::Dropped(_) => self.ring(),
            Event::Ended(because) => {
                state.over = true;
                self.settle(state, self.page.told());
                self.tell(state, News::Ended(sentence(&because)));
            }
            Event::Frozen(because) => self.tell(state, News::Frozen(sentence(&because))),
            Event::Thawed(because) => self.tell(state, News::Thawed(sentence(&because))),
            Event::Limited(because) => self.tell(state, News::Limited(sentence(&because))),
            Event::Resources(told) => state.resources = told,
            // It was asked for by this very process, which writes it down.
            Event::Opened(_) | Event::Revised(_) => {}
        }
    }

    /// Goes on with another connection; an error: the session is no more.
    fn resume(&self) -> Result<(), String> {
        let mut pause = AGAIN.0;
        loop {
            std::thread::sleep(pause);
            pause = (pause * 2).min(AGAIN.1);
            let heard = {
                let state = self.lock();
                if state.over {
                    return Ok(());
                }
                state.heard.complete()
            };
            let Ok(mut line) = Line::connect(&self.socket, PATIENCE) else { continue };
            let request = Request::Resume(Resume { session: self.id.clone(), heard });
            let Ok(id) = line.ask(request, &[]) else { continue };
            match self.resumed(&mut line, id) {
                Ok(None) => {
                    let mut state = self.lock();
                    state.line = Some(line);
                    self.tell(&mut state, News::Regained);
                    return Ok(());
                }
                Ok(Some(why)) => return Err(why),
                Err(_) => {}
            }
        }
    }

    /// Waits for the answer; `Some`: it is a refusal.
    fn resumed(&self, line: &mut Line, id: RequestId) -> anyhow::Result<Option<String>> {
        let until = Instant::now() + PATIENCE;
        loop {
            match line.next(until)?.0 {
                FromDaemon::Answered(answered, answer) if answered == id => {
                    return Ok(match answer {
                        // Only that it is gone is for good: a daemon that stops, or is busy, is asked again.
                        Answer::Refused(refusal) if is_gone(refusal.code) => Some(refusal.sentence),
                        Answer::Refused(refusal) => anyhow::bail!("{}", refusal.sentence),
                        _ => None,
                    });
                }
                FromDaemon::Happened(event) => self.happened(&mut self.lock(), event),
                FromDaemon::Closing(refusal) => anyhow::bail!("{}", refusal.sentence),
                _ => {}
            }
        }
    }
}

fn is_gone(code: Code) -> bool {
    matches!(code, Code::NoSuchSession | Code::NotAllowed | Code::Process | Code::Ending)
}

fn sentence(because: &Because) -> String {
    let who = match because.who {
        Actor::Owner(uid) => format!("its user ({uid})"),
        Actor::Operator(uid) => format!("an operator ({uid})"),
        Actor::Policy => "its policy".to_owned(),
        Actor::Daemon => "the host daemon".to_owned(),
    };
    format!("{who}: {}", because.why)
}
