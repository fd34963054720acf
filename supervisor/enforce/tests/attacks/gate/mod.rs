//! The network where the supervisor decides about addresses, which it does without root: every way is first gone bare, and
//! then under the guard, where it works the same or is denied. As root the tests leave eBPF out.

mod doors;
mod programs;
mod scene;
mod sessions;

use std::process::{Command as Process, Stdio};
use std::sync::LazyLock;

use enforce::Attempt;
use policy::plan::{AbsolutePath, RuleId, UnixSocketRule};
use policy::{Plan, Support};

use crate::Test;
use crate::attacker::{REFUSED, THROUGH};
use crate::sandbox::*;
use scene::{SHUT, Scene};
pub(crate) use sessions::supervise;

/// A host without eBPF.
pub(crate) static SUPPORT: LazyLock<Support> = LazyLock::new(|| {
    // As the real supervisor, before it asks the kernel for anything.
    enforce::harden_supervisor().expect("Linux 2.4");
    let mut support = enforce::probe();
    assert!(support.seccomp_gate, "this kernel must let the supervisor carry calls out");
    (support.ebpf, support.cgroup) = Default::default();
    support
});

static SCENE: LazyLock<Scene> = LazyLock::new(Scene::set);

/// How it ends under the guard.
#[derive(Clone, Copy, Debug)]
enum End {
    /// As without it, in every word.
    Same,
    /// It fails with `EPERM` and this record, and nothing comes to the host that is shut.
    Denied(Attempt),
    /// It ends well, and nothing comes to the host that is shut, although without the guard something does.
    Kept,
    /// Refused by the filter.
    Refused,
}

struct Case {
    name: &'static str,
    words: &'static [&'static str],
    end: End,
}

/// TCP, UDP and unix sockets: one host, one unix socket, one directory to write.
fn plan(scene: &Scene) -> Plan {
    let mut plan = runtime();
    reach(&mut plan, &[scene.port, scene.free, scene.stuck]);
    let path = AbsolutePath::new(scene.path("granted/socket")).expect("absolute");
    plan.network.unix_sockets.push(UnixSocketRule { path, from: RuleId(0) });
    grant(&mut plan, &scene.path("work"), Right::Write);
    plan
}

const CASES: &[Case] = &{
    use Attempt::{Bind, Connect, Send, Unix};
    use End::{Denied, Kept, Refused, Same};
    const fn case(name: &'static str, words: &'static [&'static str], end: End) -> Case {
        Case { name, words, end }
    }
    [
        case("TCP", &["net-connect", "%open"], Same),
        case("TCP to another host", &["net-connect", "%shut"], Denied(Connect)),
        case("TCP without waiting", &["net-connect-nonblocking", "%open"], Same),
        case("TCP without waiting to another host", &["net-connect-nonblocking", "%shut"], Denied(Connect)),
        case("TCP of IPv6 to another host", &["net-connect", "%six"], Denied(Connect)),
        case("TCP by a socket of IPv6", &["net-connect-mapped", "%open"], Same),
        case("TCP by a socket of IPv6 to another host", &["net-connect-mapped", "%shut"], Denied(Connect)),
        case("TCP to any address", &["net-connect", "%any"], Same),
        case("TCP to where nobody listens", &["net-connect", "%free"], Same),
        case("TCP without waiting to where nobody listens", &["net-connect-nonblocking", "%free"], Same),
        case("TCP to who never answers, for a while", &["net-connect-timeout", "%stuck"], Same),
        case("TCP to who never answers, until a signal", &["net-connect-alarm", "%stuck"], Same),
        case("TCP to who never answers, through a signal", &["net-connect-restart", "%stuck"], Same),
        case("a datagram that does not come, for a while", &["net-receive-timeout", "%open"], Same),
        case("calls that are wrong", &["net-nonsense", "%open"], Same),
        case("connected UDP", &["net-connect-udp", "%open"], Same),
        case("connected UDP to another host", &["net-connect-udp", "%shut"], Denied(Connect)),
        case("sendto", &["net-send", "%open", "sendto"], Same),
        case("sendmsg", &["net-send", "%open", "sendmsg"], Same),
        case("sendmmsg", &["net-send", "%open", "sendmmsg"], Same),
        case("sendto to another host", &["net-send", "%shut", "sendto"], Denied(Send)),
        case("sendmsg to another host", &["net-send", "%shut", "sendmsg"], Denied(Send)),
        case("sendmmsg to another host", &["net-send", "%shut", "sendmmsg"], Denied(Send)),
        case("sendto of IPv6 to another host", &["net-send", "%six", "sendto"], Denied(Send)),
        case("a family that is none", &["net-send-unspecified", "%open"], Same),
        case("a family that is none to another host", &["net-send-unspecified", "%shut"], Denied(Send)),
        case("a datagram there and back", &["net-echo", "%open"], Same),
        case("a batch", &["net-batch", "%open", "%open", "%open"], Same),
        case("a batch with another host among", &["net-batch", "%open", "%shut", "%open"], Denied(Send)),
        case("a datagram socket that is disconnected", &["net-disconnect", "%open"], Same),
        case("the peer's name, in all lengths", &["net-peer", "%open"], Same),
        case("swapping the address in memory", &["net-swap-memory", "%open", "%shut"], Kept),
        case("swapping the socket under its number", &["net-swap-socket", "%open", "%shut"], Kept),
        case("threads and children", &["net-threads", "%open"], Same),
        case("listening without a bind", &["net-listen-unbound", "%open"], Denied(Bind)),
        case("binding any port", &["net-bind", "%elsewhere"], Same),
        case("binding a certain port", &["net-bind", "%free"], Denied(Bind)),
        case("a source route", &["net-source-route", "%six"], Refused),
        case("the host's addresses", &["net-interfaces"], Same),
        case("closing itself to the supervisor", &["net-undumpable", "%open"], Denied(Connect)),
        case("a unix socket", &["unix-connect", "@granted/socket"], Same),
        case("another unix socket", &["unix-connect", "@outside/socket"], Denied(Unix)),
        case("a unix socket by way of ..", &["unix-connect", "@granted/../outside/socket"], Denied(Unix)),
        case("a unix socket that is not there", &["unix-connect", "@granted/none"], Same),
        case("a unix socket from its directory", &["unix-relative", "@granted", "socket"], Same),
        case("another from its directory", &["unix-relative", "@outside", "socket"], Denied(Unix)),
        case("a link to a unix socket", &["unix-linked", "@granted/socket", "@work/link"], Same),
        case("a link to another", &["unix-linked", "@outside/socket", "@work/link"], Denied(Unix)),
        case("a unix server of its own", &["unix-own", "@work/own"], Same),
        case("a unix server where nothing may be written", &["unix-own", "@outside/own"], Denied(Bind)),
        case(
            "another socket in the place of its own",
            &["unix-moved", "@work/foreign", "@work/own"],
            Denied(Unix),
        ),
        case("a descriptor over a pair", &["unix-pass"], Same),
        case("a broken pair", &["unix-broken", "0"], Same),
        case("a broken pair without the signal", &["unix-broken", "16384"], Same),
        case("more than fits at once", &["unix-much"], Same),
    ]
};

/// One test a case, and those that need more.
pub(crate) fn tests() -> Vec<Test> {
    let case = |case: &'static Case| -> Test { (format!("gate: {}", case.name), Box::new(|| check(case))) };
    CASES.iter().map(case).chain(sessions::tests()).chain(doors::tests()).chain(programs::tests()).collect()
}

fn check(case: &Case) -> Result<(), String> {
    let scene = &*SCENE;
    let words: Vec<String> = std::iter::once("attack".to_owned())
        .chain(case.words.iter().map(|word| scene.expand(word)))
        .collect();
    scene.leaked();
    let bare = Process::new(own_program()).args(&words).stdin(Stdio::null()).output();
    let bare = bare.map_err(|error| error.to_string())?;
    let (bare_leaked, clean) = (scene.leaked(), || restore(scene));
    clean();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ran = run_with(&plan(scene), &SUPPORT, &command(own_program(), &words), nothing())?;
    let leaked = scene.leaked();
    clean();
    let denied = |kind| ran.network.iter().any(|denial| denial.kind == kind);
    let eperm = ran.code() == Some(REFUSED) && ran.stdout.ends_with(&libc::EPERM.to_string());
    let through = bare.status.code() == Some(THROUGH);
    let holds = match case.end {
        End::Same => same(&bare, &ran) && ran.network.is_empty() && ran.denials.is_empty(),
        End::Denied(kind) => through && eperm && denied(kind) && leaked == 0,
        End::Kept => through && bare_leaked > 0 && ran.code() == Some(THROUGH) && leaked == 0,
        End::Refused => through && eperm && !ran.denials.is_empty(),
    };
    match holds {
        true => Ok(()),
        false => Err(format!(
            "expected {:?}, bare {bare:?} (leaked {bare_leaked}), guarded (leaked {leaked}) {ran:?}",
            case.end
        )),
    }
}

fn same(bare: &std::process::Output, ran: &Ran) -> bool {
    use std::os::unix::process::ExitStatusExt;
    let ended = match ran.status {
        Some(enforce::Status::Code(code)) => {
            bare.status.code() == Some(code) && code != crate::attacker::BROKEN
        }
        Some(enforce::Status::Signal(signal)) => bare.status.signal() == Some(signal as i32),
        None => false,
    };
    ended && bare.stdout == ran.stdout.as_bytes()
}

/// What a way has left in the directory that may be written.
fn restore(scene: &Scene) {
    for name in ["work/link", "outside/own"] {
        // Most ways leave nothing.
        let _ = std::fs::remove_file(scene.path(name));
    }
    let (own, foreign) = (scene.path("work/own"), scene.path("work/foreign"));
    if !foreign.exists() {
        std::fs::rename(&own, &foreign).expect("it was moved there");
    }
    let _ = std::fs::remove_file(own);
}
