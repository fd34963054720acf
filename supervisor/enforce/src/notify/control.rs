//! Control messages on their way out (`cmsg(3)`): descriptors are duplicated from the caller's table; of the rest only what
//! changes neither where a packet goes nor who has sent it.
//!
//! Passed on are the type of service and the lifetime of a packet, how many datagrams it is (`UDP_SEGMENT`), and from which
//! of the host's own addresses it comes (`IP_PKTINFO`, `IPV6_PKTINFO`). Everything else is `EINVAL`: source routes and
//! routing headers above all (`IP_RETOPTS`, `IPV6_RTHDR`), and credentials, which would be the supervisor's.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;

use super::caller::Caller;
use super::handles::Handles;

/// `sizeof(struct cmsghdr)` of 64-bit architectures; what follows is a multiple of `ALIGNED` away.
const HEADER: usize = 16;
const ALIGNED: usize = 8;
/// `SCM_MAX_FD`: more descriptors travel with no message.
const MOST_DESCRIPTORS: usize = 253;

/// Level and type of what is passed on.
const HARMLESS: [(i32, i32); 7] = [
    (libc::IPPROTO_IP, 1),    // IP_TOS
    (libc::IPPROTO_IP, 2),    // IP_TTL
    (libc::IPPROTO_IP, 8),    // IP_PKTINFO
    (libc::IPPROTO_IPV6, 50), // IPV6_PKTINFO
    (libc::IPPROTO_IPV6, 52), // IPV6_HOPLIMIT
    (libc::IPPROTO_IPV6, 67), // IPV6_TCLASS
    (libc::IPPROTO_UDP, 103), // UDP_SEGMENT
];

/// Control messages that the supervisor can send.
#[derive(Debug, Default)]
pub(super) struct Control {
    /// As `sendmsg` takes them.
    pub(super) bytes: Vec<u8>,
    /// What stands in them by its number here.
    descriptors: Vec<OwnedFd>,
}

impl Control {
    /// Makes the caller's control messages the supervisor's own.
    pub(super) fn of(handles: &mut Handles, caller: &Caller<'_>, mut bytes: &[u8]) -> Result<Self, Errno> {
        let mut control = Self::default();
        while let Some((part, rest)) = next(bytes)? {
            match (part.level, part.kind) {
                (libc::SOL_SOCKET, libc::SCM_RIGHTS) => control.duplicate(handles, caller, part.data)?,
                kind if HARMLESS.contains(&kind) => control.push(kind, part.data),
                _ => return Err(Errno::EINVAL),
            }
            bytes = rest;
        }
        Ok(control)
    }

    fn duplicate(&mut self, handles: &mut Handles, caller: &Caller<'_>, data: &[u8]) -> Result<(), Errno> {
        let mut ours = Vec::new();
        for number in data.chunks_exact(size_of::<i32>()) {
            if self.descriptors.len() >= MOST_DESCRIPTORS {
                return Err(Errno::EINVAL);
            }
            let number = number.try_into().map(i32::from_ne_bytes).map_err(|_| Errno::EINVAL)?;
            let descriptor = handles.duplicate(caller, number)?;
            ours.extend(descriptor.as_raw_fd().to_ne_bytes());
            self.descriptors.push(descriptor);
        }
        self.push((libc::SOL_SOCKET, libc::SCM_RIGHTS), &ours);
        Ok(())
    }

    fn push(&mut self, (level, kind): (i32, i32), data: &[u8]) {
        self.bytes.extend((HEADER + data.len()).to_ne_bytes());
        self.bytes.extend(level.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(data);
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNED), 0);
    }
}

struct Part<'a> {
    level: i32,
    kind: i32,
    data: &'a [u8],
}

/// The first message and the bytes behind it; `None` if no header fits any more.
fn next(bytes: &[u8]) -> Result<Option<(Part<'_>, &[u8])>, Errno> {
    let Some((header, _)) = bytes.split_at_checked(HEADER) else { return Ok(None) };
    let word = |at: usize| header[at..at + 4].try_into().map(i32::from_ne_bytes).map_err(|_| Errno::EINVAL);
    let length = header[..8].try_into().map(u64::from_ne_bytes).map_err(|_| Errno::EINVAL)?;
    let length = usize::try_from(length).map_err(|_| Errno::EINVAL)?;
    // As the kernel's `CMSG_OK`.
    let data = bytes.get(HEADER..length).ok_or(Errno::EINVAL)?;
    let rest = bytes.get(length.next_multiple_of(ALIGNED)..).unwrap_or_default();
    Ok(Some((Part { level: word(8)?, kind: word(12)?, data }, rest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    fn message(length: u64, level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(level.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(data);
        bytes
    }

    fn translate(bytes: &[u8]) -> Result<Control, Errno> {
        let nobody = std::fs::File::open("/dev/null").expect("it exists");
        let caller = Caller { listener: nobody.as_fd(), thread: 0, id: 0 };
        Control::of(&mut Handles::default(), &caller, bytes)
    }

    #[test]
    fn what_is_harmless_is_passed_on_unchanged() {
        let mut bytes = message(20, 0, 1, &[1, 2, 3, 4]);
        bytes.resize(24, 0);
        bytes.extend(message(18, 17, 103, &[5, 6]));
        let control = translate(&bytes).expect("harmless");
        assert_eq!(&control.bytes[..42], &bytes[..42]);
        assert!(translate(&[]).expect("nothing").bytes.is_empty());
        assert!(translate(&[1; 15]).expect("too short to be one").bytes.is_empty());
    }

    #[test]
    fn routes_credentials_and_nonsense_are_not() {
        for bytes in [
            message(20, 0, 7, &[0; 4]),
            message(24, 41, 57, &[0; 8]),
            message(28, libc::SOL_SOCKET, libc::SCM_CREDENTIALS, &[0; 12]),
            message(0, 0, 1, &[]),
            message(15, 0, 1, &[]),
            message(u64::MAX, 0, 1, &[]),
            message(21, 0, 1, &[0; 4]),
        ] {
            assert_eq!(translate(&bytes).expect_err("refused"), Errno::EINVAL, "{bytes:?}");
        }
    }
}
