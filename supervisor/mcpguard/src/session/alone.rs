//! Waits for a guarded program that speaks no MCP.

use std::io;

use super::denials::Denials;
use super::ending::{Ending, Finished};
use super::journal::Journal;
use super::start::Server;
use super::watch::Watch;

/// Waits until the program has ended; denied system calls are written down meanwhile.
pub(super) async fn wait(server: &mut Server, denials: &Denials, journal: &mut Journal) -> Finished {
    match watched(server, denials, journal).await {
        Ok(ending) => ending.into(),
        Err(error) => Ending::Failed(error.to_string()).into(),
    }
}

async fn watched(server: &mut Server, denials: &Denials, journal: &mut Journal) -> io::Result<Ending> {
    let mut watch = Watch::new(&mut server.guard)?;
    loop {
        tokio::select! {
            ending = watch.end() => return Ok(ending),
            batch = denials.next() => {
                if let Err(error) = journal.denied(batch, &[]) {
                    return Ok(Ending::AuditFailed(format!("{error:#}")));
                }
            }
        }
    }
}
