//! Landlock beyond what the crate `landlock` knows: the kernel's version, and the UDP rights of ABI 10 (Linux 7.2).
//! Source: `Documentation/userspace-api/landlock.rst`, `include/uapi/linux/landlock.h`.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

use super::check;

const CREATE_RULESET_VERSION: u32 = 1;
const RULE_PATH_BENEATH: u32 = 1;
const RULE_NET_PORT: u32 = 2;
/// `LANDLOCK_ACCESS_FS_REFER`, ABI 2. A ruleset that does not handle it denies it all the same.
const REFER: u64 = 1 << 13;
/// `LANDLOCK_ACCESS_NET_BIND_UDP`, ABI 10.
const BIND_UDP: u64 = 1 << 2;
/// `LANDLOCK_ACCESS_NET_CONNECT_SEND_UDP`, ABI 10.
const CONNECT_SEND_UDP: u64 = 1 << 3;

/// The first fields of `struct landlock_ruleset_attr`; the kernel takes older, shorter forms of it.
#[repr(C)]
struct RulesetAttributes {
    handled_access_fs: u64,
    handled_access_net: u64,
}

#[repr(C, packed)]
struct PathAttributes {
    allowed_access: u64,
    parent_fd: RawFd,
}

#[repr(C)]
struct PortAttributes {
    allowed_access: u64,
    port: u64,
}

/// The kernel's Landlock ABI; 0 if Landlock is absent or disabled.
pub(crate) fn abi() -> u32 {
    let none = std::ptr::null::<RulesetAttributes>();
    // SAFETY: with the version flag the kernel takes exactly a null pointer and size 0, and creates nothing.
    let result =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, 0_usize, CREATE_RULESET_VERSION) };
    check(result).ok().and_then(|abi| u32::try_from(abi).ok()).unwrap_or(0)
}

/// Lets this thread send UDP to these ports only, from any free port, for good. Needs ABI 10 and `no_new_privs`.
///
/// Files are the business of another ruleset, and this one must say so: without its rule for `root`, the directory `/`,
/// nothing could be linked or renamed into another directory any more.
pub(crate) fn restrict_udp(ports: &[u16], root: BorrowedFd<'_>) -> Result<(), Errno> {
    let attributes =
        RulesetAttributes { handled_access_fs: REFER, handled_access_net: BIND_UDP | CONNECT_SEND_UDP };
    let size = size_of::<RulesetAttributes>();
    // SAFETY: the kernel reads `size` bytes from a live struct.
    let result = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const attributes, size, 0) };
    let number = RawFd::try_from(check(result)?).map_err(|_| Errno::EOVERFLOW)?;
    // SAFETY: nobody else owns the descriptor that the kernel just made.
    let ruleset = unsafe { OwnedFd::from_raw_fd(number) };
    let ruleset = std::os::fd::AsFd::as_fd(&ruleset);
    allow_beneath(ruleset, REFER, root)?;
    for port in ports {
        allow_port(ruleset, CONNECT_SEND_UDP, u64::from(*port))?;
    }
    if !ports.is_empty() {
        // A socket that sends without a bind takes a free port, which Landlock names port 0.
        allow_port(ruleset, BIND_UDP, 0)?;
    }
    // SAFETY: no pointers; the ruleset is a live descriptor.
    check(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) }).map(|_| ())
}

fn allow_beneath(ruleset: BorrowedFd<'_>, allowed_access: u64, parent: BorrowedFd<'_>) -> Result<(), Errno> {
    let rule = PathAttributes { allowed_access, parent_fd: parent.as_raw_fd() };
    // SAFETY: the kernel reads one `landlock_path_beneath_attr` from a live struct of that layout.
    let result = unsafe {
        libc::syscall(libc::SYS_landlock_add_rule, ruleset.as_raw_fd(), RULE_PATH_BENEATH, &raw const rule, 0)
    };
    check(result).map(|_| ())
}

fn allow_port(ruleset: BorrowedFd<'_>, allowed_access: u64, port: u64) -> Result<(), Errno> {
    let rule = PortAttributes { allowed_access, port };
    // SAFETY: the kernel reads one `landlock_net_port_attr` from a live struct of that layout.
    let result = unsafe {
        libc::syscall(libc::SYS_landlock_add_rule, ruleset.as_raw_fd(), RULE_NET_PORT, &raw const rule, 0)
    };
    check(result).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On an older kernel the rights are unknown, and that must be an error: nothing is dropped silently.
    #[test]
    fn rights_that_the_kernel_lacks_are_an_error() {
        let root = std::fs::File::open("/").expect("a root");
        if abi() < 10 {
            assert_eq!(
                restrict_udp(&[53], std::os::fd::AsFd::as_fd(&root)),
                Err(if abi() == 0 { Errno::EOPNOTSUPP } else { Errno::EINVAL })
            );
        }
    }
}
