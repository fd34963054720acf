//! Carries bytes between client, engine and server, and waits for the session's end.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mcp::{End, Engine, Forward, Frame, Frames, Judgement, Orders, Pinning};
use policy::Plan;
use policy::plan::OnViolation;
use tokio::sync::{Mutex, Notify};

mod asked;
mod complaints;
mod layers;
mod reload;

use super::Layers;
use super::approvals::Hooks;
use super::client::Client;
use super::ending::{Ending, Finished};
use super::journal::Journal;
use super::pins::Pinner;
use super::reload::Reloader;
use super::start::Server;
use super::stdio::{Inlet, Outlet};
use super::surroundings;
use super::watch::Watch;
use crate::compose::Composed;
use crate::sessions::Registration;

/// How long a server may take to end after its stdin was closed or a signal was passed on
/// (MCP specification 2025-11-25, Lifecycle, Shutdown: close stdin, wait, then SIGTERM, then SIGKILL).
const GRACE: Duration = Duration::from_secs(3);

/// How long the rest of a dead server's output is waited for; a daemon may hold the pipe open for ever.
const REST: Duration = Duration::from_millis(500);

/// How long an answer is looked for before this thread sleeps: a server answers a small call in about that time, and to
/// be woken costs as much again. It bounds what a message costs at most in processor time.
const LINGER: Duration = Duration::from_micros(50);

/// The doorman's hands; the engine is its head.
pub(super) struct Doorman<'a> {
    engine: RefCell<Engine>,
    journal: RefCell<&'a mut Journal>,
    layers: Layers<'a>,
    to_client: Mutex<Outlet>,
    to_server: Mutex<Option<Outlet>>,
    max_message_bytes: u64,
    on_syscall: Cell<OnViolation>,
    /// The policy that holds.
    composed: RefCell<Arc<Composed>>,
    /// How often it was changed.
    stamp: Cell<u8>,
    reloader: Option<&'a Reloader>,
    /// The policy's program that decides about held calls.
    hooks: Hooks,
    /// What the server was, if the policy pins it.
    pinner: Option<Pinner>,
    card: Option<&'a Registration>,
    /// The instant for which the alarm is set.
    armed: Cell<Option<Instant>>,
    /// Told when an earlier alarm is needed.
    rearm: Notify,
    /// Told when the server's stdout, and its stderr, have come to their end.
    stdout_dry: Notify,
    stderr_dry: Notify,
}

/// Which door it is.
pub(super) struct Door<'a> {
    /// The policy.
    pub(super) composed: &'a Arc<Composed>,
    /// Where another one is asked for; `None`: nowhere.
    pub(super) reloader: Option<&'a Reloader>,
    /// The session's card, which names the policy.
    pub(super) card: Option<&'a Registration>,
    /// What the server was, if the policy pins it.
    pub(super) pins: Option<(Pinner, Pinning)>,
}

/// Stands at the door until an end comes.
pub(super) async fn stand(
    door: Door<'_>,
    server: &mut Server,
    layers: Layers<'_>,
    journal: &mut Journal,
) -> Finished {
    match Doorman::hired(door, server, layers, journal) {
        Ok((doorman, streams, watch)) => doorman.work(streams, watch).await,
        Err(error) => Ending::Failed(error.to_string()).into(),
    }
}

impl<'a> Doorman<'a> {
    fn hired<'s>(
        Door { composed, reloader, card, pins }: Door<'a>,
        server: &'s mut Server,
        layers: Layers<'a>,
        journal: &'a mut Journal,
    ) -> io::Result<(Self, Streams, Watch<'s>)> {
        let plan = &composed.plan;
        let client = Client::connect()?;
        let (stdin, stdout, stderr) = (server.stdin.take(), server.stdout.take(), server.stderr.take());
        let streams = Streams {
            client: client.input,
            server: stdout.map(Inlet::ours).transpose()?,
            complaints: stderr.map(Inlet::ours).transpose()?,
            own_stderr: Outlet::shared(io::stderr())?,
        };
        let (pinner, pinning) = pins.unzip();
        let surroundings = surroundings::here(journal.redactor(), pinning)?;
        let doorman = Self {
            engine: RefCell::new(Engine::new(
                orders(plan),
                &plan.rules,
                composed.caller.clone(),
                &surroundings,
            )),
            journal: RefCell::new(journal),
            layers,
            to_client: Mutex::new(client.output),
            to_server: Mutex::new(stdin.map(Outlet::ours).transpose()?),
            max_message_bytes: plan.session.max_message_bytes,
            on_syscall: Cell::new(plan.on_violation.syscall),
            composed: RefCell::new(Arc::clone(composed)),
            stamp: Cell::new(0),
            reloader,
            hooks: Hooks::default(),
            pinner,
            card,
            armed: Cell::new(None),
            rearm: Notify::new(),
            stdout_dry: Notify::new(),
            stderr_dry: Notify::new(),
        };
        Ok((doorman, streams, Watch::new(&mut server.guard)?))
    }

    async fn work(self, streams: Streams, mut watch: Watch<'_>) -> Finished {
        let finished = self.carry(&streams, &mut watch).await;
        let lost = self.engine.borrow_mut().finish(why(&finished.ending), Instant::now());
        match self.record(lost) {
            Ok(()) => finished,
            Err(failed) => Finished { ending: failed, ..finished },
        }
    }

    /// Everything at once, until the first end; then what that end still allows.
    async fn carry(&self, streams: &Streams, watch: &mut Watch<'_>) -> Finished {
        let mut down = pin!(self.downlink(streams));
        let mut beside = pin!(self.beside(streams));
        let first = {
            let mut up = pin!(self.uplink(streams));
            tokio::select! {
                ending = &mut up => ending,
                ending = &mut down => ending,
                ending = &mut beside => ending,
                ending = watch.end() => ending,
            }
        };
        match first {
            Ending::ServerExited(status) => {
                let rest = async {
                    tokio::select! {
                        _ = &mut down => {}
                        _ = &mut beside => {}
                        () = self.dry() => {}
                    }
                };
                let _ = tokio::time::timeout(REST, rest).await;
                Finished { ending: first, exit: Some(status) }
            }
            Ending::ClientGone | Ending::Signal(_) => {
                self.to_server.lock().await.take();
                tokio::select! {
                    exit = watch.leave(GRACE) => Finished { ending: first, exit },
                    failed = until_failure(down) => failed.into(),
                    failed = &mut beside => failed.into(),
                }
            }
            _ => first.into(),
        }
    }

    /// Client → engine → server.
    async fn uplink(&self, streams: &Streams) -> Ending {
        match self.listen(&streams.client, Side::Client, streams.server.as_ref()).await {
            Ok(()) => Ending::ClientGone,
            Err(ending) => ending,
        }
    }

    /// Server → engine → client. The end of the server's stdout is not the end of the session: its exit is.
    async fn downlink(&self, streams: &Streams) -> Ending {
        let Some(server) = &streams.server else { return std::future::pending().await };
        match self.listen(server, Side::Server, Some(&streams.client)).await {
            Ok(()) => self.stdout_dry.notify_one(),
            Err(ending) => return ending,
        }
        std::future::pending().await
    }

    /// Carries one direction until its end; `answers` is where the answers to its messages come from.
    async fn listen(&self, inlet: &Inlet, from: Side, answers: Option<&Inlet>) -> Result<(), Ending> {
        let mut frames = Frames::new(self.max_message_bytes);
        loop {
            match inlet.read(frames.space()).await.map_err(gone)? {
                0 => break,
                count => frames.filled(count),
            }
            let mut passed = false;
            while let Some(frame) = frames.next() {
                self.judge(&frame, from).await?;
                passed = true;
            }
            // Only after a whole message: while a large one arrives nobody can answer it yet.
            if let Some(answers) = answers.filter(|_| passed) {
                answers.linger(LINGER);
            }
        }
        match frames.finish() {
            Some(frame) => self.judge(&frame, from).await,
            None => Ok(()),
        }
    }

    /// One line: judged, the grants made to fit, written down, sent. What the kernel denied until now belongs to the calls
    /// that were in flight until now, so it is heard first.
    async fn judge(&self, frame: &Frame<'_>, from: Side) -> Result<(), Ending> {
        self.hear()?;
        let now = Instant::now();
        let judgement = match from {
            Side::Client => self.engine.borrow_mut().from_client(frame, now),
            Side::Server => self.engine.borrow_mut().from_server(frame, now),
        };
        self.layers.kernel.follow(&self.engine.borrow());
        self.apply(judgement, line_of(frame), from).await
    }

    /// Waits until the server's output has come to its end.
    async fn dry(&self) {
        self.stdout_dry.notified().await;
        self.stderr_dry.notified().await;
    }

    /// Writes down, then sends. Only that a call was answered is written after the answer: its admission is in the log
    /// already, and the client need not wait for the second half.
    async fn apply(&self, judgement: Judgement, line: &[u8], from: Side) -> Result<(), Ending> {
        let Judgement { forward, to_client, to_server, facts, end } = judgement;
        let (ends, others): (Vec<_>, Vec<_>) = facts.into_iter().partition(is_answered);
        let held: Vec<u64> = others.iter().filter_map(held).collect();
        let pinned: Vec<_> = others.iter().filter(|fact| is_about_pins(fact)).cloned().collect();
        self.record(others)?;
        if let Some(pinner) = &self.pinner {
            pinned.iter().for_each(|fact| pinner.note(fact, self.journal.borrow().session()));
        }
        held.into_iter().for_each(|call| self.announce(call));
        match forward {
            Forward::Nothing => {}
            Forward::Unchanged => self.send(from.other(), line).await?,
            Forward::Rewritten(line) => self.send(from.other(), &line).await?,
        }
        for line in &to_server {
            self.send(Side::Server, line).await?;
        }
        for line in &to_client {
            self.send(Side::Client, line).await?;
        }
        self.record(ends)?;
        self.arm();
        match end {
            None => Ok(()),
            Some(End::Violation { tool, .. }) => {
                Err(Ending::Violation(format!("a refused call of the tool `{tool}`")))
            }
        }
    }

    /// Writes facts to the journal.
    fn record(&self, facts: Vec<mcp::Fact>) -> Result<(), Ending> {
        let mut journal = self.journal.borrow_mut();
        facts
            .into_iter()
            .try_for_each(|fact| journal.fact(fact))
            .map_err(|error| Ending::AuditFailed(format!("{error:#}")))
    }

    /// Sends one whole line; lines of both directions never mix.
    async fn send(&self, to: Side, line: &[u8]) -> Result<(), Ending> {
        match to {
            Side::Client => self.to_client.lock().await.write_line(line).await.map_err(gone),
            Side::Server => {
                if let Some(server) = self.to_server.lock().await.as_ref() {
                    // A server that does not read any more ends by its exit, not by our write.
                    let _ = server.write_line(line).await;
                }
                Ok(())
            }
        }
    }

    /// Alarms, denied system calls and the server's stderr; ends only at a failure or a violation.
    async fn beside(&self, streams: &Streams) -> Ending {
        tokio::select! {
            ending = self.alarms() => ending,
            ending = self.denied() => ending,
            ending = self.watched() => ending,
            ending = self.complaints(streams) => ending,
            ending = self.asked() => ending,
            ending = self.decided() => ending,
        }
    }

    /// Lets calls expire.
    async fn alarms(&self) -> Ending {
        loop {
            match self.armed.get() {
                Some(at) => tokio::select! {
                    () = tokio::time::sleep_until(at.into()) => {}
                    () = self.rearm.notified() => continue,
                },
                None => {
                    self.rearm.notified().await;
                    continue;
                }
            }
            self.armed.set(None);
            let judgement = self.engine.borrow_mut().expire(Instant::now());
            self.layers.kernel.follow(&self.engine.borrow());
            if let Err(ending) = self.apply(judgement, &[], Side::Client).await {
                return ending;
            }
        }
    }

    /// Sets the alarm earlier if the engine asks for it. A later wish is met when the alarm goes off.
    fn arm(&self) {
        let Some(wanted) = self.engine.borrow().deadline() else { return };
        if self.armed.get().is_none_or(|armed| wanted < armed) {
            self.armed.set(Some(wanted));
            self.rearm.notify_one();
        }
    }
}

/// The ends of the pipes that the doorman reads, and what it hears of the kernel.
struct Streams {
    client: Inlet,
    server: Option<Inlet>,
    complaints: Option<Inlet>,
    own_stderr: Outlet,
}

/// Where a message comes from or goes to.
#[derive(Clone, Copy)]
enum Side {
    Client,
    Server,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What is forwarded when a frame is forwarded unchanged.
fn line_of<'a>(frame: &Frame<'a>) -> &'a [u8] {
    match frame {
        Frame::Message(message) => message.line(),
        Frame::Malformed { .. } => &[],
    }
}

/// Whether a fact is only that an admitted call was answered by the server.
fn is_answered(fact: &mcp::Fact) -> bool {
    use mcp::{Fact::CallEnded, Outcome};
    matches!(fact, CallEnded { outcome: Outcome::Ok | Outcome::ToolError | Outcome::RpcError(_), .. })
}

/// What of a plan the engine enforces.
pub(crate) fn orders(plan: &Plan) -> Orders {
    Orders {
        tools: plan.tools.clone(),
        access: plan.access.clone(),
        approvals: plan.approvals.clone(),
        session: plan.session.clone(),
        responses: plan.responses.clone(),
        content: plan.content.clone(),
        pins: plan.pins.clone(),
        on_refusal: plan.on_violation.tool,
    }
}

fn is_about_pins(fact: &mcp::Fact) -> bool {
    matches!(fact, mcp::Fact::ServerPinned { .. } | mcp::Fact::ServerChanged { .. })
}

/// The number of a call that is held from now on.
fn held(fact: &mcp::Fact) -> Option<u64> {
    match fact {
        mcp::Fact::CallHeld { seq, .. } => Some(*seq),
        _ => None,
    }
}

/// The engine's word for an ending.
fn why(ending: &Ending) -> mcp::Ending {
    match ending {
        Ending::ClientGone => mcp::Ending::ClientClosed,
        Ending::ServerExited(_) | Ending::NotStarted(_) => mcp::Ending::ServerClosed,
        Ending::Violation(_) => mcp::Ending::Violation,
        Ending::Signal(_) | Ending::AuditFailed(_) | Ending::Failed(_) => mcp::Ending::Stopped,
    }
}

/// A client that cannot be read from or written to any more is gone.
fn gone(error: io::Error) -> Ending {
    match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Ending::ClientGone,
        _ => Ending::Failed(error.to_string()),
    }
}

/// Goes on carrying although the client may be gone already; only a real failure counts now.
async fn until_failure(carrying: impl Future<Output = Ending>) -> Ending {
    match carrying.await {
        Ending::ClientGone => std::future::pending().await,
        other => other,
    }
}
