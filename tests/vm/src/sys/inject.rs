//! A system call in somebody else's name: the process is stopped where it waits in the kernel, and made to call.

use std::os::fd::RawFd;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

/// The length of the instruction `syscall`.
const SYSCALL: u64 = 2;

/// The instruction itself, as it lies in memory.
const INSTRUCTION: i64 = 0x050f;

/// Lets a process that waits in a system call, now or soon, close a descriptor.
pub(crate) fn close(process: Pid, descriptor: RawFd) -> Result<()> {
    for _ in 0..1000 {
        ptrace::attach(process).context("cannot attach")?;
        let stopped = waitpid(process, None)?;
        ensure!(matches!(stopped, WaitStatus::Stopped(..)), "it does not stop: {stopped:?}");
        let before = ptrace::getregs(process)?;
        let behind = before.rip - SYSCALL;
        if ptrace::read(process, behind as ptrace::AddressType)? & 0xffff == INSTRUCTION {
            return call_close(process, before, descriptor);
        }
        // It runs code of its own at this moment.
        ptrace::detach(process, None)?;
        std::thread::sleep(Duration::from_millis(2));
    }
    bail!("the process {process} is never met in a system call")
}

fn call_close(process: Pid, before: libc::user_regs_struct, descriptor: RawFd) -> Result<()> {
    let mut registers = before;
    // It stands behind the instruction that led into the kernel; no system call is to be restarted.
    registers.rip -= SYSCALL;
    registers.rax = libc::SYS_close as u64;
    registers.orig_rax = u64::MAX;
    registers.rdi = u64::try_from(descriptor)?;
    ptrace::setregs(process, registers)?;
    ptrace::step(process, None)?;
    let stepped = waitpid(process, None)?;
    ensure!(matches!(stepped, WaitStatus::Stopped(_, Signal::SIGTRAP)), "it does not step: {stepped:?}");
    let closed = ptrace::getregs(process)?.rax;
    ptrace::setregs(process, before)?;
    ptrace::detach(process, None)?;
    ensure!(closed == 0, "closing the descriptor {descriptor} failed: {}", closed.cast_signed());
    Ok(())
}
