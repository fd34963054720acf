//! What the kernel told, in the words of the protocol; and what clients teach, in the kernel's layout.

use std::os::unix::ffi::OsStrExt;

use abi::{Learned, Learning};
use control::message::{self, Grant, Hooks, KernelEvent, NetworkPeer, Offered, Resources, SeenPath};
use control::{OsBytes, SessionId};
use enforce::cgroup::GroupEvents;
use enforce::keeper::Key;
use policy::{Ebpf, HookWay};

use crate::daemon::wire::Offer;

/// A session's id.
pub(super) fn id(key: Key) -> SessionId {
    // Sixteen hexadecimal digits are always one.
    SessionId::new(key.to_string()).unwrap_or_else(|_| unreachable!("a key has sixteen digits"))
}

/// The session that an id means.
pub(super) fn key(id: &SessionId) -> Option<Key> {
    u64::from_str_radix(id.as_str(), 16).ok().map(Key)
}

/// One denial.
pub(super) fn event(event: &enforce::KernelEvent) -> KernelEvent {
    let number = |process: enforce::Pid| process.as_raw().cast_unsigned();
    let enforce::KernelEvent { sequence, active, call, rule, access, .. } = *event;
    KernelEvent {
        sequence,
        at_ns: u64::try_from(event.at.as_nanos()).unwrap_or(u64::MAX),
        active,
        call,
        process: number(event.process),
        thread: number(event.thread),
        name: bytes(event.name.as_bytes()),
        kind: kind(event.kind),
        action: match event.action {
            abi::Action::Denied => message::Action::Denied,
            abi::Action::Killed => message::Action::Killed,
        },
        reason: reason(event.reason),
        rule,
        access,
        path: event
            .path
            .as_ref()
            .map(|seen| SeenPath { path: bytes(seen.path.as_os_str().as_bytes()), complete: seen.complete }),
        peer: event.peer.map(|peer| NetworkPeer { address: peer.address, protocol: peer.protocol }),
    }
}

/// The kernel ends names and paths at a zero byte, and knows no longer ones.
fn bytes(bytes: &[u8]) -> OsBytes {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let end = end.min(control::MAX_ARGUMENT - 1);
    OsBytes::new(&bytes[..end]).unwrap_or_else(|_| unreachable!("it is short and has no zero byte"))
}

/// What was attempted.
pub(super) fn kind(kind: abi::EventKind) -> message::EventKind {
    use abi::EventKind as Kernel;
    use message::EventKind as Word;
    match kind {
        Kernel::Open => Word::Open,
        Kernel::Exec => Word::Exec,
        Kernel::MapCode => Word::MapCode,
        Kernel::Create => Word::Create,
        Kernel::Remove => Word::Remove,
        Kernel::Rename => Word::Rename,
        Kernel::Link => Word::Link,
        Kernel::Truncate => Word::Truncate,
        Kernel::Attributes => Word::Attributes,
        Kernel::Receive => Word::Receive,
        Kernel::Connect => Word::Connect,
        Kernel::Send => Word::Send,
        Kernel::Bind => Word::Bind,
        Kernel::Socket => Word::Socket,
        Kernel::Unix => Word::Unix,
        Kernel::Trace => Word::Trace,
        Kernel::Signal => Word::Signal,
        Kernel::Mount => Word::Mount,
        Kernel::Bpf => Word::Bpf,
        Kernel::Namespace => Word::Namespace,
        Kernel::Fork => Word::Fork,
        Kernel::Escape => Word::Escape,
        Kernel::Packet => Word::Packet,
        Kernel::Uring => Word::Uring,
    }
}

fn reason(reason: abi::Reason) -> message::Reason {
    use abi::Reason as Kernel;
    use message::Reason as Word;
    match reason {
        Kernel::NotGranted => Word::NotGranted,
        Kernel::Name => Word::Name,
        Kernel::Rate => Word::Rate,
        Kernel::Unresolvable => Word::Unresolvable,
        Kernel::Kind => Word::Kind,
        Kernel::WritableCode => Word::WritableCode,
        Kernel::OnTheWay => Word::OnTheWay,
        Kernel::Orphan => Word::Orphan,
        Kernel::Escape => Word::Escape,
        Kernel::Foreign => Word::Foreign,
        Kernel::Internal => Word::Internal,
    }
}

/// What the control group's limits have done.
pub(super) fn resources(events: &GroupEvents) -> Resources {
    let GroupEvents { oom_kills, oom, pids_max_hits, cpu_throttled_periods, cpu_throttled } = events.clone();
    let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Resources {
        oom_kills,
        oom,
        processes_refused: pids_max_hits,
        cpu_throttled_periods,
        cpu_throttled_us: cpu_throttled.map(micros),
    }
}

/// What is learned about an address. The protocol has no more grants than the kernel's table.
pub(super) fn learned(grants: &[Grant]) -> Learned {
    let mut learned = Learned::default();
    for (Grant { classes, until_ns, rule, checked }, to) in grants.iter().zip(&mut learned.grants) {
        let (classes, until_ns, rule) = (classes.get(), *until_ns, *rule);
        *to = Learning { classes, until_ns, rule, checked: u32::from(*checked) };
    }
    learned
}

/// How the programs stand on the security hooks.
pub(super) fn hooks(ebpf: &Ebpf) -> Hooks {
    match ebpf.hooks {
        Some(HookWay::Lsm) => Hooks::Lsm,
        Some(HookWay::FmodRet) => Hooks::FmodRet,
        None => Hooks::Absent,
    }
}

/// What is enforced for a session that is opened now.
pub(super) fn offered(offer: &Offer) -> Offered {
    let (ebpf, cgroup) = (offer.ebpf(), offer.cgroup());
    Offered {
        hooks: hooks(&ebpf),
        hooks_missing: ebpf.hooks_missing,
        network: ebpf.network,
        network_missing: ebpf.network_missing,
        group: cgroup.identity,
        memory: cgroup.memory,
        cpu: cgroup.cpu,
        processes: cgroup.processes,
        group_missing: cgroup.missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_and_an_id_are_the_same() {
        for number in [0, 1, 0xab, u64::MAX] {
            assert_eq!(key(&id(Key(number))), Some(Key(number)));
        }
    }

    #[test]
    fn every_kind_and_reason_has_a_word_of_its_own() {
        let kinds: std::collections::BTreeSet<_> = abi::EventKind::ALL.into_iter().map(kind).collect();
        assert_eq!(kinds.len(), abi::EventKind::ALL.len());
        let reasons: std::collections::BTreeSet<_> = abi::Reason::ALL.into_iter().map(reason).collect();
        assert_eq!(reasons.len(), abi::Reason::ALL.len());
    }

    #[test]
    fn grants_become_the_kernels_layout() {
        let grant = |classes: u64, checked| Grant {
            classes: classes.try_into().unwrap(),
            until_ns: 5,
            rule: 7,
            checked,
        };
        let learned = learned(&[grant(1, true), grant(6, false)]);
        let [first, second, third, _] = learned.grants;
        assert_eq!((first.classes, first.until_ns, first.rule, first.checked), (1, 5, 7, 1));
        assert_eq!((second.classes, second.checked), (6, 0));
        assert_eq!(third, Learning::default());
    }
}
