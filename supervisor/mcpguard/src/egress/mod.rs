//! The way out for servers whose policy allows domains: a resolver and a proxy of the session's own.
//!
//! ```text
//! server ── port 53 ──► resolver ─► Names ─► upstream          answers allowed names only
//!    │                     └── learn ──► enforce::Egress        an address is open before its answer is given out
//!    └── port 443 … ──► proxy ─► peek ─► Names::may_speak ─► splice to the address that was wanted
//! refusals ──► Teller ──► journal, and the failed call's answer
//! ```
//! It runs on a thread of its own, so that neither a look-up nor a large download holds a tool call up. When it ends, both
//! doors are closed and the network with them: what is led to a door that nobody holds is refused.

mod clock;
mod connection;
mod descriptors;
mod doors;
mod handshake;
mod held;
mod hosts;
mod pipes;
mod proxy;
mod relay;
mod requests;
mod resolver;
mod revise;
mod room;
mod teller;
#[cfg(test)]
mod tests;
mod turns;
mod upstream;

use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use policy::plan::NetworkPlan;
use tokio::runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use descriptors::Shares;
pub(crate) use doors::DoorsOpen;
use hosts::Host;
use revise::Revision;
pub(crate) use revise::{Ready, Teach};
use room::Room;
pub(crate) use teller::{By, Refused, Teller, Told, pair};

/// A running resolver and proxy. Dropping it closes both doors.
#[derive(Debug)]
pub(crate) struct WayOut {
    stop: Option<oneshot::Sender<()>>,
    revisions: UnboundedSender<Revision>,
    thread: Option<JoinHandle<()>>,
}

impl WayOut {
    /// Starts serving at doors that are open already, and takes as many descriptors for it as this process may have. The
    /// server runs by then, so that it keeps the limit that it was given.
    ///
    /// # Errors
    /// The thread or its event loop cannot be had.
    pub(crate) fn start(
        doors: DoorsOpen,
        plan: &NetworkPlan,
        backend: Arc<dyn enforce::Egress>,
        teller: Teller,
    ) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (revisions, revised) = unbounded_channel();
        let events = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let (plan, shares) = (plan.clone(), Shares::claim());
        let thread = Builder::new().name("egress".to_owned()).spawn(move || {
            let inside = LocalSet::new();
            let work = inside.run_until(serve(doors, plan, backend, teller, (shares, revised)));
            events.block_on(async {
                tokio::select! {
                    failed = work => tracing::error!("the network of the server stays closed: {failed}"),
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { stop: Some(stop), revisions, thread: Some(thread) })
    }

    /// Gets ready for another policy: its names are made known by `teach`, and nobody is answered until it is decided.
    /// `stamp` is how often the session's policy was changed, with this time.
    ///
    /// # Errors
    /// An address could not be made known, or the thread is gone; then it goes on as before.
    pub(crate) fn revise(&self, plan: &NetworkPlan, stamp: u32, teach: Teach) -> Result<Ready, String> {
        revise::ask(&self.revisions, plan.clone(), stamp, teach)
    }
}

impl Drop for WayOut {
    fn drop(&mut self) {
        // The sender's end is what the thread waits for.
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// How long after a failure the doors are opened anew.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves for ever. When a socket fails, both doors are closed, and opened again at the same ports: the server's network is
/// closed meanwhile. What was learned is kept.
async fn serve(
    doors: DoorsOpen,
    plan: NetworkPlan,
    backend: Arc<dyn enforce::Egress>,
    teller: Teller,
    (shares, mut revised): (Shares, UnboundedReceiver<Revision>),
) -> io::Error {
    let room = Host::examine().and_then(|host| Room::new(plan, backend, teller, host, shares));
    match room {
        Ok(room) => tokio::select! {
            failed = serve_again(&room, doors) => failed,
            failed = revise::follow(&room, &mut revised) => failed,
        },
        Err(error) => error,
    }
}

async fn serve_again(room: &Room, doors: DoorsOpen) -> io::Error {
    let ports = doors.ports();
    let mut open = Ok(doors);
    loop {
        let failed = match open.and_then(DoorsOpen::serve) {
            Ok(doors) => serve_at(room, &doors).await,
            Err(error) => error,
        };
        tracing::error!("the network of the server is closed until its doors are open again: {failed}");
        tokio::time::sleep(PAUSE).await;
        open = DoorsOpen::at(ports);
    }
}

async fn serve_at(room: &Room, doors: &doors::Served) -> io::Error {
    tokio::select! {
        failed = resolver::serve(room, doors) => failed,
        failed = proxy::serve(room, doors) => failed,
        () = room.forget_in_time() => io::Error::other("the clock stands still"),
    }
}
