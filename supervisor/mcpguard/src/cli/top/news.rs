//! What the screen waits for: keys, samples, signals, what became of a deed. Each has a thread of its own, so that none holds
//! another up, and all of them tell it through one channel.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use ratatui::crossterm::event::{Event, KeyEvent, KeyEventKind, read};

use super::act::{Deed, act};
use super::model::{Notice, Target};
use super::sample::{Sample, Source};
use crate::sessions::Daemon;

/// One of them.
pub(super) enum News {
    Key(KeyEvent),
    Pasted(String),
    /// The terminal has another size.
    Resized,
    Sample(anyhow::Result<Sample>),
    Signal(Signal),
    Done(Notice),
    /// No key can come any more.
    Deaf(std::io::Error),
}

/// Signals that are told rather than obeyed, so that the terminal is put in order first.
const TOLD: [Signal; 5] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGCONT];

/// Holds signals back from all threads that are started from here on.
///
/// # Errors
/// None on Linux.
pub(super) fn hold_signals() -> nix::Result<SigSet> {
    let signals: SigSet = TOLD.into_iter().collect();
    signals.thread_block()?;
    Ok(signals)
}

/// How long this process may take to end after a signal: what has been begun is done by then (`kill` takes 10.1 s at most).
const LAST_PATIENCE: Duration = Duration::from_secs(12);

/// Tells of signals. A terminal that takes nothing any more may hold everything else up; it does not hold this process.
pub(super) fn signals(signals: SigSet, tell: Sender<News>) {
    spawn(move || {
        while let Ok(signal) = signals.wait() {
            let told = tell.send(News::Signal(signal));
            if signal != Signal::SIGCONT || told.is_err() {
                std::thread::sleep(LAST_PATIENCE);
                std::process::exit(128 + signal as i32);
            }
        }
    });
}

/// Tells of keys, pastes and sizes.
pub(super) fn keyboard(tell: Sender<News>) {
    spawn(move || {
        loop {
            let news = match read() {
                Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => News::Key(key),
                Ok(Event::Paste(text)) => News::Pasted(text),
                Ok(Event::Resize(..)) => News::Resized,
                Ok(_) => continue,
                Err(error) => News::Deaf(error),
            };
            let is_last = matches!(news, News::Deaf(_));
            if tell.send(news).is_err() || is_last {
                return;
            }
        }
    });
}

/// Tells of samples, one an interval, and one at once whenever it is woken.
pub(super) fn samples(mut source: Box<dyn Source>, interval: Duration, tell: Sender<News>) -> Sender<()> {
    let (wake, woken): (Sender<()>, Receiver<()>) = channel();
    spawn(move || {
        while tell.send(News::Sample(source.sample())).is_ok() {
            if woken.recv_timeout(interval) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    });
    wake
}

/// Does something to a session, and tells what came of it.
pub(super) fn deed(deed: Deed, target: Target, daemon: Daemon, tell: Sender<News>) -> JoinHandle<()> {
    spawn(move || drop(tell.send(News::Done(act(deed, &target, &daemon)))))
}
