//! One descriptor that keeps many files known: they are on their way through a socket pair and never arrive.
//!
//! The kernel keeps what was sent (`SCM_RIGHTS`, `unix(7)`) for as long as the other end is open. Rules are known by inode,
//! and an inode's address means that inode only while somebody holds it: the session's own supervisor gets this
//! descriptor, so that its rules outlive the daemon. Whoever lets it go harms nobody's session but their own.

use std::io::IoSlice;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair};

/// Descriptors of one message (`SCM_MAX_FD`, `include/net/scm.h`).
const MESSAGE: usize = 253;

/// Puts descriptors away. The caller's own may be closed.
pub(super) fn bundle(files: &[OwnedFd]) -> Result<OwnedFd, Errno> {
    let (near, far) = socketpair(
        AddressFamily::Unix,
        SockType::Stream,
        None,
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
    )?;
    for some in files.chunks(MESSAGE) {
        let numbers: Vec<RawFd> = some.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&numbers)];
        // A full queue is an error, which ends the opening: it has room for some ten thousand.
        sendmsg::<()>(near.as_raw_fd(), &[IoSlice::new(b"f")], &rights, MsgFlags::MSG_NOSIGNAL, None)?;
    }
    Ok(far)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn what_is_put_away_lives_as_long_as_its_bundle() {
        let (held, far): (Vec<OwnedFd>, Vec<UnixStream>) = (0..300)
            .map(|_| UnixStream::pair().expect("a pair"))
            .map(|(one, other)| (one.into(), other))
            .unzip();
        let kept = bundle(&held).expect("there is room");
        drop(held);
        for mut stream in &far {
            stream.set_nonblocking(true).expect("a stream");
            let error = stream.read(&mut [0]).expect_err("the other end is still there");
            assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
        }
        drop(kept);
        let ended = |mut stream: &UnixStream| stream.read(&mut [0]).is_ok_and(|count| count == 0);
        assert!(far.iter().all(ended), "they go with it");
    }
}
