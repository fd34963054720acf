//! Bytes that a side has sent and that are not passed on yet.

use std::io;

use peek::MAX_HEAD;
use tokio::net::TcpStream;

/// See the module. Never more than a head may be long and what one read gives.
#[derive(Debug, Default)]
pub(super) struct Held(Vec<u8>);

/// What one read takes at most.
const PIECE: usize = 16 * 1024;

impl Held {
    /// Room for what a client usually says first.
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(2048))
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Waits for more; how many came, 0 at the end of what the side says.
    pub(super) async fn more(&mut self, from: &TcpStream) -> io::Result<usize> {
        if self.0.len() > MAX_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        loop {
            from.readable().await?;
            self.0.reserve(1);
            let room = self.0.capacity().max(2048) - self.0.len();
            self.0.reserve(room.min(PIECE));
            match from.try_read_buf(&mut self.0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
        }
    }

    /// Passes the first so many bytes on.
    pub(super) async fn pass(&mut self, count: usize, to: &TcpStream) -> io::Result<()> {
        let count = count.min(self.0.len());
        let mut written = 0;
        while written < count {
            match to.try_write(&self.0[written..count]) {
                Ok(more) => written += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => to.writable().await?,
                Err(error) => return Err(error),
            }
        }
        self.0.drain(..count);
        Ok(())
    }

    /// Passes all of it on.
    pub(super) async fn pass_all(&mut self, to: &TcpStream) -> io::Result<()> {
        self.pass(self.0.len(), to).await
    }
}
