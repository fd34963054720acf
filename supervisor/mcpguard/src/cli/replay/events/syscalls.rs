//! Denied system calls: what the profile and the network section say of them.

use audit::{Cause, Denial};
use policy::plan::SyscallProfile;

use super::words::hex;
use crate::cli::replay::judge::Judge;
use crate::cli::replay::verdict::Verdict;

/// The kernel's numbers of families (`include/linux/socket.h`), and of what is sent whole or as a stream.
const INTERNET: [u64; 2] = [2, 10];
const UNIX: u64 = 1;

/// How the profile words its reasons.
const NO_NETWORK: &str = "the policy grants no network";
const STRICT: &str = "the profile `strict`";

pub(super) fn verdict(judge: &Judge, denial: &Denial) -> Verdict {
    let plan = &judge.plan;
    let reason = denial.reason.as_deref().unwrap_or_default();
    let profile = judge.written("execution.seccomp");
    let network = plan.network.wants_ip();
    let denied = |rule| Verdict::denied(Cause::Syscall, rule);
    match denial.what.as_str() {
        "socket" => {
            let family = hex(denial.detail.as_deref().unwrap_or_default()).first().copied();
            let wanted = match family {
                Some(family) if INTERNET.contains(&family) => network,
                Some(UNIX) => network || !plan.network.unix_sockets.is_empty(),
                // Programs ask for the host's addresses this way, where there is a network.
                Some(16) => network,
                _ => false,
            };
            if wanted {
                maybe("sockets of some types and protocols exist under no policy")
            } else {
                denied(None)
            }
        }
        _ if reason == NO_NETWORK => {
            let wanted = network || !plan.network.unix_sockets.is_empty();
            if wanted { maybe("the network is open now, and addresses decide") } else { denied(None) }
        }
        "clone" | "clone3" | "fork" | "vfork" if reason.starts_with(STRICT) || denial.what == "clone" => {
            match plan.syscalls {
                SyscallProfile::Strict => denied(profile),
                SyscallProfile::Default => maybe("programs may be started now, if they are granted"),
            }
        }
        _ if reason.starts_with(STRICT) => match plan.syscalls {
            SyscallProfile::Strict => denied(profile),
            SyscallProfile::Default => Verdict::allowed().by(profile),
        },
        // Refused under every profile.
        _ => denied(profile),
    }
}

fn maybe(why: &str) -> Verdict {
    Verdict::unknown(why)
}
