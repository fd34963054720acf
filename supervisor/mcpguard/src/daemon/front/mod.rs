//! The front of the host daemon: a process without privileges that everybody may talk to.
//!
//! ```text
//! clients ── accept ─► client ─ requests ─► worker ─┬─► session, opening ─► compile (other threads) ─┐
//!                        ▲                          └─► operate                                      │
//!                        │ line                                   │ Ask                              ▼ Order
//!                        └──── notices, follow ◄── link ◄─────────┴──────── keeper ◄─────────────────┘
//!                                     └─► log
//! ```
//! It decides who may ask for what, compiles what users wrote, and tells what happened. It does nothing to a process, a
//! control group or the kernel: the keeper does, which asks the kernel about every peer itself. Whoever takes this process
//! over can refuse sessions, have them opened wider than their policies say, teach them addresses, and end or freeze them
//! as an operator could; it cannot open one for a process that is not the peer's own, or touch a process outside of one.
//!
//! One thread serves everybody and never waits for anybody: not for a client that does not read or write, not for the
//! disk, not for a policy that takes long to compile. All that a client can make it hold is bounded (`settings`).

mod accept;
mod brought;
mod client;
mod compile;
mod facts;
mod follow;
mod frozen;
mod hub;
mod kept;
mod library;
mod limits;
mod line;
mod link;
pub(crate) mod log;
pub(crate) mod memo;
mod notices;
mod opening;
mod operate;
mod outbox;
mod pace;
mod pulse;
mod quarantine;
mod refusal;
mod revise;
mod rules;
mod seats;
mod session;
mod sessions;
pub(crate) mod settings;
pub(crate) mod shown;
mod store;
mod told;
pub(crate) mod words;
mod worker;

#[cfg(test)]
pub(crate) mod tests;

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, bail};
use control::message::{Code, Refusal};
use tokio::io::unix::AsyncFd;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use crate::daemon::wire::Told;
use hub::Hub;
use line::Standing;
use link::Link;
use log::Log;
use settings::Settings;

/// Policies that are compiled at once. Each is a thread, and takes one processor; one more thread is for files.
const COMPILERS: usize = 2;

/// Serves clients at `listener` until the keeper or systemd says that it is enough. `keeper` is this process's end of the
/// socket pair; neither descriptor needs to be non-blocking yet.
///
/// # Errors
/// The keeper has gone or says what is not understood; a descriptor is not what it must be; the list of policies in
/// quarantine cannot be read.
pub(crate) fn run(
    listener: OwnedFd,
    keeper: OwnedFd,
    settings: Settings,
    log: Box<dyn Log>,
) -> anyhow::Result<u8> {
    let runtime = event_loop()?;
    let outcome = LocalSet::new().block_on(&runtime, serve(listener, keeper, settings, log));
    // A policy that is still being compiled is nobody's any more.
    runtime.shutdown_background();
    outcome.map(|()| 0)
}

/// Waits for a descriptor by the event loop; the value that is given owns it.
#[expect(
    deprecated,
    reason = "its successor is unsafe, and each value here owns its descriptor and keeps it"
)]
fn polled<T: AsRawFd>(owner: T) -> io::Result<AsyncFd<T>> {
    AsyncFd::new(owner)
}

fn event_loop() -> anyhow::Result<Runtime> {
    let mut builder = Builder::new_current_thread();
    builder.enable_io().enable_time().max_blocking_threads(COMPILERS + 1);
    builder.build().context("cannot start the event loop")
}

async fn serve(
    listener: OwnedFd,
    keeper: OwnedFd,
    settings: Settings,
    log: Box<dyn Log>,
) -> anyhow::Result<()> {
    for socket in [&listener, &keeper] {
        let flags = nix::fcntl::OFlag::O_NONBLOCK;
        nix::fcntl::fcntl(socket, nix::fcntl::FcntlArg::F_SETFL(flags))
            .context("a socket cannot be made non-blocking")?;
    }
    let mut terminated = signal(SignalKind::terminate()).context("SIGTERM cannot be heard")?;
    let mut link = Link::new(keeper)?;
    let linger = settings.deadlines.last_words;
    let waiting = link::Keeper::default();
    let (standing, passed) = match link.next(&waiting).await.context("the keeper is not ready")? {
        (Told::Ready(standing), passed) => (*standing, passed),
        (other, _) => bail!("the keeper begins with {other:?}, not with what there is"),
    };
    settings.shown.metrics.front_restarts(standing.restarts);
    let figures = shown::serve(&settings.shown, passed)?;
    let hub = Rc::new(Hub::new(settings, standing, log)?);
    hub.look();
    let outcome = tokio::select! {
        outcome = notices::hear(&hub, &mut link) => outcome,
        outcome = accept::serve(&hub, UnixListener::from(listener)) => outcome,
        () = pulse::beat(&hub) => Ok(()),
        () = figures => Ok(()),
        _ = terminated.recv() => Ok(()),
    };
    stop(&hub, linger).await;
    outcome
}

/// Everybody is told that it is over, and has a moment to hear it.
async fn stop(hub: &Hub, linger: Duration) {
    let sentence = "the daemon is being stopped or started again; sessions go on, and may be resumed";
    let last = Refusal { code: Code::Stopping, sentence: sentence.to_owned(), details: Vec::new() };
    hub.keeper.give_up();
    let lines: Vec<_> = hub.lines.borrow().values().cloned().collect();
    lines.iter().for_each(|line| line.close(last.clone()));
    let all_heard = async {
        while lines.iter().any(|line| line.standing() != Standing::Cut && line.waits()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let _ = tokio::time::timeout(linger, all_heard).await;
    hub.flush_log();
}
