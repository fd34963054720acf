//! A connection to the daemon, with waiting and deadlines.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use control::{Answer, Build, ClientSide, FromDaemon, Outgoing, Request, RequestId};
use enforce::keeper::channel;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect, getsockopt, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

/// Descriptors of one read: as many as a message may bring.
const DESCRIPTORS: usize = 2;

/// Connects. A listener that accepts nothing, and with whom as many wait as may, holds nobody up for longer (`SO_SNDTIMEO`,
/// socket(7)).
fn dial(path: &Path, patience: Duration) -> anyhow::Result<UnixStream> {
    let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    let patience = TimeVal::milliseconds(i64::try_from(patience.as_millis())?.max(1));
    setsockopt(&socket, sockopt::SendTimeout, &patience)?;
    connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    Ok(UnixStream::from(socket))
}

/// One connection.
pub(crate) struct Line {
    stream: UnixStream,
    side: ClientSide,
    build: String,
    bytes: Vec<u8>,
    descriptors: VecDeque<OwnedFd>,
}

impl Line {
    /// Connects and exchanges hellos.
    ///
    /// # Errors
    /// Nobody listens there, or somebody else than root; the daemon does not speak in time, or in no common version, or
    /// refuses this process.
    pub(crate) fn connect(path: &Path, patience: Duration) -> anyhow::Result<Self> {
        let shown = path.display();
        let stream = dial(path, patience).with_context(|| format!("nobody answers at {shown}"))?;
        let listener = getsockopt(&stream.as_fd(), sockopt::PeerCredentials)?.uid();
        // Whoever made the socket would be told the policy, and trusted to enforce it.
        ensure!(listener == 0, "user {listener} listens at {shown} where root must; remove it");
        stream.set_write_timeout(Some(patience))?;
        let build = Build::new(env!("CARGO_PKG_VERSION")).context("this build has no version")?;
        let side = ClientSide::new(build);
        let (bytes, descriptors) = (Vec::new(), VecDeque::new());
        let mut line = Self { stream, side, build: String::new(), bytes, descriptors };
        let hello = line.side.hello()?;
        line.send(&hello, &[])?;
        match line.next(Instant::now() + patience)? {
            (FromDaemon::Greeted(_, build), _) => build.as_str().clone_into(&mut line.build),
            (FromDaemon::Closing(refusal), _) => bail!("it refuses: {}", refusal.sentence),
            (other, _) => bail!("it begins with {other:?}"),
        }
        Ok(line)
    }

    /// The daemon's build.
    pub(crate) fn build(&self) -> &str {
        &self.build
    }

    /// Asks, with descriptors; the number is that of the answer.
    pub(crate) fn ask(&mut self, request: Request, with: &[BorrowedFd<'_>]) -> anyhow::Result<RequestId> {
        let (id, outgoing) = self.side.ask(request)?;
        self.send(&outgoing, with)?;
        Ok(id)
    }

    /// Asks, and waits for the answer; what else is told meanwhile is not for who waits so.
    pub(crate) fn ask_and_wait(
        &mut self,
        request: Request,
        with: &[BorrowedFd<'_>],
        patience: Duration,
    ) -> anyhow::Result<(Answer, Vec<OwnedFd>)> {
        let until = Instant::now() + patience;
        let id = self.ask(request, with).map_err(|error| self.last_words(error))?;
        loop {
            match self.next(until)? {
                (FromDaemon::Answered(answered, answer), descriptors) if answered == id => {
                    return Ok((answer, descriptors));
                }
                (FromDaemon::Closing(refusal), _) => bail!("it refuses: {}", refusal.sentence),
                _ => {}
            }
        }
    }

    /// Whoever closes the connection has said why before.
    fn last_words(&mut self, error: anyhow::Error) -> anyhow::Error {
        let until = Instant::now() + Duration::from_millis(100);
        match self.next(until) {
            Ok((FromDaemon::Closing(refusal), _)) => anyhow::anyhow!("it refuses: {}", refusal.sentence),
            _ => error,
        }
    }

    fn send(&mut self, outgoing: &Outgoing, with: &[BorrowedFd<'_>]) -> anyhow::Result<()> {
        ensure!(outgoing.descriptors == with.len(), "a request lacks its descriptor");
        let mut sent = 0;
        while sent < outgoing.bytes.len() {
            let with = if sent == 0 { with } else { &[] };
            sent += channel::send(self.stream.as_fd(), &outgoing.bytes[sent..], with)
                .context("it does not listen")?;
        }
        Ok(())
    }

    /// What the daemon says next, with the descriptors that it brings.
    ///
    /// # Errors
    /// It says nothing until then, has closed the connection, or does not keep to the protocol.
    pub(crate) fn next(&mut self, until: Instant) -> anyhow::Result<(FromDaemon, Vec<OwnedFd>)> {
        loop {
            if let Some(said) = self.said()? {
                return Ok(said);
            }
            let left = until.saturating_duration_since(Instant::now());
            ensure!(!left.is_zero() && self.hear(Some(left))?, "it says nothing");
        }
    }

    /// What was heard already.
    pub(crate) fn said(&mut self) -> anyhow::Result<Option<(FromDaemon, Vec<OwnedFd>)>> {
        let bytes = std::mem::take(&mut self.bytes);
        let mut rest = bytes.as_slice();
        let said = self.side.next(&mut rest);
        self.bytes = rest.to_vec();
        let Some(said) = said.context("it does not keep to the protocol")? else { return Ok(None) };
        let brings = if let FromDaemon::Answered(_, answer) = &said { answer.descriptors() } else { 0 };
        ensure!(self.descriptors.len() >= brings, "an answer lacks its descriptors");
        Ok(Some((said, self.descriptors.drain(..brings).collect())))
    }

    /// Reads once; `false`: nothing came in time.
    pub(crate) fn hear(&mut self, patience: Option<Duration>) -> anyhow::Result<bool> {
        self.stream.set_read_timeout(patience)?;
        let mut buffer = [0; 16 << 10];
        match channel::receive(self.stream.as_fd(), &mut buffer, DESCRIPTORS) {
            Ok((0, _)) => bail!("it has closed the connection"),
            Ok((count, descriptors)) => {
                self.side.arrived(descriptors.len());
                self.descriptors.extend(descriptors);
                self.bytes.extend_from_slice(&buffer[..count]);
                Ok(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(false),
            Err(error) => Err(error).context("it is not heard"),
        }
    }

    /// Ends the connection for both sides; whoever waits on it sees that.
    pub(super) fn cut(&self) {
        // One that is over already is cut.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }

    /// From now on nobody waits longer than this for the daemon to listen.
    pub(super) fn hurry(&self, patience: Duration) -> anyhow::Result<()> {
        Ok(self.stream.set_write_timeout(Some(patience))?)
    }

    /// Another descriptor of the connection, to wait on.
    pub(crate) fn bell(&self) -> anyhow::Result<OwnedFd> {
        Ok(self.stream.as_fd().try_clone_to_owned()?)
    }
}
