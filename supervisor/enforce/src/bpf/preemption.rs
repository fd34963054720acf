//! Whether the kernel may interrupt one of its own tasks for another one: then `fmod_ret` programs are no guard.
//!
//! Such a program is not entered again on a processor where it is already running (`bpf_prog_enter_recur` in
//! `kernel/bpf/trampoline.c`): the call is skipped, and what it should have judged is allowed. On a kernel that preempts,
//! a few threads that open files are enough; 2,845 of 6,000 opens of a denied file succeeded on Debian's 7.2. LSM programs
//! have no such check. A kernel that preempts only on request, or never, does not preempt inside of a program.

use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// Where the kernel tells its mode, beneath debugfs (`kernel/sched/debug.c`, Linux 5.12).
const MODE: &str = "sched/preempt";

/// An error says why it cannot be ruled out.
pub(super) fn is_ruled_out() -> Result<(), String> {
    let version = nix::sys::utsname::uname().map_err(|errno| errno.desc().to_owned())?;
    let version = version.version().to_string_lossy().into_owned();
    if !version.contains("PREEMPT") {
        return Ok(());
    }
    match mode().as_deref() {
        Some("none" | "voluntary") => Ok(()),
        Some(mode) => Err(skips(&format!("this kernel's preemption is `{mode}`"))),
        None => Err(skips("this kernel does not tell its preemption mode")),
    }
}

fn skips(found: &str) -> String {
    format!(
        "{found}, so that it may skip programs in the way that works without `bpf` among the security modules \
         (fmod_ret); boot it with `bpf` in `lsm=`, or with `preempt=voluntary` where it has that"
    )
}

/// The word in parentheses: `none (voluntary) full`.
fn mode() -> Option<String> {
    let told =
        std::fs::read_to_string(Path::new("/sys/kernel/debug").join(MODE)).ok().or_else(ask_a_mount)?;
    active(&told).map(str::to_owned)
}

fn active(told: &str) -> Option<&str> {
    let (_, rest) = told.split_once('(')?;
    rest.split_once(')').map(|(mode, _)| mode)
}

/// Where debugfs is not mounted: mounted in a directory of our own, for as long as it takes to read.
fn ask_a_mount() -> Option<String> {
    let place = Path::new("/run").join(format!("mcpguard-debug-{}", std::process::id()));
    std::fs::create_dir(&place).ok()?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let told = mount(Some("debugfs"), &place, Some("debugfs"), flags, None::<&str>).ok().and_then(|()| {
        let told = std::fs::read_to_string(place.join(MODE)).ok();
        let _ = umount2(&place, MntFlags::MNT_DETACH);
        told
    });
    let _ = std::fs::remove_dir(&place);
    told
}

#[cfg(test)]
mod tests {
    use super::active;

    #[test]
    fn the_active_mode_stands_in_parentheses() {
        assert_eq!(active("none (voluntary) full \n"), Some("voluntary"));
        assert_eq!(active("(full) lazy"), Some("full"));
        assert_eq!(active("none voluntary full"), None);
        assert_eq!(active(""), None);
    }
}
