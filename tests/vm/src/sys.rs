//! The system calls that no crate wraps safely: the only unsafe code of the guest.
#![expect(unsafe_code, reason = "raw system calls; every block says why it is sound")]

pub(crate) mod bpf_objects;
pub(crate) mod descriptors;
pub(crate) mod inject;
pub(crate) mod memory;
pub(crate) mod process;
pub(crate) mod ring;

use nix::errno::Errno;

/// An argument of a raw system call.
pub(crate) enum Argument {
    /// A number.
    Number(u64),
    /// Memory of ours, by address: the kernel may read and write as much as there is.
    Memory(Vec<u8>),
}

/// Calls that change the memory or the threads of this process behind the compiler's back.
const FORBIDDEN: &[libc::c_long] = &[
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_brk,
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_arch_prctl,
    libc::SYS_set_robust_list,
    libc::SYS_shmat,
];

/// A raw system call, as an attacker makes it. The memory is given back as the kernel left it.
///
/// # Errors
/// The kernel's; `ENOTSUP` for a call that this process would not survive in good order.
pub(crate) fn call(number: libc::c_long, arguments: &mut [Argument]) -> Result<i64, Errno> {
    if FORBIDDEN.contains(&number) || arguments.len() > 6 {
        return Err(Errno::ENOTSUP);
    }
    let mut words = [0_u64; 6];
    for (word, argument) in words.iter_mut().zip(arguments) {
        *word = match argument {
            Argument::Number(number) => *number,
            Argument::Memory(bytes) => bytes.as_mut_ptr() as u64,
        };
    }
    let [a, b, c, d, e, f] = words;
    // SAFETY: the pointers are to live buffers that nobody else refers to, and this program acts in a process of its
    // own that does nothing else; calls that remap memory or replace handlers were refused above. A buffer shorter than
    // what the kernel writes would be the fault of the attack that is written in the case; each gives whole structures.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result == -1 { Err(Errno::last()) } else { Ok(result) }
}

/// Landlock's ABI (`LANDLOCK_CREATE_RULESET_VERSION`, landlock_create_ruleset(2)); 0 where it is absent or disabled.
pub(crate) fn landlock_abi() -> u32 {
    const VERSION: u64 = 1;
    let asked = [Argument::Number(0), Argument::Number(0), Argument::Number(VERSION)];
    let mut arguments = asked;
    call(libc::SYS_landlock_create_ruleset, &mut arguments)
        .ok()
        .and_then(|abi| u32::try_from(abi).ok())
        .unwrap_or(0)
}

/// The time stamp counter. Under QEMU's `-icount shift=0` it counts the instructions of the machine.
pub(crate) fn ticks() -> u64 {
    // SAFETY: `rdtsc` reads a register and has no other effect; user space may execute it (CR4.TSD is clear on Linux).
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Writes a byte to an I/O port.
///
/// # Errors
/// The kernel's; `EPERM` where it is locked down.
pub(crate) fn write_port(port: u16, value: u8) -> Result<(), Errno> {
    call(libc::SYS_ioperm, &mut [Argument::Number(port.into()), Argument::Number(1), Argument::Number(1)])?;
    // SAFETY: the kernel has just allowed this port to this thread; the instruction touches no memory of ours.
    unsafe {
        core::arch::asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack, preserves_flags))
    };
    Ok(())
}
