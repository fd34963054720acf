//! The mechanisms: how each is tried, what its absence costs and how to get it.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use policy::plan::SyscallProfile;

use crate::enter::drop_privileges;
use crate::limits::{self, Limit, LimitKind};
use crate::notify::{self, Prepared};
use crate::ruleset::{self, Ruleset};
use crate::seccomp::{self, Addresses, DenialListener, Modes, Profile, Reporting, Served, Sockets, Woken};
use crate::sys::{self, Listen};
use crate::tree;

/// A mechanism and how it is tried. The try returns what was seen: that it denied, or what is missing.
pub(super) struct Mechanism {
    pub(super) name: &'static str,
    pub(super) attempt: fn() -> Result<String, String>,
    pub(super) cost: &'static str,
    pub(super) remedy: &'static str,
}

pub(super) const MECHANISMS: &[Mechanism] = &[
    Mechanism {
        name: "landlock-files",
        attempt: landlock_files,
        cost: "no file of yours is closed to the server",
        remedy: "Linux 5.13 or newer with `landlock` in the kernel's `lsm=` list",
    },
    Mechanism {
        name: "landlock-ports",
        attempt: landlock_ports,
        cost: "TCP ports are not restricted; `network` can only be closed altogether",
        remedy: "Linux 6.7 or newer (Landlock ABI 4)",
    },
    Mechanism {
        name: "landlock-signals",
        attempt: landlock_signals,
        cost: "the server can send signals to your other processes",
        remedy: "Linux 6.12 or newer (Landlock ABI 6)",
    },
    Mechanism {
        name: "landlock-abstract-sockets",
        attempt: landlock_abstract_sockets,
        cost: "where the policy grants unix sockets, abstract ones of other processes can be reached too",
        remedy: "Linux 6.12 or newer (Landlock ABI 6)",
    },
    Mechanism {
        name: "landlock-udp",
        attempt: || needs_abi(10).map(|abi| format!("Landlock ABI {abi} has rights for UDP")),
        cost: "a server that may use the network can send UDP to any address and port",
        remedy: "Linux 7.2 or newer (Landlock ABI 10), or the eBPF layer",
    },
    Mechanism {
        name: "landlock-unix-sockets",
        attempt: || {
            needs_abi(9).map(|abi| format!("Landlock ABI {abi} has a right for unix sockets by path"))
        },
        cost: "where the policy grants unix sockets, all that you may open can be connected to",
        remedy: "Linux 7.1 or newer (Landlock ABI 9), or the eBPF layer",
    },
    Mechanism {
        name: "seccomp-filter",
        attempt: seccomp_filter,
        cost: "every system call is open: io_uring, ptrace, new namespaces, raw sockets",
        remedy: "a kernel with CONFIG_SECCOMP_FILTER; inside a container, one whose profile allows seccomp(2)",
    },
    Mechanism {
        name: "seccomp-reports",
        attempt: seccomp_reports,
        cost: "refused system calls are refused but not recorded",
        remedy: "Linux 5.0 or newer, and no outer sandbox that already receives such reports",
    },
    Mechanism {
        name: "supervised-network",
        attempt: supervised_network,
        cost: "without eBPF, hosts are not told apart: `network` holds for ports at most",
        remedy: "Linux 5.19 or newer whose security modules allow pidfd_getfd(2), or the eBPF layer",
    },
    Mechanism {
        name: "no-privileges",
        attempt: no_privileges,
        cost: "the server could gain privileges by executing a set-user-id program",
        remedy: "Linux 3.5 or newer",
    },
    Mechanism {
        name: "resource-limits",
        attempt: resource_limits,
        cost: "open files, memory and file sizes are not bounded",
        remedy: "setrlimit(2) must not be forbidden by an outer sandbox",
    },
    Mechanism {
        name: "own-session",
        attempt: own_session,
        cost: "the server shares your terminal",
        remedy: "setsid(2) must not be forbidden by an outer sandbox",
    },
    Mechanism {
        name: "heir-of-orphans",
        attempt: heir_of_orphans,
        cost: "processes that the server puts into the background survive the session",
        remedy: "Linux 3.4 or newer with /proc mounted",
    },
    Mechanism {
        name: "process-handles",
        attempt: process_handles,
        cost: "the server cannot be started: its end could not be watched",
        remedy: "Linux 5.3 or newer (pidfd_open)",
    },
];

fn needs_abi(wanted: u32) -> Result<u32, String> {
    match sys::abi() {
        0 => Err("Landlock is absent or disabled".to_owned()),
        abi if abi < wanted => Err(format!("Landlock ABI {abi}, and it needs {wanted}")),
        abi => Ok(abi),
    }
}

/// Restricts this process to nothing at all.
fn restrict() -> Result<(), String> {
    let none = Ruleset { abi: sys::abi(), grants: vec![], connect: vec![], bind: vec![], udp: vec![] };
    ruleset::engage(&none).map(|_| ()).map_err(|error| error.to_string())
}

/// The same operation before and after: it must work, and then be denied.
fn denied_after<T, E: std::fmt::Display>(
    what: &str,
    operation: impl Fn() -> Result<T, E>,
    engage: impl FnOnce() -> Result<(), String>,
) -> Result<String, String> {
    operation().map(drop).map_err(|error| format!("{what} does not even work without it: {error}"))?;
    engage()?;
    match operation() {
        Ok(_) => Err(format!("{what} still works: it does not deny")),
        Err(error) => Ok(format!("{what} is denied: {error}")),
    }
}

fn landlock_files() -> Result<String, String> {
    let abi = needs_abi(1)?;
    let seen = denied_after("listing /", || std::fs::read_dir("/"), restrict)?;
    Ok(format!("Landlock ABI {abi}; {seen}"))
}

fn landlock_ports() -> Result<String, String> {
    needs_abi(4)?;
    denied_after("binding a TCP port", || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)), restrict)
}

fn landlock_signals() -> Result<String, String> {
    needs_abi(6)?;
    let parent = nix::unistd::getppid();
    denied_after(
        "signalling the process that started this one",
        || nix::sys::signal::kill(parent, None),
        restrict,
    )
}

fn landlock_abstract_sockets() -> Result<String, String> {
    needs_abi(6)?;
    let name = format!("mcpguard-self-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(name).map_err(|error| error.to_string())?;
    let _listener = UnixListener::bind_addr(&address).map_err(|error| error.to_string())?;
    denied_after("connecting to an outer abstract socket", || UnixStream::connect_addr(&address), restrict)
}

/// The strictest profile, with or without reports.
fn filter(reporting: Reporting) -> Result<(Profile, Vec<seccomp::Instruction>), String> {
    let profile = Profile::new(SyscallProfile::Default, Sockets::default());
    let program = seccomp::compile(&profile, reporting).map_err(|error| error.to_string())?;
    Ok((profile, program))
}

fn install(program: &[seccomp::Instruction], listen: Listen) -> Result<Option<std::os::fd::OwnedFd>, String> {
    nix::sys::prctl::set_no_new_privs().map_err(|error| error.to_string())?;
    sys::install(program, listen).map_err(|error| format!("the filter is refused: {}", error.desc()))
}

/// Where nothing that is sent matters (RFC 863).
const DISCARD: u16 = 9;

fn open_udp() -> std::io::Result<UdpSocket> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
}

fn seccomp_filter() -> Result<String, String> {
    let (_, program) = filter(Reporting::Silent)?;
    denied_after("making a UDP socket", open_udp, || install(&program, Listen::No).map(drop))
}

fn seccomp_reports() -> Result<String, String> {
    let (profile, program) = filter(Reporting::Notify)?;
    let (send, receive) = std::sync::mpsc::channel();
    // A filter holds for the thread that installs it, so one thread is denied and the other one hears of it.
    let denied = std::thread::spawn(move || {
        let listener = install(&program, Listen::Yes);
        let installed = listener.is_ok();
        if send.send(listener).is_err() || !installed {
            return Ok(());
        }
        open_udp().map(drop)
    });
    let listener = receive.recv().map_err(|error| error.to_string())??.ok_or("no descriptor for reports")?;
    let mut reports = DenialListener::new(listener, profile, Modes::default(), None)
        .map_err(|error| error.desc().to_owned())?;
    let deadline = Instant::now() + Duration::from_secs(2);
    while Instant::now() < deadline {
        if let Some(report) = reports.next().map_err(|error| error.to_string())? {
            let result = denied.join().map_err(|_| "the denied thread panicked".to_owned())?;
            return answered(result, report.name.unwrap_or("a nameless call"));
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Err("no report came".to_owned())
}

fn answered(result: std::io::Result<()>, call: &str) -> Result<String, String> {
    match result {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Ok(format!("`{call}` was denied and reported"))
        }
        Err(error) => Err(format!("`{call}` was reported, but failed with another error: {error}")),
        Ok(()) => Err(format!("`{call}` was reported, but not denied")),
    }
}

/// A thread connects to an address that a closed session does not name, and the supervisor refuses it.
fn supervised_network() -> Result<String, String> {
    if !notify::is_possible() {
        return Err("a call of a child could not be carried out for it".to_owned());
    }
    let sockets = Sockets { tcp: true, udp: true, addresses: Addresses::Gate, ..Sockets::default() };
    let profile = Profile::new(SyscallProfile::Default, sockets);
    let program = seccomp::compile(&profile, Reporting::Notify).map_err(|error| error.to_string())?;
    let (send, receive) = std::sync::mpsc::channel();
    let connect = |socket: &UdpSocket| socket.connect((Ipv4Addr::LOCALHOST, DISCARD));
    let denied = std::thread::spawn(move || {
        let socket = open_udp().and_then(|socket| connect(&socket).map(|()| socket));
        let installed = socket.is_ok().then(|| install(&program, Listen::Yes));
        let listens = matches!(installed, Some(Ok(_)));
        if send.send(installed.unwrap_or(Ok(None))).is_err() || !listens {
            return socket.map(drop);
        }
        connect(&socket?)
    });
    let listener = receive.recv().map_err(|error| error.to_string())??.ok_or("no descriptor for reports")?;
    let mut reports = DenialListener::new(listener, profile, Modes::default(), Some(Prepared::closed()))
        .map_err(|error| error.desc().to_owned())?;
    while reports.wait(Some(Duration::from_secs(2)), None).map_err(|error| error.to_string())? == Woken::Work
    {
        if let Some(Served::Network(_)) = reports.serve().map_err(|error| error.to_string())? {
            let result = denied.join().map_err(|_| "the denied thread panicked".to_owned())?;
            return answered(result, "connect");
        }
    }
    Err("no report came".to_owned())
}

fn no_privileges() -> Result<String, String> {
    drop_privileges().map_err(|failed| failed.message)?;
    let status = std::fs::read_to_string("/proc/self/status").map_err(|error| error.to_string())?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let empty = |name: &str| field(name).is_some_and(|set| set.bytes().all(|digit| digit == b'0'));
    if field("NoNewPrivs:") != Some("1") {
        return Err("no_new_privs did not stay set".to_owned());
    }
    match ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"].into_iter().find(|set| !empty(set)) {
        Some(set) => Err(format!("the capability set {set} is not empty")),
        None => Ok("no_new_privs is set and no capability is left".to_owned()),
    }
}

fn resource_limits() -> Result<String, String> {
    let limit = Limit { kind: LimitKind::OpenFiles, value: 3 };
    denied_after(
        "opening a fourth file",
        || std::fs::File::open("/proc/self/status"),
        || limits::engage(limit).map_err(|error| error.desc().to_owned()),
    )
}

fn own_session() -> Result<String, String> {
    nix::unistd::setsid().map_err(|error| error.desc().to_owned())?;
    match std::fs::File::open("/dev/tty") {
        Ok(_) => Err("a new session still has a terminal".to_owned()),
        Err(error) => Ok(format!("a new session has no terminal: {error}")),
    }
}

/// A process that starts another one and ends, leaving an orphan.
const PARENT: &str = "orphan-parent";
/// The orphan.
const ORPHAN: &str = "orphan";

fn heir_of_orphans() -> Result<String, String> {
    tree::become_subreaper().map_err(|error| error.to_string())?;
    let mut parent = accomplice_command(PARENT).spawn().map_err(|error| error.to_string())?;
    parent.wait().map_err(|error| error.to_string())?;
    let orphans = tree::children();
    for orphan in &orphans {
        // Our own unreaped child by now.
        let _ = nix::sys::signal::kill(*orphan, nix::sys::signal::Signal::SIGKILL);
        let _ = nix::sys::wait::waitpid(*orphan, None);
    }
    match orphans.len() {
        0 => Err("an orphan did not come to this process".to_owned()),
        _ => Ok("an orphan came to this process and was ended".to_owned()),
    }
}

fn process_handles() -> Result<String, String> {
    let mut child = accomplice_command(ORPHAN).spawn().map_err(|error| error.to_string())?;
    let process = nix::unistd::Pid::from_raw(child.id().cast_signed());
    let handle = sys::pidfd_open(process);
    let ended = child.kill().and_then(|()| child.wait());
    handle.map_err(|error| error.desc().to_owned())?;
    ended.map(|_| "a handle of a child was opened".to_owned()).map_err(|error| error.to_string())
}

fn accomplice_command(role: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args(["enter", "--self-test", role]).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The processes that some self-tests need besides themselves.
pub(super) fn accomplice(role: &str) -> u8 {
    match role {
        PARENT => u8::from(accomplice_command(ORPHAN).spawn().is_err()),
        ORPHAN => {
            std::thread::sleep(Duration::from_secs(10));
            0
        }
        _ => 125,
    }
}
