//! What the canary does, in the child. The supervisor may have other threads, so nothing here allocates or locks.

use std::ffi::CString;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, SockaddrIn, SockaddrIn6, connect, sendto, socket,
};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, read, write};

use super::{Answer, Bait};
use crate::sys;

/// Bytes of one answer: an errno, 0 for success.
const ANSWER: usize = size_of::<i32>();

/// Waits for the word to begin, tries, tells. A parent that ends, or drops the canary, ends it.
pub(super) fn run(bait: &Bait, parent: Pid, wait: &OwnedFd, say: &OwnedFd) -> u8 {
    if !sys::dies_with(parent) {
        return 1;
    }
    if read(wait, &mut [0]) != Ok(1) {
        return 1;
    }
    // Nobody is left to tell if the pipe is gone.
    let _ = tell(say, bait.file.as_ref().map(opened));
    let _ = tell(say, bait.address.map(connected));
    let _ = tell(say, bait.address.map(sent));
    let _ = tell(say, bait.program.as_ref().map(executed));
    0
}

fn opened(file: &CString) -> Result<(), Errno> {
    open(file.as_c_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK, Mode::empty()).map(drop)
}

fn connected(to: SocketAddr) -> Result<(), Errno> {
    let socket = datagrams(to)?;
    match to {
        SocketAddr::V4(to) => connect(socket.as_raw_fd(), &SockaddrIn::from(to)),
        SocketAddr::V6(to) => connect(socket.as_raw_fd(), &SockaddrIn6::from(to)),
    }
}

/// Without a connection: no program on a security hook judges this unless the policy kills for it, so that those on the
/// control group must.
fn sent(to: SocketAddr) -> Result<(), Errno> {
    let socket = datagrams(to)?;
    let socket = socket.as_raw_fd();
    let sent = match to {
        SocketAddr::V4(to) => sendto(socket, b"canary", &SockaddrIn::from(to), MsgFlags::MSG_DONTWAIT),
        SocketAddr::V6(to) => sendto(socket, b"canary", &SockaddrIn6::from(to), MsgFlags::MSG_DONTWAIT),
    };
    sent.map(drop)
}

/// The socket is made here, because a control group's programs judge a socket by the group that it was made in.
fn datagrams(to: SocketAddr) -> Result<OwnedFd, Errno> {
    let family = if to.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    socket(family, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)
}

/// Returns only if it failed. On success the pipe is closed with an answer too few.
fn executed(program: &CString) -> Result<(), Errno> {
    Err(sys::execute(program, c"--canary-was-not-denied"))
}

/// One answer: an errno, 0 for success, -1 for what was not tried.
fn tell(say: &OwnedFd, outcome: Option<Result<(), Errno>>) -> Result<usize, Errno> {
    let number = match outcome {
        None => -1,
        Some(Ok(())) => 0,
        Some(Err(errno)) => errno as i32,
    };
    write(say.as_fd(), &number.to_ne_bytes())
}

/// What the bytes on the pipe mean, once it is closed: file, connection, datagram, program.
pub(super) fn answers(heard: &[u8], bait: &Bait) -> Option<[Answer; 4]> {
    let mut numbers =
        heard.chunks_exact(ANSWER).filter_map(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
    let open = answer(numbers.next()?);
    let connect = answer(numbers.next()?);
    let send = answer(numbers.next()?);
    let exec = match numbers.next() {
        Some(number) => answer(number),
        // Nobody was left to answer: the program runs.
        None if bait.program.is_some() => Answer::Allowed,
        None => return None,
    };
    Some([open, connect, send, exec])
}

fn answer(number: i32) -> Answer {
    match number {
        -1 => Answer::NotTried,
        0 => Answer::Allowed,
        number if number == Errno::EPERM as i32 => Answer::Denied,
        number => Answer::Failed(Errno::from_raw(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bait(program: Option<CString>) -> Bait {
        Bait { file: None, address: None, program }
    }

    fn heard(numbers: &[i32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()
    }

    #[test]
    fn a_program_that_runs_says_nothing() {
        let some = bait(Some(c"/bin/true".to_owned()));
        let told = answers(&heard(&[1, 1, 1]), &some);
        assert_eq!(told, Some([Answer::Denied, Answer::Denied, Answer::Denied, Answer::Allowed]));
        assert_eq!(answers(&heard(&[1, 1]), &some), None);
        assert_eq!(answers(&heard(&[0, -1, -1]), &bait(None)), None);
    }

    #[test]
    fn only_eperm_is_a_denial() {
        let told = answers(&heard(&[13, 0, 1, -1]), &bait(None));
        let failed = Answer::Failed(Errno::EACCES);
        assert_eq!(told, Some([failed, Answer::Allowed, Answer::Denied, Answer::NotTried]));
    }
}
