//! A process's own settings. Source: `prctl(2)`, `sigaction(2)`.

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};

use super::check;

/// `SECBIT_NOROOT`, `NO_SETUID_FIXUP`, `NO_CAP_AMBIENT_RAISE`, each with its lock, and the lock of `KEEP_CAPS`.
const SECURE_BITS: libc::c_ulong = 0xef;

/// Lets every signal do what it does by default and blocks none: what is ignored or blocked survives `execve`.
///
/// The system call is made directly, because the C library keeps two signals to itself and leaves them as they were.
pub(crate) fn reset_signals() -> Result<(), Errno> {
    const HIGHEST: i32 = 64;
    for signal in (1..=HIGHEST).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP].contains(signal)) {
        // `struct sigaction` of the kernel, all zeroes: the default action, no flags, nothing blocked.
        let default = [0_u64; 4];
        let (unwanted, mask_size) = (std::ptr::null::<u64>(), size_of::<u64>());
        // SAFETY: the kernel reads one `struct sigaction` (at most four words) from a live array and runs no code of ours.
        let result =
            unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), unwanted, mask_size) };
        check(result)?;
    }
    SigSet::empty().thread_set_mask()
}

/// This process gets `SIGKILL` when the thread that started it ends (`PR_SET_PDEATHSIG`).
pub(crate) fn parent_death_signal() -> Result<(), Errno> {
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)
}

/// Being uid 0 gives no capability any more, not even to a program that is executed. Needs `CAP_SETPCAP`.
pub(crate) fn close_secure_bits() -> Result<(), Errno> {
    // SAFETY: no pointers.
    check(unsafe { libc::prctl(libc::PR_SET_SECUREBITS, SECURE_BITS, 0, 0, 0) }.into()).map(|_| ())
}
