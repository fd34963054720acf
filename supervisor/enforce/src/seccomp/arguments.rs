//! The calls that depend on their arguments, apart from those about the network.
//!
//! Only scalar arguments are looked at: what a pointer points to can change between the check and the use.

use super::verdict::{Action, Clause, Decision, EPERM, Test};
use policy::plan::SyscallProfile;

const REFUSE: Action = Action::Refuse(EPERM);

/// A call, how its arguments decide, and why.
#[derive(Clone, Debug)]
pub(crate) struct Argued {
    /// The call's name.
    pub(crate) call: &'static str,
    /// Why it may not simply run.
    pub(crate) reason: &'static str,
    /// The decision.
    pub(crate) decision: Decision,
}

impl Argued {
    /// Runs only if one of the alternatives holds in all its tests.
    pub(crate) fn only(call: &'static str, reason: &'static str, alternatives: Vec<Vec<Test>>) -> Self {
        let clauses = clauses(alternatives, Action::Allow);
        Self { call, reason, decision: Decision { clauses, otherwise: REFUSE } }
    }

    /// Runs unless one of the alternatives holds in all its tests.
    pub(crate) fn never(call: &'static str, reason: &'static str, alternatives: Vec<Vec<Test>>) -> Self {
        let clauses = clauses(alternatives, REFUSE);
        Self { call, reason, decision: Decision { clauses, otherwise: Action::Allow } }
    }

    /// Is treated alike whatever its arguments.
    pub(crate) fn always(call: &'static str, reason: &'static str, action: Action) -> Self {
        Self { call, reason, decision: Decision::always(action) }
    }
}

fn clauses(alternatives: Vec<Vec<Test>>, then: Action) -> Vec<Clause> {
    alternatives.into_iter().map(|tests| Clause { tests, then }).collect()
}

/// Every `CLONE_NEW*` that `clone` takes (`CLONE_NEWTIME` overlaps the exit signal and is `clone3`'s alone).
const NEW_NAMESPACES: u32 = 0x7e02_0000;
/// `CLONE_PARENT`: the new process would be the supervisor's child.
const CLONE_PARENT: u32 = 0x8000;
/// `CLONE_THREAD`.
const CLONE_THREAD: u32 = 0x1_0000;
/// `MFD_NOEXEC_SEAL` (Linux 6.3; older kernels refuse the flag themselves) and `MFD_EXEC`.
const MFD_NOEXEC_SEAL: u32 = 0x8;
const MFD_EXEC: u32 = 0x10;
/// `AT_EMPTY_PATH`.
const AT_EMPTY_PATH: u32 = 0x1000;
/// The file type in a mode, and the two types that stand for hardware.
const FILE_TYPE: u32 = 0o170_000;
const CHARACTER_DEVICE: u32 = 0o020_000;
const BLOCK_DEVICE: u32 = 0o060_000;

/// The rules; they depend on the profile only in that `strict` lets `clone` make nothing but threads.
pub(crate) fn rules(profile: SyscallProfile) -> Vec<Argued> {
    vec![
        clone_rule(profile),
        Argued::always(
            "clone3",
            "its flags lie in memory; C libraries fall back to `clone`",
            Action::Lack(libc::ENOSYS),
        ),
        Argued::never(
            "execveat",
            "executes an open file that has no path, past Landlock (memfd)",
            vec![vec![Test::masked(4, AT_EMPTY_PATH, AT_EMPTY_PATH)]],
        ),
        Argued::only(
            "memfd_create",
            "a file without a path could be executed; with MFD_NOEXEC_SEAL it cannot",
            vec![vec![Test::masked(1, MFD_NOEXEC_SEAL | MFD_EXEC, MFD_NOEXEC_SEAL)]],
        ),
        Argued::never(
            "ioctl",
            "turns a terminal against its user, or signals other processes through a descriptor",
            one_of(1, TERMINAL_REQUESTS),
        ),
        Argued::never("fcntl", "signals other processes through a descriptor", one_of(1, OWNERS)),
        Argued::only(
            "prctl",
            "only what runtimes use of the process's own settings",
            one_of(0, OWN_SETTINGS),
        ),
        Argued::only(
            "personality",
            "only Linux as it is, or the question which one it is",
            one_of(0, &[0, u32::MAX]),
        ),
        Argued::only("prlimit64", "limits of other processes are theirs", one_of(0, &[0])),
        Argued::never("mknod", "devices are the machine's", devices(1)),
        Argued::never("mknodat", "devices are the machine's", devices(2)),
        Argued::always("chmod", MODES, Action::Mediate),
        Argued::always("fchmod", MODES, Action::Mediate),
        Argued::always("fchmodat", MODES, Action::Mediate),
        Argued::always("fchmodat2", MODES, Action::Mediate),
        own_schedule("sched_setaffinity"),
        own_schedule("sched_setparam"),
        own_schedule("sched_setscheduler"),
        own_schedule("sched_setattr"),
        Argued::only("setpriority", SCHEDULE, vec![vec![Test::is(0, 0), Test::is(1, 0)]]),
        Argued::only("ioprio_set", SCHEDULE, vec![vec![Test::is(0, 1), Test::is(1, 0)]]),
    ]
}

fn clone_rule(profile: SyscallProfile) -> Argued {
    let (mask, value) = match profile {
        SyscallProfile::Default => (NEW_NAMESPACES | CLONE_PARENT, 0),
        SyscallProfile::Strict => (NEW_NAMESPACES | CLONE_PARENT | CLONE_THREAD, CLONE_THREAD),
    };
    Argued::only(
        "clone",
        "no new namespace, no child of somebody else; under `strict` threads only",
        vec![vec![Test::masked(0, mask, value)]],
    )
}

const MODES: &str =
    "modes of files change only where the policy lets the server write, and never to set-user-id";

const SCHEDULE: &str = "the scheduling of other processes is not the server's";

fn own_schedule(call: &'static str) -> Argued {
    Argued::only(call, SCHEDULE, one_of(0, &[0]))
}

fn devices(mode: u8) -> Vec<Vec<Test>> {
    [CHARACTER_DEVICE, BLOCK_DEVICE].map(|kind| vec![Test::masked(mode, FILE_TYPE, kind)]).to_vec()
}

/// One alternative for each value of the argument.
fn one_of(argument: u8, values: &[u32]) -> Vec<Vec<Test>> {
    values.iter().map(|value| vec![Test::is(argument, *value)]).collect()
}

/// Requests that reach through a terminal to the person in front of it (CVE-2017-5226, CVE-2019-10063).
/// The kernel reads 32 bits of the request, so do we.
const TERMINAL_REQUESTS: &[u32] = &[
    0x5412, // TIOCSTI: types into the terminal
    0x541c, // TIOCLINUX: pastes into a virtual console
    0x5423, // TIOCSETD: changes the line discipline
    0x541d, // TIOCCONS: takes over the console's output
    0x540e, // TIOCSCTTY: makes a terminal the controlling one
    0x5437, // TIOCVHANGUP: hangs up everybody on the terminal
    0x8901, // FIOSETOWN: who is signalled when a descriptor is ready
    0x8902, // SIOCSPGRP: the same for sockets
];

/// Commands of `fcntl` that choose who is signalled, and with what, when a descriptor is ready: another process of the
/// user could be killed so. No hook of the eBPF layer sees it, and Landlock does from ABI 6 on only.
const OWNERS: &[u32] = &[
    8,  // F_SETOWN
    10, // F_SETSIG
    15, // F_SETOWN_EX
];

/// Options of `prctl` that a runtime uses about itself; each is harmless to others.
const OWN_SETTINGS: &[u32] = &[
    15,          // PR_SET_NAME
    16,          // PR_GET_NAME
    0x5356_4d41, // PR_SET_VMA: names memory, as Go and V8 do
    1,           // PR_SET_PDEATHSIG
    2,           // PR_GET_PDEATHSIG
    3,           // PR_GET_DUMPABLE
    4,           // PR_SET_DUMPABLE
    7,           // PR_GET_KEEPCAPS
    21,          // PR_GET_SECCOMP
    23,          // PR_CAPBSET_READ
    27,          // PR_GET_SECUREBITS
    29,          // PR_SET_TIMERSLACK
    30,          // PR_GET_TIMERSLACK
    36,          // PR_SET_CHILD_SUBREAPER: only within the tree
    37,          // PR_GET_CHILD_SUBREAPER
    38,          // PR_SET_NO_NEW_PRIVS
    39,          // PR_GET_NO_NEW_PRIVS
    41,          // PR_SET_THP_DISABLE: Go
    42,          // PR_GET_THP_DISABLE
    52,          // PR_GET_SPECULATION_CTRL
    65,          // PR_SET_MDWE: forbids itself writable code
    66,          // PR_GET_MDWE
    78,          // PR_FUTEX_HASH: glibc
];
