//! One session: a guarded server, the doorman on its pipe, the journal, and their common end.
//!
//! ```text
//! client stdin ──► uplink ──► Engine ──► server stdin
//! client stdout ◄── downlink ◄── Engine ◄── server stdout
//! own stderr ◄── complaints (secrets cut) ◄── server stderr
//! journal ◄── facts, denied system calls, start and end
//!    └─► alerts ─► stderr, command, webhook, syslog, each on a thread of its own
//! ```
//!
//! Everything runs on one thread, apart from the way out to allowed domains (`egress`), which tells this one what it refused; the journal is written before the bytes that it tells of are sent.

mod alerts;
mod alone;
mod approvals;
mod attendant;
mod client;
mod decisions;
mod denials;
mod door;
mod doorman;
mod ending;
mod findings;
mod journal;
mod kernel;
mod outside;
mod pins;
mod place;
mod reach;
mod reload;
mod shell;
mod start;
mod stdio;
mod surroundings;
mod translate;
mod tree;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};

use crate::compose::Composed;
use crate::egress::{self, DoorsOpen};
use crate::environment::Environment;
use crate::sessions::Registration;
use crate::terminal;

pub(crate) use approvals::{Decided, Held};
use denials::Denials;
pub(crate) use door::Question;
pub(crate) use doorman::orders;
use ending::Ending;
use journal::Journal;
use kernel::Kernel;
pub(crate) use kernel::{because, denial};
use outside::Outside;
use pins::Pinner;
use reload::Reloader;
pub(crate) use reload::Reply;
use start::{Server, Streams};
pub(crate) use surroundings::surroundings_in;
#[cfg(test)]
pub(crate) use translate::Translator;
pub(crate) use translate::{refused, rule_ref};

/// Starts the server, carries bytes until an end comes, ends the whole tree; the number is the exit status.
///
/// # Errors
/// The server could not be started, or the audit log could not be written.
pub(crate) fn run(
    composed: &Arc<Composed>,
    environment: Environment,
    audit: Option<PathBuf>,
    canary: Duration,
    allow_degraded: bool,
) -> anyhow::Result<u8> {
    // Before anything starts: what cannot be compared is not started.
    let pins = Pinner::open(composed)?;
    let Begun { mut server, doors, mut journal, card } = begin(composed, environment, audit, Streams::Pipes)?;
    surroundings::warm(&composed.plan.content, composed.plan.pins.is_some());
    let runtime = event_loop()?;
    let _inside = runtime.enter();
    let (teller, told) = egress::pair();
    let denials = Denials::of(&mut server.guard, &teller)?;
    let kernel = Kernel::of(&mut server, &composed.plan, canary)?;
    let outside = Outside::start(doors, &composed.plan, &server, (teller, told))?;
    let layers = Layers { denials: &denials, kernel: &kernel, outside: &outside };
    let reloader = reloader(card.as_ref(), &server, allow_degraded);
    let door = doorman::Door { composed, reloader: reloader.as_ref(), card: card.as_ref(), pins };
    let stand = doorman::stand(door, &mut server, layers, &mut journal);
    let finished = runtime.block_on(stand);
    ending::conclude(server, layers, &finished, &mut journal)
}

/// What enforces beside the doorman, and tells of it.
#[derive(Clone, Copy)]
struct Layers<'a> {
    denials: &'a Denials,
    kernel: &'a Kernel,
    outside: &'a Outside,
}

/// The time between two proofs where nobody says another.
const CANARY: Duration = Duration::from_secs(30);

/// Runs a guarded program that speaks no MCP, such as an installer; what it prints goes to stderr.
///
/// # Errors
/// The program could not be started, or the audit log could not be written.
pub(crate) fn run_alone(composed: &Composed, environment: Environment) -> anyhow::Result<u8> {
    let Begun { mut server, doors, mut journal, card: _card } =
        begin(composed, environment, None, Streams::ToStderr)?;
    let runtime = event_loop()?;
    let _inside = runtime.enter();
    let (teller, told) = egress::pair();
    let denials = Denials::of(&mut server.guard, &teller)?;
    let kernel = Kernel::of(&mut server, &composed.plan, CANARY)?;
    let outside = Outside::start(doors, &composed.plan, &server, (teller, told))?;
    let layers = Layers { denials: &denials, kernel: &kernel, outside: &outside };
    let finished = runtime.block_on(alone::wait(&mut server, layers, &mut journal));
    ending::conclude(server, layers, &finished, &mut journal)
}

/// A session whose server runs.
struct Begun {
    server: Server,
    doors: Option<DoorsOpen>,
    journal: Journal,
    /// Lies there until the session has ended.
    card: Option<Registration>,
}

/// Opens the journal, writes its first records, starts the server.
fn begin(
    composed: &Composed,
    environment: Environment,
    audit: Option<PathBuf>,
    streams: Streams,
) -> anyhow::Result<Begun> {
    enforce::become_subreaper()?;
    enforce::clean_up().iter().for_each(|done| tracing::warn!("{done}"));
    if reach::policy_is_in_reach(&composed.plan, &composed.source) {
        let place = &composed.source;
        terminal::warning(&format!(
            "the server may rewrite its own policy {place} for its next start; move it away"
        ));
    }
    let mut journal = Journal::open(composed, &environment.secrets, audit)?;
    journal.start(composed)?;
    // Before the server runs: nothing runs that `mcpguard kill` does not find.
    let card = journal.register(composed);
    let doors = doors(composed)?;
    match start::start(composed, environment, streams, doors.as_ref().map(DoorsOpen::ports)) {
        Ok(server) => {
            journal.open_alerts();
            Ok(Begun { server, doors, journal, card })
        }
        Err(error) => {
            journal.end(&Ending::NotStarted(format!("{error:#}")), None, 0)?;
            Err(error)
        }
    }
}

/// Where the policy is asked to be read again. A session without goes on with the policy that it has.
fn reloader(card: Option<&Registration>, server: &Server, allow_degraded: bool) -> Option<Reloader> {
    let opened = Reloader::open(&card?.door(), server, allow_degraded);
    opened.inspect_err(|error| tracing::warn!("`mcpguard reload` will not reach this session: {error}")).ok()
}

/// Where the session's resolver and proxy will be found; they are served once the server is sealed.
fn doors(composed: &Composed) -> anyhow::Result<Option<DoorsOpen>> {
    match composed.plan.network.resolves() {
        false => Ok(None),
        true => DoorsOpen::open()
            .map(Some)
            .context("no port on loopback can be had for the resolver and the proxy"),
    }
}

fn event_loop() -> anyhow::Result<Runtime> {
    Builder::new_current_thread().enable_io().enable_time().build().context("cannot start the event loop")
}
