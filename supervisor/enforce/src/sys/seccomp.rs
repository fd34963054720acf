//! Installing filters, and the reports of refused calls. Source: `seccomp(2)`, `seccomp_unotify(2)`.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

use super::check;
use crate::seccomp::Instruction;

/// `SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV` (Linux 5.19): once a report is read, only a fatal signal ends the wait,
/// so that a program's signal handlers do not repeat the report.
const WAIT_KILLABLE: libc::c_ulong = 1 << 5;

/// One report, in the supervisor's terms.
#[derive(Debug)]
pub(crate) struct Notification {
    pub(crate) id: u64,
    pub(crate) thread: i32,
    pub(crate) number: u32,
    pub(crate) arguments: [u64; 6],
}

/// Whether filters can be installed. A null program is refused as a bad address exactly where filters exist.
pub(crate) fn filters_available() -> bool {
    // SAFETY: the kernel reads the null pointer with `copy_from_user`, which fails with `EFAULT` and installs nothing.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            0,
            std::ptr::null::<libc::sock_fprog>(),
        )
    };
    check(result) == Err(Errno::EFAULT)
}

/// Whether refused calls can be reported (Linux 5.0).
pub(crate) fn notifications_available() -> bool {
    let action: u32 = libc::SECCOMP_RET_USER_NOTIF;
    // SAFETY: the kernel reads four bytes from a live `u32`.
    let result =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0, &raw const action) };
    check(result).is_ok()
}

/// Installs the filter for this thread, for good, and returns the descriptor of its reports.
///
/// Fails with `EBUSY` if another filter of this process already has a receiver.
pub(crate) fn install(program: &[Instruction], listen: Listen) -> Result<Option<OwnedFd>, Errno> {
    let Listen::Yes = listen else {
        return install_with(program, 0).map(|_| None);
    };
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    let result = match install_with(program, flags | WAIT_KILLABLE) {
        Err(Errno::EINVAL) => install_with(program, flags),
        other => other,
    };
    let descriptor = RawFd::try_from(result?).map_err(|_| Errno::EOVERFLOW)?;
    // SAFETY: with NEW_LISTENER the kernel returns a new descriptor that nobody else owns.
    Ok(Some(unsafe { OwnedFd::from_raw_fd(descriptor) }))
}

/// Whether a descriptor for reports is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    Yes,
    No,
}

fn install_with(program: &[Instruction], flags: libc::c_ulong) -> Result<libc::c_long, Errno> {
    let len = libc::c_ushort::try_from(program.len()).map_err(|_| Errno::E2BIG)?;
    let filter = program.as_ptr().cast::<libc::sock_filter>().cast_mut();
    let fprog = libc::sock_fprog { len, filter };
    // SAFETY: `Instruction` is `repr(C)` with the fields of `struct sock_filter`; the kernel copies `len` of them from a
    // live slice, writes nothing, and checks the program before it is used.
    check(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const fprog) })
}

const _: () = assert!(size_of::<Instruction>() == size_of::<libc::sock_filter>());

/// `_IOWR('!', nr, size)`, as `<linux/seccomp.h>` has it.
const fn request(number: libc::Ioctl, size: usize) -> libc::Ioctl {
    0xc000_2100 | ((size as libc::Ioctl) << 16) | number
}

const RECEIVE: libc::Ioctl = request(0, size_of::<libc::seccomp_notif>());
const ANSWER: libc::Ioctl = request(1, size_of::<libc::seccomp_notif_resp>());

/// Reads one report. Blocks if none waits: poll first.
pub(crate) fn receive_notification(listener: BorrowedFd<'_>) -> Result<Notification, Errno> {
    // SAFETY: the struct is plain integers, for which all zeroes is a value; the kernel demands that it is zeroed.
    let mut report: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    // SAFETY: the request's size is that of the struct, which lives and is written by nobody else.
    let result = unsafe { libc::ioctl(listener.as_raw_fd(), RECEIVE, &raw mut report) };
    check(result.into())?;
    Ok(Notification {
        id: report.id,
        thread: report.pid.cast_signed(),
        number: report.data.nr.cast_unsigned(),
        arguments: report.data.args,
    })
}

/// `_IOW('!', 2, __u64)`.
const CHECK: libc::Ioctl = 0x4008_2102;

/// Whether the caller still waits; `ENOENT` if not.
pub(crate) fn check_notification(listener: BorrowedFd<'_>, id: u64) -> Result<(), Errno> {
    // SAFETY: the kernel reads eight bytes from a live `u64`.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), CHECK, &raw const id) }.into()).map(|_| ())
}

/// Ends the reported call with this errno; 0 is success.
pub(crate) fn answer_notification(listener: BorrowedFd<'_>, id: u64, errno: i32) -> Result<(), Errno> {
    let mut answer = libc::seccomp_notif_resp { id, val: 0, error: -errno, flags: 0 };
    // SAFETY: the request's size is that of the struct, which lives and is written by nobody else.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), ANSWER, &raw mut answer) }.into()).map(|_| ())
}
