//! The thread that waits for the disk.

use std::collections::{HashSet, VecDeque};
use std::io::{Error, Result};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use audit::SessionId;
use telemetry::{Entry, HostLog};

use super::record;

/// Records of one append.
const AT_ONCE: usize = 4096;
/// Between two looks at the file, and between two attempts to write what could not be written.
const TICK: Duration = Duration::from_secs(1);

/// What the thread is told.
pub(super) enum Message {
    /// The sessions that there are, each as the record of its opening.
    Standing(Vec<Entry>),
    /// Facts.
    Facts {
        /// Their records.
        entries: Vec<Entry>,
        /// Every notice up to here is among them, or among earlier ones.
        up_to: u64,
        /// Facts that there was no room for.
        lost: u64,
    },
}

/// What both sides see.
#[derive(Debug, Default)]
struct Shared {
    written: AtomicU64,
    waiting: AtomicUsize,
    failure: Mutex<Option<String>>,
}

impl Shared {
    fn fails(&self, why: Option<String>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }
}

/// The front's hand on the thread.
pub(super) struct Writer {
    sender: Option<Sender<Message>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(log: HostLog) -> Result<Self> {
        let (sender, receiver) = channel();
        let shared = Arc::new(Shared::default());
        let desk = Desk {
            log,
            receiver,
            shared: Arc::clone(&shared),
            backlog: VecDeque::new(),
            up_to: 0,
            ticked: Instant::now(),
            ticks: true,
        };
        let thread = std::thread::Builder::new().name("host-log".to_owned()).spawn(move || desk.run())?;
        Ok(Self { sender: Some(sender), shared, thread: Some(thread) })
    }

    /// Never waits.
    pub(super) fn tell(&self, message: Message) {
        if let Message::Facts { entries, .. } = &message {
            self.shared.waiting.fetch_add(entries.len(), Ordering::Relaxed);
        }
        let told = self.sender.as_ref().is_some_and(|sender| sender.send(message).is_ok());
        if !told {
            self.shared.fails(Some("the thread that writes it has ended".to_owned()));
        }
    }

    /// Records that are not written yet.
    pub(super) fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    /// Up to which notice everything is written for good.
    ///
    /// # Errors
    /// Nothing can be written now.
    pub(super) fn written(&self) -> Result<u64> {
        match self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(why) => Err(Error::other(why.clone())),
            None => Ok(self.shared.written.load(Ordering::Acquire)),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so on stderr.
            let _ = thread.join();
        }
    }
}

struct Desk {
    log: HostLog,
    receiver: Receiver<Message>,
    shared: Arc<Shared>,
    backlog: VecDeque<Entry>,
    up_to: u64,
    ticked: Instant,
    /// Whether the last tick went well.
    ticks: bool,
}

impl Desk {
    fn run(mut self) {
        while self.receive() {
            self.write();
            self.tick();
        }
        self.write();
        if let Err(error) = self.log.close() {
            tracing::warn!("the host log could not be closed: {error}");
        }
    }

    /// Waits for what is told, and takes all of it; `false` at the end.
    fn receive(&mut self) -> bool {
        match self.receiver.recv_timeout(TICK.saturating_sub(self.ticked.elapsed())) {
            Ok(message) => self.take(message),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        while let Ok(message) = self.receiver.try_recv() {
            self.take(message);
        }
        true
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Standing(opened) => self.stand(opened),
            Message::Facts { entries, up_to, lost } => {
                self.backlog.extend(entries);
                self.up_to = up_to;
                self.log.count_lost(lost, "more facts waited for the disk than there is room for");
            }
        }
    }

    /// Sessions that are gone have ended; those that the log does not know were opened.
    fn stand(&mut self, opened: Vec<Entry>) {
        let there: HashSet<&SessionId> = opened.iter().map(|entry| &entry.session).collect();
        let known: HashSet<&SessionId> = self.log.sessions().map(|(session, _)| session).collect();
        let gone = self.log.sessions().filter(|(session, it)| !it.ended && !there.contains(session));
        let gone: Vec<Entry> = gone.map(|(session, it)| record::unseen(session.clone(), it.kernel)).collect();
        let new: Vec<Entry> =
            opened.iter().filter(|entry| !known.contains(&entry.session)).cloned().collect();
        let all = gone.len() + new.len();
        self.shared.waiting.fetch_add(all, Ordering::Relaxed);
        self.backlog.extend(gone);
        self.backlog.extend(new);
    }

    /// Writes what there is, or says why it cannot be written and leaves the rest for later.
    fn write(&mut self) {
        let failed = self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if failed && self.ticked.elapsed() < TICK {
            return;
        }
        let done = loop {
            let count = self.backlog.len().min(AT_ONCE);
            let (outcome, gone) = self.append(count);
            self.backlog.drain(..gone);
            self.shared.waiting.fetch_sub(gone, Ordering::Relaxed);
            match outcome {
                Ok(()) if self.backlog.is_empty() => break None,
                Ok(()) => {}
                Err(why) => break Some(why),
            }
        };
        if done.is_none() {
            self.shared.written.store(self.up_to, Ordering::Release);
        }
        self.shared.fails(done);
    }

    /// Appends the first so many records that wait; how it went, and how many of them wait no longer.
    fn append(&mut self, count: usize) -> (std::result::Result<(), String>, usize) {
        let is_known = |entry: &Entry| match &entry.body {
            audit::Body::KernelDenial(denial) => self.log.has_kernel_event(&entry.session, denial.sequence),
            _ => false,
        };
        let (numbers, entries): (Vec<usize>, Vec<Entry>) = (1..)
            .zip(self.backlog.iter().take(count))
            .filter(|(_, entry)| !is_known(entry))
            .map(|(number, entry)| (number, entry.clone()))
            .unzip();
        match self.log.append_or_keep(&entries) {
            Ok(_) => (Ok(()), count),
            Err(error) => {
                let written = usize::try_from(error.written).unwrap_or(usize::MAX);
                let last = written.checked_sub(1).and_then(|last| numbers.get(last)).copied();
                (Err(error.source.to_string()), last.unwrap_or(0))
            }
        }
    }

    fn tick(&mut self) {
        if self.ticked.elapsed() < TICK {
            return;
        }
        self.ticked = Instant::now();
        let outcome = self.log.tick();
        if let Err(error) = &outcome
            && self.ticks
        {
            tracing::error!("the host log cannot be kept: {error}");
        }
        self.ticks = outcome.is_ok();
    }
}
