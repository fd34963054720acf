//! A process's own settings. Source: `prctl(2)`, `sigaction(2)`, `sched(7)`.

use std::ffi::CStr;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{ForkResult, Pid};

use super::check;

/// Whether this process has exactly one thread: then nobody else can hold a lock, and nobody can start another thread
/// while this one looks. `false` if it cannot be told.
pub(crate) fn has_one_thread() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}

/// Runs `stage` in a child process, which exits with the code that `stage` returns. Give it only to a process with
/// [one thread](has_one_thread).
pub(crate) fn fork(stage: impl FnOnce() -> u8) -> Result<Pid, Errno> {
    // SAFETY: no other thread exists, so the child's memory is consistent and every lock in it is free; it may allocate
    // (fork(2), signal-safety(7)). It never returns into the caller's code: it ends by `_exit`, which runs no destructor
    // and flushes no buffer of the parent's.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            // A panic must not unwind into the parent's code.
            let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(stage)).unwrap_or(125);
            // SAFETY: `_exit` takes a number and does not return.
            unsafe { libc::_exit(code.into()) }
        }
    }
}

/// Runs `stage` in a child process, as [`fork`] does, but in a process that may have more threads. The stage allocates
/// nothing, takes no lock and does not panic: it makes system calls only.
pub(crate) fn fork_beside_threads(stage: impl FnOnce() -> u8) -> Result<Pid, Errno> {
    // SAFETY: the child has one thread, and locks that others held stay locked in it; the stage uses none, as its caller
    // promises (signal-safety(7)). It never returns into the caller's code: it ends by `_exit`.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let code = stage();
            // SAFETY: `_exit` takes a number and does not return.
            unsafe { libc::_exit(code.into()) }
        }
    }
}

/// Runs `stage` in a process that is no child of this one, but of this one's parent, and ends as its other children do. This
/// process has one thread.
pub(crate) fn fork_for_parent(stage: impl FnOnce() -> u8) -> Result<Pid, Errno> {
    let flags = libc::c_long::from(libc::CLONE_PARENT | libc::SIGCHLD);
    let none: libc::c_long = 0;
    // SAFETY: without a stack and shared memory it does what `fork` does, but for the parent (clone(2)); the C library keeps
    // nothing of it, and the stage makes system calls only, as in `fork_beside_threads`.
    match check(unsafe { libc::syscall(libc::SYS_clone, flags, none, none, none, none) })? {
        0 => {
            let code = stage();
            // SAFETY: `_exit` takes a number and does not return.
            unsafe { libc::_exit(code.into()) }
        }
        process => i32::try_from(process).map(Pid::from_raw).map_err(|_| Errno::EOVERFLOW),
    }
}

/// Executes a program with one argument and no environment, without allocating; returns only if that failed.
pub(crate) fn execute(program: &CStr, argument: &CStr) -> Errno {
    let arguments = [program.as_ptr(), argument.as_ptr(), std::ptr::null()];
    let environment = [std::ptr::null::<libc::c_char>()];
    // SAFETY: both arrays end with a null pointer, and what they point to lives.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    Errno::last()
}

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

/// This child dies with its parent from now on. `false`: the parent, which forked it, has ended before this, so that nobody
/// will signal it.
pub(crate) fn dies_with(parent: Pid) -> bool {
    parent_death_signal().is_ok() && nix::unistd::getppid() == parent
}

/// Being uid 0 gives no capability any more, not even to a program that is executed. Needs `CAP_SETPCAP`.
pub(crate) fn close_secure_bits() -> Result<(), Errno> {
    // SAFETY: no pointers.
    check(unsafe { libc::prctl(libc::PR_SET_SECUREBITS, SECURE_BITS, 0, 0, 0) }.into()).map(|_| ())
}

/// This thread, and those that it starts from now on, go before all that have no real-time priority. Where the kernel has
/// none to give to its control group, they go first among the others.
pub(crate) fn goes_first() -> Result<(), Errno> {
    // `struct sched_param` of the kernel; musl's own function says no, because it is meant for threads (sched_setscheduler(3p)).
    let lowest: libc::c_int = 1;
    // SAFETY: the kernel reads one number that lives; 0 is the calling thread.
    let first =
        check(unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, libc::SCHED_RR, &raw const lowest) });
    // SAFETY: three numbers; 0 is the calling thread.
    let among_others = |_| check(unsafe { libc::syscall(libc::SYS_setpriority, libc::PRIO_PROCESS, 0, -20) });
    first.or_else(among_others).map(|_| ())
}
