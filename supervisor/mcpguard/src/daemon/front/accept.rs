//! Takes connections for as long as there are seats and descriptors; whoever gets none is told why.

use std::io::{Error, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context;
use control::message::Code;
use control::{Outgoing, ServerSide};
use enforce::keeper::channel;
use nix::errno::Errno;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use tokio::task::{spawn_local, yield_now};
use tokio::time::sleep;

use super::client;
use super::hub::Hub;
use super::polled;
use super::refusal::refusal;

/// How long nothing is accepted when there is no descriptor at all.
const PAUSE: Duration = Duration::from_millis(50);

/// Connections that are accepted before others have their turn.
const AT_ONCE: usize = 64;

/// Accepts for ever.
///
/// # Errors
/// The listening socket is none.
pub(super) async fn serve(hub: &Rc<Hub>, listener: UnixListener) -> anyhow::Result<()> {
    let listener = polled(listener).context("the listening socket cannot be waited for")?;
    let mut spare = Spare::of(listener.get_ref());
    loop {
        let mut ready = listener.readable().await?;
        for _ in 0..AT_ONCE {
            match ready.try_io(|listener| listener.get_ref().accept()) {
                Ok(Ok((stream, _))) => welcome(hub, stream),
                Ok(Err(error)) if is_out_of_descriptors(&error) => {
                    if !spare.refuse(hub, listener.get_ref()) {
                        sleep(PAUSE).await;
                    }
                    break;
                }
                // Somebody who has gone again.
                Ok(Err(error)) if is_of_one(&error) => {}
                Ok(Err(error)) => return Err(error).context("nothing can be accepted"),
                Err(_would_block) => break,
            }
        }
        yield_now().await;
    }
}

fn welcome(hub: &Rc<Hub>, stream: UnixStream) {
    let Ok(credentials) = getsockopt(&stream, PeerCredentials) else { return };
    if stream.set_nonblocking(true).is_err() {
        return;
    }
    match hub.seats.take(credentials.uid()) {
        Ok(seat) => {
            spawn_local(client::serve(Rc::clone(hub), OwnedFd::from(stream), seat));
        }
        Err(full) => turn_away(hub, &stream, &full.to_string()),
    }
}

/// Tells why, if the socket takes it at once; a new one does.
fn turn_away(hub: &Hub, stream: &UnixStream, why: &str) {
    let side = ServerSide::new(hub.build.clone());
    let last = side.closing(refusal(Code::Limit, why));
    for Outgoing { bytes, .. } in [side.hello(), last].into_iter().flatten() {
        let _ = channel::send(stream.as_fd(), &bytes, &[]);
    }
}

fn is_out_of_descriptors(error: &Error) -> bool {
    let codes = [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM];
    codes.iter().any(|code| error.raw_os_error() == Some(*code as i32))
}

fn is_of_one(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted | ErrorKind::ConnectionReset)
}

/// A descriptor that is given up for a moment, so that whoever waits can be told that there are none.
struct Spare(Option<UnixListener>);

impl Spare {
    fn of(listener: &UnixListener) -> Self {
        Self(listener.try_clone().ok())
    }

    /// Whether one of those who wait was turned away.
    fn refuse(&mut self, hub: &Hub, listener: &UnixListener) -> bool {
        if self.0.take().is_none() {
            *self = Self::of(listener);
            return false;
        }
        let accepted = listener.accept().ok().filter(|(stream, _)| stream.set_nonblocking(true).is_ok());
        if let Some((stream, _)) = &accepted {
            turn_away(hub, stream, "the daemon has as many files open as it may; try again later");
        }
        let refused = accepted.is_some();
        drop(accepted);
        *self = Self::of(listener);
        refused
    }
}
