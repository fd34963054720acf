//! The attacks as data: what is tried, under which plan, and how it must end.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::PathBuf;
use std::process::{Child, Command as Process, Stdio};

use enforce::{Signal, Status};
use policy::Plan;

use crate::Test;
use crate::attacker::{REFUSED, THROUGH};
use crate::sandbox::*;

/// How an attack must end under the guard.
#[derive(Clone, Copy, Debug)]
enum End {
    /// With this errno, and no report: Landlock or the kernel itself refused.
    Errno(i32),
    /// With this errno, and a report that names this call.
    Reported(i32, &'static str),
    /// By Landlock where the kernel decides about addresses, which answers `EACCES`; else by the supervisor, with a record.
    Unreached,
    /// By Landlock at `bind` where the kernel alone decides about ports; at `listen`, with a report, where programs let any
    /// free port be bound, or by the supervisor, with a record.
    Unheard,
    /// Killed with `SIGSYS`.
    Killed,
    /// It comes through, because the plan grants it: the guard does not deny everything.
    Through,
}

/// Whether it must come through without the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bare {
    /// It must.
    Through,
    /// It depends on the kernel or on who runs the test; only the guarded run counts.
    Unknown,
}

struct Case {
    name: &'static str,
    words: Vec<String>,
    plan: fn(&Scene) -> Plan,
    bare: Bare,
    end: End,
}

/// What an attack acts on.
struct Scene {
    directory: tempfile::TempDir,
    _tcp: TcpListener,
    port: u16,
    _udp: std::net::UdpSocket,
    udp_port: u16,
    _unix: UnixListener,
    _datagram: UnixDatagram,
    _abstract: UnixListener,
    abstract_name: String,
    outsider: Child,
}

impl Drop for Scene {
    fn drop(&mut self) {
        // It may have been killed by the attack.
        let _ = self.outsider.kill();
        let _ = self.outsider.wait();
    }
}

impl Scene {
    fn set() -> Self {
        let directory = tempfile::tempdir().expect("temporary directory");
        let root = directory.path();
        for inside in ["inside", "outside", "readable"] {
            fs::create_dir(root.join(inside)).expect("writable");
            fs::write(root.join(inside).join("file"), "secret").expect("writable");
        }
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        let udp = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        let abstract_name = format!("mcpguard-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&abstract_name).expect("a short name");
        Self {
            port: tcp.local_addr().expect("bound").port(),
            udp_port: udp.local_addr().expect("bound").port(),
            _unix: UnixListener::bind(root.join("outside/stream")).expect("writable"),
            _datagram: UnixDatagram::bind(root.join("outside/datagram")).expect("writable"),
            _abstract: UnixListener::bind_addr(&address).expect("free"),
            outsider: Process::new("sleep").arg("60").stdin(Stdio::null()).spawn().expect("sleep exists"),
            _tcp: tcp,
            _udp: udp,
            abstract_name,
            directory,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// `@name` stands for a path, `%word` for a number or name of the scene.
    fn expand(&self, word: &str) -> String {
        match word {
            "%port" => self.port.to_string(),
            "%udp" => self.udp_port.to_string(),
            "%outsider" => self.outsider.id().to_string(),
            "%supervisor" => std::process::id().to_string(),
            "%supervisor-environ" => format!("/proc/{}/environ", std::process::id()),
            "%supervisor-mem" => format!("/proc/{}/mem", std::process::id()),
            "%supervisor-fd" => format!("/proc/{}/fd/0", std::process::id()),
            "%abstract" => self.abstract_name.clone(),
            _ => word.strip_prefix('@').map_or(word.to_owned(), |name| self.path(name).display().to_string()),
        }
    }
}

/// Nothing but the runtime.
fn base(_: &Scene) -> Plan {
    runtime()
}

/// `inside` writable, `readable` readable.
fn workspace(scene: &Scene) -> Plan {
    let mut plan = runtime();
    grant(&mut plan, &scene.path("inside"), Right::Write);
    grant(&mut plan, &scene.path("readable"), Right::Read);
    plan
}

/// All of `/proc` readable, as a careless policy would have it.
fn proc_readable(_: &Scene) -> Plan {
    let mut plan = runtime();
    grant(&mut plan, "/proc".as_ref(), Right::Read);
    plan
}

/// TCP to a port where nobody listens.
fn other_port(_: &Scene) -> Plan {
    let mut plan = runtime();
    reach(&mut plan, &[1]);
    plan
}

/// TCP to the scene's port.
fn this_port(scene: &Scene) -> Plan {
    let mut plan = runtime();
    reach(&mut plan, &[scene.port]);
    plan
}

/// Listening on any free port.
fn listening(_: &Scene) -> Plan {
    let mut plan = runtime();
    plan.network.listen = vec![0];
    plan
}

/// Unix sockets, by way of one that does not exist.
fn unix_sockets(_: &Scene) -> Plan {
    let mut plan = runtime();
    let path = policy::plan::AbsolutePath::new("/nonexistent").expect("absolute");
    plan.network.unix_sockets.push(policy::plan::UnixSocketRule { path, from: policy::plan::RuleId(0) });
    plan
}

fn strict(_: &Scene) -> Plan {
    let mut plan = runtime();
    plan.syscalls = policy::plan::SyscallProfile::Strict;
    plan
}

/// 64 open files, 256 MiB of memory, files of 1 MiB.
fn limited(scene: &Scene) -> Plan {
    let mut plan = workspace(scene);
    plan.limits.max_open_files = Some(64);
    plan.limits.memory_bytes = Some(256 << 20);
    plan.limits.max_file_bytes = Some(1 << 20);
    plan
}

fn all() -> Vec<Case> {
    use End::{Errno, Killed, Reported, Through, Unheard, Unreached};
    let (acces, perm) = (libc::EACCES, libc::EPERM);
    let mut cases = Vec::new();
    let mut add = |name, words: &[&str], plan: fn(&Scene) -> Plan, end| {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        cases.push(Case { name, words, plan, bare: Bare::Through, end });
    };
    // Files.
    add("reading /etc/shadow", &["read", "/etc/shadow"], base, Errno(acces));
    add("reading outside", &["read", "@outside/file"], workspace, Errno(acces));
    add("reading what is granted", &["read", "@readable/file"], workspace, Through);
    add("listing outside", &["list", "@outside"], workspace, Errno(acces));
    add("reading by way of ..", &["read", "@inside/../outside/file"], workspace, Errno(acces));
    add("reading by way of /proc/self/root", &["read", "/proc/self/root/etc/shadow"], base, Errno(acces));
    add(
        "reading through a new symlink",
        &["read-through-link", "@inside/link", "@outside/file"],
        workspace,
        Errno(acces),
    );
    add("writing outside", &["write", "@outside/new"], workspace, Errno(acces));
    add("writing where only reading is granted", &["append", "@readable/file"], workspace, Errno(acces));
    add("writing what is granted", &["write", "@inside/new"], workspace, Through);
    add("emptying outside", &["truncate", "@outside/file"], workspace, Errno(acces));
    add("emptying where only reading is granted", &["truncate", "@readable/file"], workspace, Errno(acces));
    add("removing outside", &["remove", "@outside/file"], workspace, Errno(acces));
    add("renaming in from outside", &["rename", "@outside/file", "@inside/stolen"], workspace, Errno(acces));
    add("renaming out", &["rename", "@inside/file", "@outside/leaked"], workspace, Errno(acces));
    add("renaming within", &["rename", "@inside/file", "@inside/moved"], workspace, Through);
    add(
        "linking in from outside",
        &["link", "@outside/file", "@inside/stolen"],
        workspace,
        Errno(libc::EXDEV),
    );
    add(
        "linking in what is only readable",
        &["link", "@readable/file", "@inside/stolen"],
        workspace,
        Errno(libc::EXDEV),
    );
    add("making a directory outside", &["mkdir", "@outside/new"], workspace, Errno(acces));
    add("making a device", &["device", "@inside/null"], workspace, Reported(perm, "mknodat"));
    add("making a named pipe", &["fifo", "@inside/pipe"], workspace, Through);
    add("giving files away", &["own-files", "@inside/file"], workspace, Reported(perm, "fchownat"));
    // Modes, which Landlock does not see: 0o777 is 511, 0o4755 is 2541.
    add("opening up a file outside", &["chmod", "@outside/file", "511"], workspace, Reported(acces, "chmod"));
    add(
        "opening up by way of ..",
        &["chmod", "@inside/../outside/file", "511"],
        workspace,
        Reported(acces, "chmod"),
    );
    add(
        "opening up what is only readable",
        &["chmod", "@readable/file", "511"],
        workspace,
        Reported(acces, "chmod"),
    );
    add(
        "opening up an open file that is only readable",
        &["chmod-open", "@readable/file", "511"],
        workspace,
        Reported(acces, "fchmod"),
    );
    add(
        "opening up from a directory",
        &["chmod-at", "@readable", "file", "511"],
        workspace,
        Reported(acces, "fchmodat2"),
    );
    add(
        "opening up by the name of a descriptor",
        &["chmod-self", "@readable/file", "511"],
        workspace,
        Reported(acces, "fchmodat"),
    );
    add("changing the mode of what is granted", &["chmod", "@inside/file", "511"], workspace, Through);
    add(
        "changing the mode of a granted open file",
        &["chmod-open", "@inside/file", "511"],
        workspace,
        Through,
    );
    add(
        "changing the mode from a granted directory",
        &["chmod-at", "@inside", "file", "511"],
        workspace,
        Through,
    );
    add(
        "changing the mode by the name of a descriptor",
        &["chmod-self", "@inside/file", "511"],
        workspace,
        Through,
    );
    add(
        "making a set-user-id program",
        &["chmod", "@inside/file", "2541"],
        workspace,
        Reported(acces, "chmod"),
    );
    // What lies in /proc.
    add("reading the supervisor's environment", &["read", "%supervisor-environ"], base, Errno(acces));
    add(
        "reading the supervisor's environment where /proc is granted",
        &["read", "%supervisor-environ"],
        proc_readable,
        Errno(acces),
    );
    add(
        "reading the supervisor's memory where /proc is granted",
        &["open", "%supervisor-mem"],
        proc_readable,
        Errno(acces),
    );
    add(
        "following the supervisor's descriptors where /proc is granted",
        &["read-link", "%supervisor-fd"],
        proc_readable,
        Errno(acces),
    );
    // Sockets.
    add("connecting by TCP without a network", &["connect", "%port"], base, Reported(perm, "socket"));
    add("connecting to another TCP port", &["connect", "%port"], other_port, Unreached);
    add("connecting to the granted TCP port", &["connect", "%port"], this_port, Through);
    add("listening without a network", &["listen", "0"], base, Reported(perm, "socket"));
    add("listening where only connecting is granted", &["listen", "0"], this_port, Unheard);
    add("listening where it is granted", &["listen", "0"], listening, Through);
    add("connecting where only listening is granted", &["connect", "%port"], listening, Unreached);
    add("sending UDP without a network", &["send-udp", "%udp"], base, Reported(perm, "socket"));
    add(
        "sending UDP where only listening is granted",
        &["send-udp", "%udp"],
        listening,
        Reported(perm, "socket"),
    );
    add("connecting by TCP Fast Open", &["fast-open", "%port"], other_port, Reported(perm, "sendto"));
    add(
        "changing TCP into another protocol",
        &["change-protocol", "%port"],
        this_port,
        Reported(perm, "setsockopt"),
    );
    add(
        "an MPTCP socket",
        &["socket", "2", "1", "262"],
        this_port,
        Reported(libc::EPROTONOSUPPORT, "socket"),
    );
    add("an MPTCP socket without a network", &["socket", "2", "1", "262"], base, Reported(perm, "socket"));
    add(
        "an MPTCP socket with flags",
        &["socket", "10", "526337", "262"],
        this_port,
        Reported(libc::EPROTONOSUPPORT, "socket"),
    );
    add("a raw socket", &["socket", "2", "3", "1"], this_port, Reported(perm, "socket"));
    add("a ping socket", &["socket", "2", "2", "1"], this_port, Reported(perm, "socket"));
    add("a packet socket", &["socket", "17", "3", "768"], this_port, Reported(perm, "socket"));
    add("a socket of kernel events", &["socket", "16", "3", "15"], this_port, Reported(perm, "socket"));
    add("a routing socket for the resolver", &["socket", "16", "3", "0"], this_port, Through);
    add("a unix socket", &["unix-connect", "@outside/stream"], this_port, Reported(perm, "socket"));
    add("an abstract unix socket", &["abstract-connect", "%abstract"], base, Reported(perm, "socket"));
    add(
        "an abstract unix socket where unix sockets are granted",
        &["abstract-connect", "%abstract"],
        unix_sockets,
        Errno(perm),
    );
    add(
        "a unix datagram socket where unix sockets are granted",
        &["socket", "1", "2", "0"],
        unix_sockets,
        Reported(perm, "socket"),
    );
    add(
        "sending from a datagram pair",
        &["pair-send", "@outside/datagram"],
        workspace,
        Reported(perm, "socketpair"),
    );
    // Other processes.
    add("killing an outsider", &["kill", "%outsider", "15"], base, Errno(perm));
    add("signalling the supervisor", &["kill", "%supervisor", "0"], base, Errno(perm));
    add("limiting an outsider", &["limit-other", "%outsider"], base, Reported(perm, "prlimit64"));
    add("slowing an outsider", &["slow-other", "%outsider"], base, Reported(perm, "setpriority"));
    add("tracing an outsider", &["trace", "%outsider"], base, Reported(perm, "ptrace"));
    add(
        "reading an outsider's memory",
        &["read-memory", "%outsider"],
        base,
        Reported(perm, "process_vm_readv"),
    );
    add(
        "taking an outsider's descriptor",
        &["take-descriptor", "%outsider"],
        base,
        Reported(perm, "pidfd_getfd"),
    );
    // Executing what was not granted.
    add("executing a file in memory", &["memory-file"], base, Reported(perm, "memfd_create"));
    add("executing an unlinked file", &["run-unlinked", "@inside"], workspace, Errno(acces));
    add("executing a written file", &["run-written", "@inside"], workspace, Errno(acces));
    add("executing by descriptor alone", &["empty-path"], base, Reported(perm, "execveat"));
    add("executing what is granted", &["run", "/usr/bin/true"], base, Through);
    // The kernel's other doors.
    add("io_uring", &["io-uring"], base, Reported(perm, "io_uring_setup"));
    add("a user namespace", &["unshare", "268435456"], base, Reported(perm, "unshare"));
    add("a network namespace by clone", &["clone-namespace", "1073741824"], base, Reported(perm, "clone"));
    add("clone3", &["clone3"], base, Errno(libc::ENOSYS));
    add("a plain child", &["clone-namespace", "0"], base, Through);
    add("a plain child under strict", &["clone-namespace", "0"], strict, Reported(perm, "clone"));
    add("mounting", &["mount"], base, Reported(perm, "unshare"));
    add("changing the root", &["chroot"], base, Reported(perm, "chroot"));
    add("typing into the terminal", &["type-into-terminal"], base, Reported(perm, "ioctl"));
    add("a call of the x32 ABI", &["x32"], base, Killed);
    add("a call of the i386 ABI", &["i386"], base, Killed);
    add("a filter of its own", &["filter"], base, Reported(perm, "seccomp"));
    add("the keyring", &["keyring"], base, Reported(perm, "keyctl"));
    add("opening by handle", &["handle"], base, Reported(perm, "name_to_handle_at"));
    add("userfaultfd", &["userfaultfd"], base, Reported(perm, "userfaultfd"));
    add("bpf", &["bpf"], base, Reported(perm, "bpf"));
    add("perf events", &["perf"], base, Reported(perm, "perf_event_open"));
    add("turning off address randomisation", &["personality"], base, Reported(perm, "personality"));
    add("shared memory of System V", &["shared-memory"], base, Reported(perm, "shmget"));
    // Limits.
    add("raising a limit again", &["raise-limit"], limited, Errno(perm));
    add("opening too many files", &["open-many", "100"], limited, Errno(libc::EMFILE));
    add("allocating too much", &["allocate", "1073741824"], limited, Errno(libc::ENOMEM));
    add("writing too large a file", &["write-much", "@inside/large", "2097152"], limited, Errno(libc::EFBIG));
    for case in &mut cases {
        case.bare = bare_outcome(case);
    }
    cases
}

fn bare_outcome(case: &Case) -> Bare {
    // These depend on how this kernel was built, or on modules that it may not have.
    const HOST: &[&str] = &[
        "a ping socket",
        "the keyring",
        "perf events",
        "bpf",
        "userfaultfd",
        "io_uring",
        "a call of the i386 ABI",
    ];
    // The kernel itself refuses these to anybody but root.
    const ROOT: &[&str] = &[
        "reading /etc/shadow",
        "reading by way of /proc/self/root",
        "making a device",
        "giving files away",
        "a raw socket",
        "a packet socket",
        "a network namespace by clone",
        "mounting",
        "changing the root",
        "typing into the terminal",
        "opening by handle",
    ];
    let depends =
        HOST.contains(&case.name) || (ROOT.contains(&case.name) && !enforce::probe().server_is_root);
    if depends { Bare::Unknown } else { Bare::Through }
}

/// One test an attack.
pub(crate) fn tests() -> Vec<Test> {
    let test = |case: Case| -> Test { (format!("attack: {}", case.name), Box::new(move || check(&case))) };
    all().into_iter().map(test).chain([inherited_descriptor(), environment()]).collect()
}

fn check(case: &Case) -> Result<(), String> {
    bare(case)?;
    let scene = Scene::set();
    let words: Vec<String> = std::iter::once("attack".to_owned())
        .chain(case.words.iter().map(|word| scene.expand(word)))
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (_terminal, stdin) = terminal();
    let ran = run_with(&(case.plan)(&scene), &enforce::probe(), &command(own_program(), &words), stdin)?;
    let reported = |name: &str| ran.denials.iter().any(|denial| denial.name == Some(name));
    let holds = match case.end {
        End::Errno(errno) => refused_with(&ran, errno) && ran.denials.is_empty(),
        End::Reported(errno, call) => {
            refused_with(&ran, errno)
                && reported(call)
                && ran.denials.iter().all(|denial| denial.reason.is_some())
        }
        End::Unreached if ran.network.is_empty() => {
            refused_with(&ran, libc::EACCES) && ran.denials.is_empty()
        }
        End::Unreached => refused_with(&ran, libc::EPERM) && ran.denials.is_empty(),
        End::Unheard if ran.network.is_empty() && ran.denials.is_empty() => refused_with(&ran, libc::EACCES),
        End::Unheard => {
            refused_with(&ran, libc::EPERM) && ran.denials.iter().all(|denial| denial.name == Some("listen"))
        }
        End::Killed => ran.status == Some(Status::Signal(Signal::SIGSYS)),
        End::Through => ran.code() == Some(THROUGH) && ran.denials.is_empty() && ran.network.is_empty(),
    };
    if holds { Ok(()) } else { Err(format!("expected {:?}, got {ran:?}", case.end)) }
}

fn refused_with(ran: &Ran, errno: i32) -> bool {
    ran.code() == Some(REFUSED) && ran.stdout == errno.to_string()
}

/// The same attack without the guard.
fn bare(case: &Case) -> Result<(), String> {
    let scene = Scene::set();
    let words = case.words.iter().map(|word| scene.expand(word));
    let (_terminal, stdin) = terminal();
    let output = Process::new(own_program()).arg("attack").args(words).stdin(Stdio::from(stdin)).output();
    let output = output.map_err(|error| error.to_string())?;
    match output.status.code() {
        Some(THROUGH) => Ok(()),
        _ if case.bare == Bare::Unknown => Ok(()),
        _ => Err(format!("does not even come through without the guard: {output:?}")),
    }
}

/// A terminal as standard input; the master end keeps it open.
fn terminal() -> (OwnedFd, OwnedFd) {
    let pair = nix::pty::openpty(None, None).expect("a pseudo-terminal");
    (pair.master, pair.slave)
}

/// A descriptor that the supervisor left inheritable by mistake.
fn inherited_descriptor() -> Test {
    let test = || {
        let secret = fs::File::open("/etc/passwd").map_err(|error| error.to_string())?;
        let leaked = nix::fcntl::fcntl(secret.as_fd(), nix::fcntl::FcntlArg::F_DUPFD(400))
            .map_err(|error| error.to_string())?;
        let attack = ["attack", "read-descriptors"];
        let bare = Process::new(own_program()).args(attack).output().map_err(|error| error.to_string())?;
        let guarded = run(&runtime(), &command(own_program(), &attack));
        nix::unistd::close(leaked).map_err(|error| error.to_string())?;
        let guarded = guarded?;
        match (bare.status.code(), refused_with(&guarded, libc::EBADF)) {
            (Some(THROUGH), true) => Ok(()),
            _ => Err(format!("bare {bare:?}, guarded {guarded:?}")),
        }
    };
    ("attack: reading an inherited descriptor".to_owned(), Box::new(test))
}

/// A variable of the supervisor that the command's environment does not name.
fn environment() -> Test {
    let test = || {
        // Cargo sets it for every test.
        let attack = ["attack", "see-variable", "CARGO_MANIFEST_DIR"];
        let bare = Process::new(own_program()).args(attack).output().map_err(|error| error.to_string())?;
        let guarded = run(&runtime(), &command(own_program(), &attack))?;
        match (bare.status.code(), refused_with(&guarded, libc::ENOENT)) {
            (Some(THROUGH), true) => Ok(()),
            _ => Err(format!("bare {bare:?}, guarded {guarded:?}")),
        }
    };
    ("attack: seeing the supervisor's variables".to_owned(), Box::new(test))
}
