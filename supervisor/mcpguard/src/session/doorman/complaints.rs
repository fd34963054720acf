//! The server's stderr, which is passed on without the secrets that it was given and what else the policy keeps back.

use super::super::ending::Ending;
use super::{Doorman, Streams};

impl Doorman<'_> {
    /// Passes the server's stderr on; ends only at a failure.
    pub(super) async fn complaints(&self, streams: &Streams) -> Ending {
        let Some(complaints) = &streams.complaints else { return std::future::pending().await };
        let mut buffer = vec![0; 16 * 1024];
        let mut held = Vec::new();
        while let Ok(count @ 1..) = complaints.read(&mut buffer).await {
            held.extend_from_slice(&buffer[..count]);
            let whole = whole_lines(&held, buffer.len());
            let shown = self.shown(&held[..whole]);
            held.drain(..whole);
            match shown {
                // Nobody reads our stderr: the server must not be stopped for that.
                Ok(shown) => drop(streams.own_stderr.write_all(&shown).await),
                Err(failed) => return failed,
            }
        }
        match self.shown(&held) {
            Ok(shown) => drop(streams.own_stderr.write_all(&shown).await),
            Err(failed) => return failed,
        }
        self.stderr_dry.notify_one();
        std::future::pending().await
    }

    /// The lines as the user may see them.
    fn shown(&self, lines: &[u8]) -> Result<Vec<u8>, Ending> {
        let clean = self.journal.borrow().redacted(lines);
        let Ok(text) = std::str::from_utf8(&clean) else { return Ok(clean) };
        let (changed, facts) = self.engine.borrow_mut().stderr(text, std::time::Instant::now());
        self.record(facts)?;
        Ok(changed.map_or(clean, String::into_bytes))
    }
}

/// The number of bytes that end with the last newline; all of them when a line is longer than `most`.
fn whole_lines(held: &[u8], most: usize) -> usize {
    let end = held.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if end == 0 && held.len() > most { held.len() } else { end }
}
