//! Waits for a guarded program that speaks no MCP.

use std::io;
use std::time::Instant;

use super::Layers;
use super::ending::{Ending, Finished};
use super::journal::Journal;
use super::kernel::{Demand, Kernel};
use super::outside::Outside;
use super::start::Server;
use super::watch::Watch;

/// Waits until the program has ended; denied system calls are written down meanwhile.
pub(super) async fn wait(server: &mut Server, layers: Layers<'_>, journal: &mut Journal) -> Finished {
    match watched(server, layers, journal).await {
        Ok(ending) => ending.into(),
        Err(error) => Ending::Failed(error.to_string()).into(),
    }
}

async fn watched(
    server: &mut Server,
    Layers { denials, kernel, outside }: Layers<'_>,
    journal: &mut Journal,
) -> io::Result<Ending> {
    let mut watch = Watch::new(&mut server.guard)?;
    loop {
        tokio::select! {
            ending = watch.end() => return Ok(ending),
            () = kernel.stir() => {
                if let Err(ending) = heard(kernel, outside, journal) {
                    return Ok(ending);
                }
            }
            () = outside.stir() => {
                if let Err(ending) = heard(kernel, outside, journal) {
                    return Ok(ending);
                }
            }
            batch = denials.next() => {
                if let Err(error) = journal.denied(batch, &[]) {
                    return Ok(Ending::AuditFailed(format!("{error:#}")));
                }
            }
        }
    }
}

/// No call is ever in flight here: what is granted always is all that is granted.
fn heard(kernel: &Kernel, outside: &Outside, journal: &mut Journal) -> Result<(), Ending> {
    let now = Instant::now();
    let demand = kernel.hear_alone();
    let demand = demand.or(outside.hear(None, kernel));
    let mut records = kernel.records(now, false);
    records.extend(outside.records(now, false));
    let failed = kernel.prove(now).err();
    if failed.is_some() {
        // Nothing more happens while it is brought to its end; the kill that follows also ends what could not be frozen.
        let _ = kernel.freeze();
    }
    records.extend(failed.iter().map(|failed| kernel.unproven(failed)));
    let written = records.into_iter().try_for_each(|body| journal.body(body));
    let reached = std::iter::from_fn(|| outside.reached()).try_for_each(|host| journal.reached(&host));
    written.and(reached).map_err(|error| Ending::AuditFailed(format!("{error:#}")))?;
    match (failed, demand) {
        (Some(failed), _) => {
            Err(Ending::Violation(format!("the guard was not seen to deny what it must: {failed}")))
        }
        (None, Some(Demand::End(what) | Demand::Freeze(what))) => Err(Ending::Violation(what)),
        (None, None) => Ok(()),
    }
}
