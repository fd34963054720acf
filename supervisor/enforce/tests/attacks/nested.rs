//! A supervisor inside another sandbox that already receives reports of refused calls.
#![expect(unsafe_code, reason = "the outer sandbox is made by the bare system call")]

use std::process::ExitCode;

use crate::sandbox::*;

/// Installs a filter with a receiver that allows everything, then guards a command and says how that came out.
pub(crate) fn supervise() -> ExitCode {
    enforce::become_subreaper().expect("Linux 3.4");
    let listener = outer_sandbox();
    assert!(listener >= 0, "the outer sandbox is refused");
    let udp = command(own_program(), &["attack", "send-udp", "1"]);
    let (guard, _pipes) = start(&runtime(), &udp).expect("starts");
    let unreported = guard.sealed().unreported;
    drop(guard);
    let ran = run(&runtime(), &udp).expect("runs");
    let refused = ran.stdout == libc::EPERM.to_string() && ran.denials.is_empty();
    println!("{}{}", if unreported { "unreported, " } else { "" }, if refused { "refused" } else { "open" });
    ExitCode::SUCCESS
}

fn outer_sandbox() -> i64 {
    const ALLOW: libc::sock_filter =
        libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW };
    let mut filter = [ALLOW];
    let program = libc::sock_fprog { len: 1, filter: filter.as_mut_ptr() };
    nix::sys::prctl::set_no_new_privs().expect("Linux 3.5");
    // SAFETY: the kernel copies one instruction from a live array.
    unsafe { libc::syscall(libc::SYS_seccomp, 1, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER, &raw const program) }
}
