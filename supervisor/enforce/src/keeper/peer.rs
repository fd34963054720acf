//! Who is at the other end of a unix socket, and who a process is, as the kernel says.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::Pid;

use super::Identity;
use super::seized::has_ended;
use crate::sys;

/// Whoever connected a unix socket.
#[derive(Debug)]
pub struct Peer {
    /// User and groups, of the moment when it connected.
    pub identity: Identity,
    /// Its process.
    pub process: Pid,
    /// That process's handle. From Linux 6.5 the kernel gives it (`SO_PEERPIDFD`); before it is opened by its number, and
    /// refused unless that process is of the same user: whoever plays with numbers gets at processes of their own.
    pub handle: OwnedFd,
}

impl Peer {
    /// Asks about a connected socket.
    ///
    /// # Errors
    /// `ESRCH`: the process has ended.
    pub fn of(socket: BorrowedFd<'_>) -> Result<Self, Errno> {
        let credentials = getsockopt(&socket, sockopt::PeerCredentials)?;
        let groups = sys::peer_groups(socket)?;
        let process = Pid::from_raw(credentials.pid());
        let handle = match getsockopt(&socket, sockopt::PeerPidfd) {
            Err(Errno::ENOPROTOOPT) => opened(process, credentials.uid())?,
            other => other?,
        };
        if has_ended(handle.as_fd())? {
            return Err(Errno::ESRCH);
        }
        let identity = Identity { uid: credentials.uid(), gid: credentials.gid(), groups };
        Ok(Self { identity, process, handle })
    }
}

fn opened(process: Pid, uid: u32) -> Result<OwnedFd, Errno> {
    let handle = sys::pidfd_open(process)?;
    let now = Facts::of(handle.as_fd(), process)?;
    if now.uids[1] == uid { Ok(handle) } else { Err(Errno::ESRCH) }
}

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its real, effective and saved uid.
    pub uids: [u32; 3],
    /// Its parent.
    pub parent: Pid,
    /// Its threads.
    pub threads: u32,
}

impl Facts {
    /// Of the process behind the handle, which has this number.
    ///
    /// # Errors
    /// `ESRCH`: it has ended, so that the number may mean another one.
    pub fn of(handle: BorrowedFd<'_>, process: Pid) -> Result<Self, Errno> {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).map_err(|_| Errno::ESRCH)?;
        let facts = parse(&status).ok_or(Errno::ESRCH)?;
        if has_ended(handle)? { Err(Errno::ESRCH) } else { Ok(facts) }
    }
}

/// Source: `proc_pid_status(5)`.
fn parse(status: &str) -> Option<Facts> {
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let numbers =
        |text: &str| text.split_ascii_whitespace().map_while(|word| word.parse().ok()).collect::<Vec<u32>>();
    let [real, effective, saved, ..] = numbers(field("Uid")?)[..] else { return None };
    let parent = field("PPid")?.trim().parse().ok()?;
    let threads = field("Threads")?.trim().parse().ok()?;
    Some(Facts { uids: [real, effective, saved], parent: Pid::from_raw(parent), threads })
}

/// The number of the process behind a handle, as this pid namespace has it. Source: `pidfd_open(2)`.
///
/// # Errors
/// `EBADF`: it is no handle of a process. `ESRCH`: the process has ended, or is not seen from here.
pub fn number_of(handle: BorrowedFd<'_>) -> Result<Pid, Errno> {
    let told = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", handle.as_raw_fd()))
        .map_err(|_| Errno::EBADF)?;
    let number = told.lines().find_map(|line| line.strip_prefix("Pid:")).ok_or(Errno::EBADF)?;
    match number.trim().parse() {
        Ok(number) if number > 0 => Ok(Pid::from_raw(number)),
        _ => Err(Errno::ESRCH),
    }
}

/// Whether a process sits in a control group of mcpguard's. What cannot be told counts as inside.
pub fn sits_in_a_group(process: Pid) -> bool {
    let groups = std::fs::read_to_string(format!("/proc/{process}/cgroup"));
    groups.map_or(true, |text| text.lines().any(|line| line.contains("/mcpguard/")))
}

/// A descriptor that this process was started with, such as the socket that systemd listens on; once.
pub fn inherited(number: i32) -> Option<OwnedFd> {
    sys::inherited(number)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use nix::unistd::{getegid, geteuid, getpid, getppid};

    use super::*;

    #[test]
    fn a_peer_is_who_connected() {
        let (one, _other) = UnixStream::pair().expect("a pair");
        let peer = Peer::of(one.as_fd()).expect("a living peer");
        assert_eq!((peer.process, peer.identity.uid), (getpid(), geteuid().as_raw()));
        assert_eq!(peer.identity.gid, getegid().as_raw());
        assert_eq!(number_of(peer.handle.as_fd()), Ok(getpid()));
        let facts = Facts::of(peer.handle.as_fd(), getpid()).expect("it lives");
        assert_eq!((facts.uids, facts.parent), ([geteuid().as_raw(); 3], getppid()));
        assert!(facts.threads > 1, "the test runner has threads");
    }

    #[test]
    fn what_is_no_process_has_no_number() {
        let (one, _other) = UnixStream::pair().expect("a pair");
        assert_eq!(number_of(one.as_fd()), Err(Errno::EBADF));
        let mut child = std::process::Command::new("true").spawn().expect("true is there");
        let handle = sys::pidfd_open(Pid::from_raw(child.id().cast_signed())).expect("an own child");
        child.wait().expect("a child");
        assert_eq!(number_of(handle.as_fd()), Err(Errno::ESRCH));
    }
}
