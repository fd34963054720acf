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

/// Flags that ask for a receiver of reports which no signal of the caller's disturbs.
pub(super) const KILLABLE_LISTENER: libc::c_ulong = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | WAIT_KILLABLE;

/// The program as the kernel wants to be told of it. It points to the slice.
pub(super) fn program_header(program: &[Instruction]) -> Result<libc::sock_fprog, Errno> {
    let len = libc::c_ushort::try_from(program.len()).map_err(|_| Errno::E2BIG)?;
    Ok(libc::sock_fprog { len, filter: program.as_ptr().cast::<libc::sock_filter>().cast_mut() })
}

fn install_with(program: &[Instruction], flags: libc::c_ulong) -> Result<libc::c_long, Errno> {
    let fprog = program_header(program)?;
    // SAFETY: `Instruction` is `repr(C)` with the fields of `struct sock_filter`; the kernel copies `len` of them from a
    // live slice, writes nothing, and checks the program before it is used.
    check(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const fprog) })
}

const _: () = assert!(size_of::<Instruction>() == size_of::<libc::sock_filter>());

/// `_IOWR('!', nr, size)`, as `<linux/seccomp.h>` has it.
const fn request(number: libc::Ioctl, size: usize) -> libc::Ioctl {
    // The type is signed with musl, where the highest bit makes the number negative; the kernel looks at the bits.
    0xc000_2100_u32 as libc::Ioctl | ((size as libc::Ioctl) << 16) | number
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
    answer(listener, libc::seccomp_notif_resp { id, val: 0, error: -errno, flags: 0 })
}

/// Ends the reported call with this result, which is not negative.
pub(crate) fn answer_with(listener: BorrowedFd<'_>, id: u64, val: i64) -> Result<(), Errno> {
    answer(listener, libc::seccomp_notif_resp { id, val, error: 0, flags: 0 })
}

fn answer(listener: BorrowedFd<'_>, mut answer: libc::seccomp_notif_resp) -> Result<(), Errno> {
    // SAFETY: the request's size is that of the struct, which lives and is written by nobody else.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), ANSWER, &raw mut answer) }.into()).map(|_| ())
}

/// `_IOW('!', 4, __u64)`.
const SET_FLAGS: libc::Ioctl = 0x4008_2104;
/// `SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP`.
const SYNC_WAKE_UP: libc::c_ulong = 1;

/// On which processor those who report and those who answer wake each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waking {
    /// On their own: they take turns, and neither has anything to do meanwhile.
    InTurn,
    /// On any, as the kernel does unless it is told otherwise.
    Anywhere,
}

/// Chooses how reporters and receiver wake each other (Linux 6.6). `EINVAL` on older kernels.
pub(crate) fn set_waking(listener: BorrowedFd<'_>, waking: Waking) -> Result<(), Errno> {
    let flags = if waking == Waking::InTurn { SYNC_WAKE_UP } else { 0 };
    // SAFETY: the request takes its flags by value; no pointers.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), SET_FLAGS, flags) }.into()).map(|_| ())
}
