//! Where a session is asked: to read its policy again, which calls wait for an approval, and what is decided about them. A socket
//! beside its card, for its user and root, and for nobody whom the session guards.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use enforce::Pid;
use enforce::keeper::{Peer, sits_in_a_group};
use nix::unistd::geteuid;
use procfs::process::Process;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use serde::{Deserialize, Serialize};

use super::reload::Reply;
use super::stdio::polled;

/// What is asked: one line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Question {
    /// Read the policy again. Answered with [`Reply`].
    Reload,
    /// Which calls wait for an approval? Answered with a list of [`super::Held`].
    Approvals,
    /// Read the lock file again. Answered with `true`, or why not.
    Pins,
    /// Somebody decides about one of them. Answered with [`super::Decided`].
    Decide {
        /// The call's number.
        call: u64,
        /// The digest of what was looked at.
        digest: String,
        /// Whether it may be carried out.
        approve: bool,
    },
}

/// Somebody who has asked something and may.
pub(super) struct Asked {
    pub(super) question: Question,
    /// Who.
    pub(super) uid: u32,
    /// Where the answer goes.
    pub(super) stream: UnixStream,
}

/// The longest question.
const MOST: usize = 1024;
/// How long whoever has connected may take for a line.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long after a failure it is tried again.
const PAUSE: Duration = Duration::from_millis(200);
/// A process has at most so many parents; where there are more it is not looked at.
const PARENTS: usize = 4096;

/// The socket; its end takes it away.
#[derive(Debug)]
pub(super) struct Door {
    /// One future at a time listens.
    listener: Mutex<AsyncFd<UnixListener>>,
    place: PathBuf,
}

impl Door {
    /// Opens it, in a directory that is this user's alone.
    ///
    /// # Errors
    /// It cannot be had there.
    pub(super) fn open(place: &Path) -> io::Result<Self> {
        Ok(Self { listener: Mutex::new(bind(place)?), place: place.to_owned() })
    }

    /// The next one who asks and may. Others are told why not.
    pub(super) async fn next(&self) -> Asked {
        let mut listener = self.listener.lock().await;
        loop {
            let Some(mut stream) = accept(&listener).await else {
                // Nobody comes by it any more.
                sleep(PAUSE).await;
                if let Ok(anew) = bind(&self.place) {
                    *listener = anew;
                }
                continue;
            };
            match may_ask(&stream) {
                Ok(uid) => {
                    if let Some(question) = says(&mut stream).await {
                        return Asked { question, uid, stream };
                    }
                }
                Err(why) => answer(stream, &Reply { refused: vec![why], ..Reply::default() }).await,
            }
        }
    }
}

fn bind(place: &Path) -> io::Result<AsyncFd<UnixListener>> {
    // One of this name can only be of an earlier boot, or broken.
    let _ = fs::remove_file(place);
    let listener = UnixListener::bind(place)?;
    fs::set_permissions(place, fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    polled(listener)
}

/// The next who comes; `None`: the socket is no good any more, as after `shutdown(2)`. Then it is readable for ever, and nobody is
/// there.
async fn accept(listener: &AsyncFd<UnixListener>) -> Option<UnixStream> {
    loop {
        let mut ready = listener.readable().await.ok()?;
        if ready.ready().is_read_closed() {
            return None;
        }
        match ready.try_io(|listener| listener.get_ref().accept()) {
            Ok(Ok((stream, _))) => {
                let stream = stream.set_nonblocking(true).and_then(|()| UnixStream::from_std(stream));
                if let Ok(stream) = stream {
                    return Some(stream);
                }
            }
            // Too many open files: it passes.
            Ok(Err(_)) => sleep(PAUSE).await,
            Err(_would_block) => {}
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.place);
    }
}

async fn says(stream: &mut UnixStream) -> Option<Question> {
    let mut line = Vec::new();
    let read = async {
        let mut byte = [0];
        while line.len() < MOST && stream.read_exact(&mut byte).await.is_ok() && byte != *b"\n" {
            line.extend(byte);
        }
    };
    timeout(PATIENCE, read).await.ok()?;
    serde_json::from_slice(&line).ok()
}

/// Tells whoever has asked; who does not listen is not waited for.
pub(super) async fn answer(mut stream: UnixStream, reply: &impl Serialize) {
    let Ok(mut line) = serde_json::to_vec(reply) else { return };
    line.push(b'\n');
    let _ = timeout(PATIENCE, stream.write_all(&line)).await;
}

/// Who asks, if it may.
fn may_ask(stream: &UnixStream) -> Result<u32, String> {
    let peer =
        Peer::of(stream.as_fd()).map_err(|errno| format!("who asks cannot be told: {}", errno.desc()))?;
    let user = peer.identity.uid;
    if user != 0 && user != geteuid().as_raw() {
        return Err("only the session's user and root may ask it anything".to_owned());
    }
    match is_inside(peer.process) {
        false => Ok(user),
        true => Err("a guarded process may ask a session nothing".to_owned()),
    }
}

/// Whether a process is in a session: in a session's control group, or beneath this very process. What cannot be found
/// out counts as inside.
fn is_inside(process: Pid) -> bool {
    sits_in_a_group(process) || descends(process.as_raw(), Pid::this().as_raw()).unwrap_or(true)
}

fn descends(process: i32, from: i32) -> Option<bool> {
    let mut at = process;
    for _ in 0..PARENTS {
        match at {
            at if at == from => return Some(true),
            0 | 1 => return Some(false),
            _ => at = Process::new(at).ok()?.stat().ok()?.ppid,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_breaks_is_opened_anew() {
        let place = tempfile::tempdir().expect("a directory");
        let place = place.path().join("x.sock");
        let events =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
        let own = |stream: &UnixStream| stream.peer_cred().expect("a peer").pid();
        events.block_on(async {
            let door = Door::open(&place).expect("a door");
            for round in 0..2 {
                let listener = door.listener.lock().await;
                if round > 0 {
                    use nix::sys::socket::{Shutdown, shutdown};
                    use std::os::fd::AsRawFd;
                    shutdown(listener.get_ref().as_raw_fd(), Shutdown::Both).expect("it listens");
                }
                drop(listener);
                // Whoever comes is this very process, which counts as its own descendant: it is told so.
                let asks = async {
                    loop {
                        sleep(Duration::from_millis(20)).await;
                        let Ok(mut stream) = UnixStream::connect(&place).await else { continue };
                        assert_eq!(own(&stream), Some(Pid::this().as_raw()));
                        let mut told = String::new();
                        if stream.read_to_string(&mut told).await.is_ok() && told.contains("guarded process")
                        {
                            return;
                        }
                    }
                };
                tokio::select! {
                    _ = door.next() => panic!("a descendant was let in"),
                    () = asks => {}
                    () = sleep(Duration::from_secs(20)) => panic!("round {round}: the door stays closed"),
                }
            }
        });
    }

    #[test]
    fn a_child_descends_and_a_parent_does_not() {
        let own = Pid::this().as_raw();
        let parent = Pid::parent().as_raw();
        assert_eq!(descends(own, own), Some(true));
        assert_eq!(descends(own, parent), Some(true));
        assert_eq!(descends(parent, own), Some(false));
        assert_eq!(descends(i32::MAX, own), None);
        let child = std::process::Command::new("sleep").arg("5").spawn();
        let mut child = child.expect("sleep is there");
        assert_eq!(descends(child.id().cast_signed(), own), Some(true));
        child.kill().expect("an own child");
        child.wait().expect("an own child");
    }
}
