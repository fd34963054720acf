//! Bytes and descriptors over a unix stream socket: the two processes of the daemon with each other, and with clients.
//!
//! Descriptors come and go with the first byte of what they belong to. On a socket that does not block, both functions
//! fail with `WouldBlock` where there is nothing to do now.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

use crate::sys::{self, Received};

/// Sends the beginning of `bytes`, and with its first byte the descriptors; how many bytes were taken. What remains is
/// sent without the descriptors. No bytes are an error: descriptors without a byte would be lost.
///
/// # Errors
/// `WouldBlock`, also when too many descriptors of this user are on their way (`ETOOMANYREFS`); `BrokenPipe` or
/// `ConnectionReset` when the other side has gone; no signal is raised.
pub fn send(socket: BorrowedFd<'_>, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<usize> {
    if bytes.is_empty() {
        return Err(Error::new(ErrorKind::InvalidInput, "nothing to send"));
    }
    let numbers: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&numbers)];
    let control = if numbers.is_empty() { &[] } else { &rights[..] };
    loop {
        let parts = [IoSlice::new(bytes)];
        match sendmsg::<()>(socket.as_raw_fd(), &parts, control, MsgFlags::MSG_NOSIGNAL, None) {
            Err(Errno::EINTR) => {}
            other => return Ok(other?),
        }
    }
}

/// Reads into the front of `into`: how many bytes, 0 at the end of the stream, and the descriptors that came with them,
/// close-on-exec and at most `most`.
///
/// # Errors
/// `WouldBlock`; `InvalidData` when more descriptors came, or more than this process may have open: what came is closed,
/// and since it is not known whose they were, the connection has no meaning any more.
pub fn receive(socket: BorrowedFd<'_>, into: &mut [u8], most: usize) -> Result<(usize, Vec<OwnedFd>)> {
    loop {
        match sys::receive_descriptors(socket, into, most) {
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
            Ok(Received { truncated: true, .. }) => {
                return Err(Error::new(
                    ErrorKind::InvalidData,
                    format!(
                        "more than {most} descriptors came at once, or more than this process may have open"
                    ),
                ));
            }
            Ok(Received { count, descriptors, .. }) => return Ok((count, descriptors)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    /// Descriptors whose file is this one. Other tests open and close descriptors meanwhile.
    fn open_here(file: &tempfile::NamedTempFile) -> usize {
        let wanted = file.path();
        let links = std::fs::read_dir("/proc/self/fd").unwrap();
        links
            .filter(|link| std::fs::read_link(link.as_ref().unwrap().path()).is_ok_and(|to| to == wanted))
            .count()
    }

    #[test]
    fn descriptors_come_with_their_first_byte() {
        let (near, far) = UnixStream::pair().unwrap();
        let file = tempfile::tempfile().unwrap();
        assert_eq!(send(near.as_fd(), b"ab", &[]).unwrap(), 2);
        assert_eq!(send(near.as_fd(), b"cd", &[file.as_fd(), near.as_fd()]).unwrap(), 2);
        assert_eq!(send(near.as_fd(), b"ef", &[]).unwrap(), 2);
        drop(near);
        let (mut bytes, mut descriptors) = (Vec::new(), Vec::new());
        let mut buffer = [0; 3];
        loop {
            let (count, more) = receive(far.as_fd(), &mut buffer, 2).unwrap();
            bytes.extend(&buffer[..count]);
            if !more.is_empty() {
                assert!((3..=4).contains(&bytes.len()), "{}", bytes.len());
            }
            descriptors.extend(more);
            // One of those that came is the other end.
            if bytes.len() == 6 {
                break;
            }
        }
        assert_eq!((&bytes[..], descriptors.len()), (&b"abcdef"[..], 2));
        drop(descriptors);
        assert_eq!(receive(far.as_fd(), &mut buffer, 2).unwrap().0, 0);
    }

    #[test]
    fn too_many_are_an_error_and_none_stays_open() {
        let (near, far) = UnixStream::pair().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let descriptor = file.as_file().as_fd();
        for count in [1, 3, 100, 253] {
            send(near.as_fd(), b"x", &vec![descriptor; count]).unwrap();
            let received = receive(far.as_fd(), &mut [0; 1], 2);
            match count {
                1 => assert_eq!(received.unwrap().1.len(), 1),
                _ => assert_eq!(received.unwrap_err().kind(), ErrorKind::InvalidData, "{count}"),
            }
            assert_eq!(open_here(&file), 1, "{count}");
        }
    }

    #[test]
    fn nothing_to_do_would_block_and_a_dead_peer_is_an_error() {
        let (near, mut far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        assert_eq!(receive(near.as_fd(), &mut [0; 1], 2).unwrap_err().kind(), ErrorKind::WouldBlock);
        let mut sent = 0;
        let full = loop {
            match send(near.as_fd(), &[7; 4096], &[]) {
                Ok(count) => sent += count,
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
        let mut read = vec![0; sent];
        far.read_exact(&mut read).unwrap();
        drop(far);
        assert_eq!(send(near.as_fd(), b"x", &[]).unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(receive(near.as_fd(), &mut [0; 1], 2).unwrap().0, 0);
        assert_eq!(send(near.as_fd(), b"", &[]).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
