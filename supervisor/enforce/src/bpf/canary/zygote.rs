//! A small process that forks canaries for a large one.
//!
//! ```text
//! keeper ── bait, two pipes ──► zygote ── clone(CLONE_PARENT) ──► canary, a child of the keeper
//!        ◄── its number ─────────┘
//! ```
//! A fork copies mappings and descriptors one by one, and the host daemon has some twenty of them a session: with a thousand
//! sessions each proof took 3 ms in which it served nobody. This process is forked while there is little to copy, and
//! closes what it got but for the standard streams. So a canary, which sits in a session's control group, has no descriptor of
//! the daemon's either, and of its memory what there was when the zygote began.

use std::io::{Error, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, setsockopt, socketpair};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, getpid};

use super::{Bait, attempt};
use crate::keeper::channel;
use crate::sys;

/// Its name in lists of processes.
const NAME: &std::ffi::CStr = c"mcpguard-zygote";
/// The longest request: two paths and an address.
const LONGEST: usize = 16 << 10;
/// How long an answer may take, in milliseconds: whoever waits serves nobody.
const PATIENCE: i64 = 2_000;
/// The socket's number in the zygote; everything above is closed.
const SOCKET: i32 = 3;

/// The process, seen from its parent; dropping this ends it.
#[derive(Debug)]
pub(crate) struct Zygote {
    socket: OwnedFd,
    process: Pid,
}

impl Zygote {
    /// Forks it. This process must have one thread.
    ///
    /// # Errors
    /// It has more, or no process or socket can be had.
    pub(crate) fn start() -> Result<Self, Errno> {
        if !sys::has_one_thread() {
            return Err(Errno::EBUSY);
        }
        // One message is one request: no pipe of another one can come with it.
        let (ours, theirs) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        setsockopt(&ours, ReceiveTimeout, &TimeVal::milliseconds(PATIENCE))?;
        let parent = getpid();
        let process = sys::fork(|| serve(&theirs, parent))?;
        Ok(Self { socket: ours, process })
    }

    /// Forks a canary, which is a child of this process.
    ///
    /// # Errors
    /// The zygote has ended, or can make none.
    pub(super) fn fork(&self, bait: &Bait, wait: &OwnedFd, say: &OwnedFd) -> Result<Pid, Errno> {
        let request = postcard::to_stdvec(bait).map_err(|_| Errno::EMSGSIZE)?;
        channel::send(self.socket.as_fd(), &request, &[wait.as_fd(), say.as_fd()]).map_err(errno)?;
        let mut answer = [0; size_of::<i32>()];
        loop {
            match recv(self.socket.as_raw_fd(), &mut answer, MsgFlags::empty()) {
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
                Ok(count) if count == answer.len() => break,
                Ok(_) => return Err(Errno::EPIPE),
            }
        }
        match i32::from_ne_bytes(answer) {
            number if number > 0 => Ok(Pid::from_raw(number)),
            number => Err(Errno::from_raw(-number)),
        }
    }
}

impl Drop for Zygote {
    fn drop(&mut self) {
        // Our own unreaped child.
        let _ = nix::sys::signal::kill(self.process, nix::sys::signal::Signal::SIGKILL);
        let _ = waitpid(self.process, None);
    }
}

fn errno(error: Error) -> Errno {
    let other = if error.kind() == ErrorKind::BrokenPipe { Errno::EPIPE } else { Errno::EIO };
    error.raw_os_error().map_or(other, Errno::from_raw)
}

/// The zygote: forks a canary for each request, until its parent has gone.
fn serve(socket: &OwnedFd, parent: Pid) -> u8 {
    if !sys::dies_with(parent) {
        return 1;
    }
    let _ = nix::sys::prctl::set_name(NAME);
    // Nothing of the parent's stays open here: not its locks, nor what its clients wait on.
    let moved;
    let socket = match socket.as_raw_fd() {
        SOCKET => socket,
        other => {
            let Ok(it) = sys::move_descriptor(other, SOCKET) else { return 1 };
            moved = it;
            &moved
        }
    };
    if sys::close_from(SOCKET.unsigned_abs() + 1).is_err() {
        return 1;
    }
    let mut request = vec![0; LONGEST];
    while let Ok((count @ 1.., pipes)) = channel::receive(socket.as_fd(), &mut request, 2) {
        let forked = canary(&request[..count], &pipes, parent);
        let number = forked.map_or_else(|errno| -(errno as i32), Pid::as_raw);
        if send(socket.as_raw_fd(), &number.to_ne_bytes(), MsgFlags::MSG_NOSIGNAL).is_err() {
            return 1;
        }
    }
    0
}

fn canary(request: &[u8], pipes: &[OwnedFd], parent: Pid) -> Result<Pid, Errno> {
    let bait: Bait = postcard::from_bytes(request).map_err(|_| Errno::EBADMSG)?;
    let [wait, say] = pipes else { return Err(Errno::EBADMSG) };
    sys::fork_for_parent(|| {
        // With it open here, the parent would wait for an answer of a zygote that has ended.
        let _ = nix::unistd::close(SOCKET);
        attempt::run(&bait, parent, wait, say)
    })
}

#[cfg(test)]
mod tests {

    use nix::fcntl::OFlag;
    use nix::sys::wait::WaitStatus;
    use nix::unistd::{pipe2, read, write};

    use super::*;

    /// What a canary of this zygote tells about a file that is there.
    fn heard(zygote: &Zygote) -> Result<i32, Errno> {
        let (wait, go) = pipe2(OFlag::O_CLOEXEC)?;
        let (words, say) = pipe2(OFlag::O_CLOEXEC)?;
        let bait = Bait { file: Some(c"/dev/null".to_owned()), address: None, program: None };
        let process = zygote.fork(&bait, &wait, &say)?;
        drop((wait, say));
        write(&go, &[1])?;
        let mut told = [0; 4];
        read(&words, &mut told)?;
        // It is this process's own child.
        assert_eq!(waitpid(process, None), Ok(WaitStatus::Exited(process, 0)));
        Ok(i32::from_ne_bytes(told))
    }

    /// In a process of its own, because the test's has threads; the C library makes its memory usable after such a fork.
    #[test]
    fn its_canaries_are_children_of_who_asked_and_it_has_nothing_of_the_parents() {
        let place = tempfile::tempfile().expect("a file");
        let stage = || {
            let Ok(zygote) = Zygote::start() else { return 1 };
            let (first, second) = (heard(&zygote), heard(&zygote));
            let open = std::fs::read_dir(format!("/proc/{}/fd", zygote.process)).map(Iterator::count);
            if (first, second, open.unwrap_or(0)) != (Ok(0), Ok(0), 4) {
                return 2;
            }
            let process = zygote.process;
            drop(zygote);
            u8::from(nix::sys::signal::kill(process, None) != Err(Errno::ESRCH)) * 3
        };
        let child = sys::fork_beside_threads(stage).expect("a child");
        assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)));
        drop(place);
    }

    #[test]
    fn one_that_has_ended_is_an_error() {
        let stage = || {
            let Ok(zygote) = Zygote::start() else { return 1 };
            let _ = nix::sys::signal::kill(zygote.process, nix::sys::signal::Signal::SIGKILL);
            let _ = waitpid(zygote.process, None);
            u8::from(heard(&zygote).is_ok()) * 2
        };
        let child = sys::fork_beside_threads(stage).expect("a child");
        assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)));
    }
}
