//! How many descriptors the supervisor may have open, and what becomes of them.
//!
//! ```text
//! all of them ─┬─ KEPT_BACK         the journal, the server's pipes, questions to name servers, handles of callers
//!              ├─ two a connection  its two sockets
//!              └─ two a pipe        bytes that are under way; without a pipe they are copied
//! ```

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Connections at once, however many descriptors there are.
const MOST: usize = 16_384;
/// Descriptors for everything that is no connection.
const KEPT_BACK: u64 = 512;
/// Descriptors for pipes, of which a few serve many connections.
const FOR_PIPES: u64 = 488;
/// Fewer connections than this are worth a sentence: a page of the web may open a hundred.
const FEW: usize = 1_024;

/// What the way out may have open at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    /// Connections.
    pub(super) connections: usize,
    /// Pipes.
    pub(super) pipes: usize,
}

impl Shares {
    /// Raises this process's own limit as far as it may, and shares out what there is then.
    ///
    /// To be called when the server runs: it must not inherit a limit that was raised for the supervisor.
    pub(super) fn claim() -> Self {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1024, 1024));
        // Without it, fewer connections are possible, and no more than that.
        let limit = setrlimit(Resource::RLIMIT_NOFILE, hard, hard).map_or(soft, |()| hard);
        let shares = Self::of(limit);
        if shares.connections < FEW {
            let connections = shares.connections;
            tracing::warn!(
                "mcpguard may have only {limit} files open (ulimit -Hn), so that the server may have {connections} \
                 connections to allowed names at once; others wait"
            );
        }
        shares
    }

    /// One connection is possible however low the limit is.
    fn of(limit: u64) -> Self {
        let left = limit.saturating_sub(KEPT_BACK + FOR_PIPES) / 2;
        let connections = usize::try_from(left).unwrap_or(MOST).clamp(1, MOST);
        // Where there are plenty, each connection may have one for each direction.
        let beyond = limit.saturating_sub(KEPT_BACK + 2 * connections as u64) / 2;
        let pipes = usize::try_from(beyond).unwrap_or(usize::MAX).min(2 * connections);
        Self { connections, pipes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_is_never_exceeded_and_the_most_is_reached() {
        for (limit, connections, pipes) in [
            (0, 1, 0),
            (1_024, 12, 24),
            (4_096, 1_548, 244),
            (20_000, 9_500, 244),
            (524_288, 16_384, 32_768),
            (u64::MAX, 16_384, 32_768),
        ] {
            let shares = Shares::of(limit);
            assert_eq!(shares, Shares { connections, pipes }, "{limit}");
            let open = KEPT_BACK + 2 * (connections + pipes) as u64;
            assert!(open <= limit.max(KEPT_BACK + 2), "{limit}: {open}");
        }
    }
}
