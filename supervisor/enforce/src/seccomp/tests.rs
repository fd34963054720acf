//! The compiled filter is run by a small interpreter and held against the profile's own, slow meaning.

use std::collections::BTreeMap;
use std::fmt::Write;

use policy::plan::SyscallProfile;
use proptest::prelude::*;

use super::profile::DEFAULT;
use super::verdict::{EPERM, Width};
use super::{
    Action, Addresses, Instruction, Profile, Reporting, Sockets, arguments, compile, groups, network,
    refused, table,
};

const NATIVE: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };

/// Runs classic BPF as the kernel does on `struct seccomp_data`; no loops exist, so it ends.
fn run(program: &[Instruction], architecture: u32, number: u32, arguments: &[u64; 6]) -> u32 {
    let mut data = Vec::new();
    data.extend(number.to_le_bytes());
    data.extend(architecture.to_le_bytes());
    data.extend(0_u64.to_le_bytes());
    data.extend(arguments.iter().flat_map(|argument| argument.to_le_bytes()));
    let (mut at, mut accumulator) = (0_usize, 0_u32);
    loop {
        let Instruction { code, jump_true, jump_false, operand } = program[at];
        at += 1;
        let mut branch = |holds: bool| at += usize::from(if holds { jump_true } else { jump_false });
        match code {
            0x20 => {
                let offset = operand as usize;
                accumulator = u32::from_le_bytes(data[offset..offset + 4].try_into().expect("four bytes"));
            }
            0x54 => accumulator &= operand,
            0x05 => at += operand as usize,
            0x15 => branch(accumulator == operand),
            0x25 => branch(accumulator > operand),
            0x35 => branch(accumulator >= operand),
            0x06 => return operand,
            other => panic!("unknown instruction {other:#x}"),
        }
    }
}

fn expected(action: Action, reporting: Reporting) -> u32 {
    let errno = |errno: i32| libc::SECCOMP_RET_ERRNO | errno.cast_unsigned();
    match (action, reporting) {
        (Action::Allow, _) => libc::SECCOMP_RET_ALLOW,
        (Action::Kill, _) => libc::SECCOMP_RET_KILL_PROCESS,
        (Action::Lack(number), _) | (Action::Refuse(number), Reporting::Silent) => errno(number),
        (Action::Mediate, Reporting::Silent) => errno(EPERM),
        (Action::Refuse(_) | Action::Mediate, Reporting::Notify) => libc::SECCOMP_RET_USER_NOTIF,
    }
}

const ONLINE: Sockets =
    Sockets { tcp: true, udp: true, unix: true, routes: true, listens: true, addresses: Addresses::Kernel };

fn all_sockets() -> impl Iterator<Item = Sockets> {
    (0..64).map(|bits| Sockets {
        tcp: bits & 1 != 0,
        udp: bits & 2 != 0,
        unix: bits & 4 != 0,
        routes: bits & 8 != 0,
        addresses: if bits & 16 == 0 { Addresses::Kernel } else { Addresses::Gate },
        listens: bits & 32 != 0,
    })
}

fn all_profiles() -> impl Iterator<Item = Profile> {
    let profiles = [SyscallProfile::Default, SyscallProfile::Strict];
    profiles.into_iter().flat_map(|profile| all_sockets().map(move |sockets| Profile::new(profile, sockets)))
}

/// Values around everything that a rule compares with.
const INTERESTING: &[u64] = &[
    0,
    1,
    2,
    3,
    5,
    6,
    8,
    9,
    10,
    15,
    16,
    17,
    23,
    31,
    38,
    262,
    0x10,
    0x18,
    0x1000,
    0x540e,
    0x5411,
    0x5412,
    0x541c,
    0x2000,
    0x6000,
    0x8000,
    0x1_0000,
    0x2_0000,
    0x8_0001,
    0x1000_0000,
    0x2000_0000,
    0x5356_4d41,
    0x7e02_0000,
    0x8000_0000,
    0xffff_fffe,
    0xffff_ffff,
];

#[test]
fn the_filter_does_what_the_profile_says_for_every_call_and_every_pair_of_arguments() {
    for (profile, reporting) in all_profiles().zip([Reporting::Notify, Reporting::Silent].into_iter().cycle())
    {
        let program = compile(&profile, reporting).expect("compiles");
        for number in (0..600).chain([1024, 0x3fff_ffff]) {
            let argued =
                profile.decisions().get(&number).is_some_and(|decision| !decision.clauses.is_empty());
            let values = if argued { INTERESTING } else { &[0] };
            for (first, second) in
                values.iter().flat_map(|first| values.iter().map(move |second| (*first, *second)))
            {
                // The upper half of a register is the caller's to fill; the kernel reads the lower half of an `int`.
                let high = first | 0xdead_beef_0000_0000;
                for arguments in [
                    [first, second, 0, 0, 0, 0],
                    [high, second, 6, 0, first, 0],
                    [10, 1, high, second, second, 0],
                ] {
                    let wanted = expected(profile.decide(number, &arguments), reporting);
                    assert_eq!(
                        run(&program, NATIVE, number, &arguments),
                        wanted,
                        "call {number} with {arguments:x?}"
                    );
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn the_filter_does_what_the_profile_says(number in 0_u32..600, arguments: [u64; 6], tcp: bool, udp: bool, unix: bool, gate: bool) {
        let addresses = if gate { Addresses::Gate } else { Addresses::Kernel };
        let profile = Profile::new(SyscallProfile::Default, Sockets { tcp, udp, unix, routes: tcp, listens: tcp, addresses });
        let program = compile(&profile, Reporting::Notify).expect("compiles");
        let wanted = expected(profile.decide(number, &arguments), Reporting::Notify);
        prop_assert_eq!(run(&program, NATIVE, number, &arguments), wanted);
    }

    #[test]
    fn a_foreign_architecture_is_killed_whatever_it_asks(architecture: u32, number: u32, arguments: [u64; 6]) {
        prop_assume!(architecture != NATIVE);
        let program = compile(&Profile::new(SyscallProfile::Default, Sockets::default()), Reporting::Notify).expect("compiles");
        prop_assert_eq!(run(&program, architecture, number, &arguments), libc::SECCOMP_RET_KILL_PROCESS);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn x32_is_killed_whatever_it_asks(number in 0x4000_0000_u32.., arguments: [u64; 6]) {
        let program = compile(&Profile::new(SyscallProfile::Default, Sockets::default()), Reporting::Silent).expect("compiles");
        prop_assert_eq!(run(&program, NATIVE, number, &arguments), libc::SECCOMP_RET_KILL_PROCESS);
    }
}

/// A pointer is one whichever of its bits are set: an address above 4 GiB whose lower half is zero is an address.
#[test]
fn an_address_is_seen_by_all_its_bits() {
    let profile = Profile::new(SyscallProfile::Default, Sockets { addresses: Addresses::Gate, ..ONLINE });
    let program = compile(&profile, Reporting::Notify).expect("compiles");
    for call in [libc::SYS_sendto, libc::SYS_recvfrom] {
        let number = u32::try_from(call).expect("a call");
        let verdict = |pointer| run(&program, NATIVE, number, &[3, 0, 0, 0, pointer, 0]);
        assert_eq!(verdict(0), libc::SECCOMP_RET_ALLOW);
        for pointer in [1, 0xffff_ffff, 1 << 32, u64::MAX << 32, 1 << 63] {
            assert_eq!(verdict(pointer), libc::SECCOMP_RET_USER_NOTIF, "{pointer:#x}");
        }
    }
}

#[test]
fn a_silenced_filter_reports_nothing_and_allows_nothing_more() {
    let profile = Profile::new(SyscallProfile::Default, ONLINE);
    let mut program = compile(&profile, Reporting::Notify).expect("compiles");
    super::silence(&mut program);
    for number in 0..600 {
        let verdict = run(&program, NATIVE, number, &[0; 6]);
        assert_ne!(verdict, libc::SECCOMP_RET_USER_NOTIF);
        assert_eq!(verdict == libc::SECCOMP_RET_ALLOW, profile.decide(number, &[0; 6]) == Action::Allow);
    }
}

#[test]
fn every_known_call_stands_in_exactly_one_list() {
    let mut lists: BTreeMap<&str, u32> = table::all().map(|(name, _)| (name, 0)).collect();
    let grouped = groups::ALWAYS
        .iter()
        .chain([&groups::PROGRAMS, &groups::SOCKETS, &groups::LISTENING, &groups::NAMES])
        .chain(refused::REFUSED);
    let rules: Vec<_> = arguments::rules(SyscallProfile::Default)
        .into_iter()
        .chain(network::rules(Sockets::default()))
        .collect();
    for name in grouped.flat_map(|group| group.calls).copied().chain(rules.iter().map(|argued| argued.call)) {
        match lists.get_mut(name) {
            Some(count) => *count += 1,
            None if cfg!(target_arch = "x86_64") => panic!("`{name}` is not a system call"),
            // Other architectures lack the oldest calls.
            None => {}
        }
    }
    let wrong: Vec<_> = lists.iter().filter(|(_, count)| **count != 1).collect();
    assert!(wrong.is_empty(), "in no list, or in several: {wrong:?}");
}

#[test]
fn every_refusal_has_a_reason() {
    let profile = Profile::new(SyscallProfile::Strict, Sockets::default());
    for (name, number) in table::all() {
        if profile.decide(number, &[u64::MAX; 6]) != Action::Allow {
            assert!(super::reason(name).is_some(), "{name}");
        }
    }
}

#[test]
fn no_name_or_number_stands_twice() {
    let names: BTreeMap<_, _> = table::all().collect();
    let numbers: BTreeMap<_, _> = table::all().map(|(name, number)| (number, name)).collect();
    assert_eq!(names.len(), table::all().count());
    assert_eq!(numbers.len(), table::all().count());
}

/// What a reviewer reads: each call and what happens to it. Rewritten by `UPDATE_GOLDEN=1 cargo test`.
#[cfg(target_arch = "x86_64")]
#[test]
fn the_decision_table_is_the_reviewed_one() {
    let closed = Profile::new(SyscallProfile::Default, Sockets { routes: true, ..Sockets::default() });
    let strict = Profile::new(SyscallProfile::Strict, Sockets::default());
    let online = Profile::new(SyscallProfile::Default, Sockets { unix: false, ..ONLINE });
    let gated = Profile::new(SyscallProfile::Default, Sockets { addresses: Addresses::Gate, ..ONLINE });
    let mut table = String::from(
        "call: default without network | strict without network | default with network | with network and unix sockets, addresses judged by the supervisor\n",
    );
    let mut calls: Vec<_> = table::all().collect();
    calls.sort_by_key(|(_, number)| *number);
    for (name, number) in calls {
        let words = [&closed, &strict, &online, &gated].map(|profile| word(profile, number));
        writeln!(table, "{number:>3} {name}: {}", words.join(" | ")).expect("a string");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/syscalls.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &table).expect("writable");
    }
    assert_eq!(std::fs::read_to_string(path).expect("the golden file"), table);
}

fn word(profile: &Profile, number: u32) -> String {
    let decision = profile.decisions().get(&number);
    let otherwise = said(decision.map_or(DEFAULT, |decision| decision.otherwise));
    let mut words: Vec<String> = decision
        .iter()
        .flat_map(|decision| &decision.clauses)
        .map(|clause| {
            let tests: Vec<_> = clause
                .tests
                .iter()
                .map(|test| match test.mask {
                    _ if test.width == Width::Whole => format!("arg{}==null", test.argument),
                    u32::MAX => format!("arg{}=={:#x}", test.argument, test.value),
                    mask => format!("arg{}&{mask:#x}=={:#x}", test.argument, test.value),
                })
                .collect();
            format!("{} if {}", said(clause.then), tests.join(" and "))
        })
        .collect();
    words.push(otherwise);
    words.join(", ")
}

fn said(action: Action) -> String {
    match action {
        Action::Allow => "allow".to_owned(),
        Action::Kill => "kill".to_owned(),
        Action::Mediate => "mediate".to_owned(),
        Action::Refuse(EPERM) => "refuse".to_owned(),
        Action::Refuse(errno) => format!("refuse {}", nix::errno::Errno::from_raw(errno).desc()),
        Action::Lack(errno) => format!("lack {}", nix::errno::Errno::from_raw(errno).desc()),
    }
}

#[test]
fn the_filter_stays_short_because_its_length_is_start_up_time() {
    for profile in all_profiles() {
        let program = compile(&profile, Reporting::Notify).expect("compiles");
        assert!(program.len() < 800, "{} instructions", program.len());
    }
}
