//! Watches the process tree and the signals that mcpguard itself gets.

use std::io;
use std::time::Duration;

use enforce::{Guard, Status};
use nix::sys::signal::Signal;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use super::ending::Ending;

/// Signals that end a session after the server had its chance.
const ENDING: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT];

/// Signals that are only passed on.
const PASSED_ON: [Signal; 2] = [Signal::SIGUSR1, Signal::SIGUSR2];

/// Watches the process tree and the signals.
pub(super) struct Watch<'a> {
    guard: &'a mut Guard,
    children: Stream,
    streams: Vec<(Signal, Stream)>,
}

impl<'a> Watch<'a> {
    /// Starts to watch. What happened before is seen at the first look.
    pub(super) fn new(guard: &'a mut Guard) -> io::Result<Self> {
        let listen = |number: Signal| Ok((number, signal(SignalKind::from_raw(number as i32))?));
        let streams = ENDING.into_iter().chain(PASSED_ON).map(listen).collect::<io::Result<_>>()?;
        Ok(Self { guard, children: signal(SignalKind::child())?, streams })
    }

    /// Waits for the server's exit or a signal that ends the session. Signals are passed on to the server.
    pub(super) async fn end(&mut self) -> Ending {
        loop {
            let server = self.guard.pid();
            if let Some(exited) = self.guard.reap().into_iter().find(|exited| exited.pid == server) {
                return Ending::ServerExited(exited.status);
            }
            let Some(number) = self.next().await else { continue };
            self.guard.signal(number);
            if ENDING.contains(&number) {
                return Ending::Signal(number as i32);
            }
        }
    }

    /// Gives the server `grace` to exit by itself, then SIGTERM and as long again.
    /// A second ending signal cuts the wait short. `None`: it is still there.
    pub(super) async fn leave(&mut self, grace: Duration) -> Option<Status> {
        if let Ok(ending) = tokio::time::timeout(grace, self.end()).await {
            return exit(&ending);
        }
        self.guard.terminate();
        let ending = tokio::time::timeout(grace, self.end()).await.ok()?;
        exit(&ending)
    }

    /// The next signal, or `None` when a child has changed.
    async fn next(&mut self) -> Option<Signal> {
        let mut waits = self.streams.iter_mut().map(|(number, stream)| (*number, stream)).collect::<Vec<_>>();
        std::future::poll_fn(|context| {
            if self.children.poll_recv(context).is_ready() {
                return std::task::Poll::Ready(None);
            }
            for (number, stream) in &mut waits {
                if stream.poll_recv(context).is_ready() {
                    return std::task::Poll::Ready(Some(*number));
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}

/// The server's exit, if that is what the ending is.
fn exit(ending: &Ending) -> Option<Status> {
    match ending {
        Ending::ServerExited(status) => Some(*status),
        _ => None,
    }
}
