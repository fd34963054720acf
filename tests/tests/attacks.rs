//! A server that attacks, from Node and from Python. Each attack is first shown to succeed without the guard; with
//! it, it fails with an errno that a denial gives, nothing of it arrives, and the audit log knows what user space
//! can know: refused system calls. (Landlock tells nobody but the kernel's own audit.)
//!
//! From Node itself: files, TCP, UDP, unix sockets, signals, processes. Raw system calls come from the helper
//! `attack`, which Node starts and the policy allows. Python does everything by itself through `ctypes`.

mod attack {
    pub(crate) mod judge;
    pub(crate) mod targets;
}

use attack::judge::{Attack, judge};
use attack::targets::Targets;
use harness::Runtime;
use serde_json::{Value, json};

/// `struct io_uring_params` (120 bytes) and `struct clone_args` (88 bytes), all zero but for the flags.
fn zeros(bytes: usize) -> Value {
    json!({ "bytes": "00".repeat(bytes) })
}

/// Words as the bytes of a C structure.
fn words(words: &[u64]) -> Value {
    let bytes = words.iter().flat_map(|word| word.to_ne_bytes());
    json!({ "bytes": bytes.map(|byte| format!("{byte:02x}")).collect::<String>() })
}

fn syscall(name: &'static str, number: i64, arguments: &[Value]) -> Attack {
    Attack::raw("syscall", json!({ "number": number, "arguments": arguments })).recorded(name)
}

fn socket(family: i64, kind: i64, protocol: i64) -> Attack {
    syscall("socket", 41, &[json!(family), json!(kind), json!(protocol)])
}

fn pid(targets: &Targets) -> Value {
    json!(targets.victim.pid())
}

/// One test for each attack and runtime.
macro_rules! attacks {
    ($($name:ident => |$targets:ident| $attack:expr;)*) => {
        mod node { use super::*; $(#[test] fn $name() -> anyhow::Result<()> { judge(Runtime::Node, |$targets| $attack) })* }
        mod python { use super::*; $(#[test] fn $name() -> anyhow::Result<()> { judge(Runtime::Python, |$targets| $attack) })* }
    };
}

attacks! {
    // Files.
    reads_ssh_key => |t| Attack::tool("read", json!({ "path": t.scene.ssh_key() }));
    reads_etc_shadow => |_t| Attack::tool("read", json!({ "path": "/etc/shadow" })).needs("EACCES", "root, who may read /etc/shadow");
    reads_environ_of_another_process => |t| Attack::tool("read", json!({ "path": format!("/proc/{}/environ", t.victim.pid()) }));
    reads_memory_map_of_another_process => |t| Attack::tool("read", json!({ "path": format!("/proc/{}/maps", t.victim.pid()) }));
    writes_outside => |t| Attack::tool("write", json!({ "path": t.scene.outside().join("new.txt"), "text": "x" }))
        .leaves(|t| t.scene.outside().join("new.txt").exists());
    overwrites_outside => |t| Attack::tool("write", json!({ "path": t.scene.outside().join("secret.txt"), "text": "gone" }))
        .leaves(|t| std::fs::read_to_string(t.scene.outside().join("secret.txt")).is_ok_and(|text| text == "gone"));
    writes_beside_the_workspace => |t| Attack::tool("write", json!({ "path": t.scene.workspace_evil().join("new.txt"), "text": "x" }))
        .leaves(|t| t.scene.workspace_evil().join("new.txt").exists());
    climbs_out_of_the_workspace => |t| Attack::tool("read", json!({ "path": format!("{}/../outside/secret.txt", t.scene.workspace().display()) }));
    climbs_out_through_its_root_link => |t| Attack::tool("read", json!({ "path": format!("/proc/self/root{}", t.scene.ssh_key().display()) }));

    // Network.
    connects_by_tcp => |t| Attack::tool("connect", json!({ "host": "127.0.0.1", "port": t.tcp_port() })).leaves(Targets::tcp_arrived);
    connects_by_tcp_6 => |t| Attack::tool("connect", json!({ "host": "::ffff:127.0.0.1", "port": t.tcp_port() })).leaves(Targets::tcp_arrived);
    sends_udp => |t| Attack::tool("udp", json!({ "host": "127.0.0.1", "port": t.udp_port(), "text": "stolen" })).leaves(Targets::udp_arrived);
    connects_to_a_unix_socket => |t| Attack::tool("unix", json!({ "path": t.unix_path() })).leaves(Targets::unix_arrived);
    connects_to_an_abstract_socket => |t| Attack::tool("abstract", json!({ "name": t.abstract_name() })).leaves(Targets::abstract_arrived);
    opens_a_tcp_socket => |_t| socket(2, 1, 0);
    opens_a_udp_socket => |_t| socket(2, 2, 0);
    opens_a_raw_socket => |_t| socket(2, 3, 1).needs("EPERM", "CAP_NET_RAW");
    opens_a_packet_socket => |_t| socket(17, 3, 0).needs("EPERM", "CAP_NET_RAW");
    opens_an_mptcp_socket => |_t| socket(2, 1, 262).needs("EPROTONOSUPPORT", "CONFIG_MPTCP");
    opens_an_mptcp_6_socket => |_t| socket(10, 1, 262).needs("EPROTONOSUPPORT", "CONFIG_MPTCP");
    opens_an_sctp_socket => |_t| socket(2, 1, 132).needs("EPROTONOSUPPORT", "CONFIG_IP_SCTP");
    opens_a_vsock_socket => |_t| socket(40, 1, 0).needs("EAFNOSUPPORT", "CONFIG_VSOCKETS");
    opens_a_kernel_crypto_socket => |_t| socket(38, 5, 0).needs("EAFNOSUPPORT", "CONFIG_CRYPTO_USER_API");
    opens_a_socket_diagnosis_socket => |_t| socket(16, 3, 4).needs("EPROTONOSUPPORT", "CONFIG_INET_DIAG");
    opens_a_kobject_event_socket => |_t| socket(16, 3, 15);
    // Compared on 32 bits by the kernel: the filter must not be fooled by the upper half.
    opens_a_raw_socket_with_high_bits => |_t| socket(0x1_0000_0002, 3, 1).needs("EPERM", "CAP_NET_RAW");

    // Other processes.
    kills_another_process => |t| Attack::tool("kill", json!({ "pid": pid(t), "number": 9 })).leaves(Targets::victim_died);
    probes_another_process => |t| Attack::tool("kill", json!({ "pid": pid(t), "number": 0 }));
    traces_another_process => |t| syscall("ptrace", 101, &[json!(0x4206), pid(t), json!(0), json!(0)]);
    reads_memory_of_another_process => |t| Attack::raw("process_vm_readv", json!({ "pid": pid(t) }));
    takes_a_descriptor_of_another_process => |t| Attack::raw("pidfd_getfd", json!({ "pid": pid(t) }));
    raises_limits_of_another_process => |t| syscall("prlimit64", 302, &[pid(t), json!(7), words(&[64, 64]), json!(0)]).unrecorded();
    compares_processes => |t| syscall("kcmp", 312, &[pid(t), pid(t), json!(0), json!(0), json!(0)]).needs("ENOSYS", "CONFIG_KCMP");

    // Execution from memory.
    executes_from_memory_by_descriptor => |_t| Attack::raw("memfd_exec", json!({ "by": "proc" }));
    executes_from_memory_by_execveat => |_t| Attack::raw("memfd_exec", json!({ "by": "execveat" }));

    // The kernel's own doors.
    sets_up_io_uring => |_t| syscall("io_uring_setup", 425, &[json!(8), zeros(120)]).needs("ENOSYS", "CONFIG_IO_URING").needs("EPERM", "kernel.io_uring_disabled=0");
    unshares_a_user_namespace => |_t| syscall("unshare", 272, &[json!(0x1000_0000)]).needs("EPERM", "unprivileged user namespaces");
    unshares_a_mount_namespace => |_t| syscall("unshare", 272, &[json!(0x2_0000)]).needs("EPERM", "CAP_SYS_ADMIN");
    clones_into_a_user_namespace => |_t| syscall("clone", 56, &[json!(0x1000_0011), json!(0), json!(0), json!(0), json!(0)]).needs("EPERM", "unprivileged user namespaces");
    clones_3_into_a_user_namespace => |_t| syscall("clone3", 435, &[words(&[0x1000_0000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0]), json!(88)]).needs("EPERM", "unprivileged user namespaces").unrecorded();
    types_into_a_terminal => |_t| Attack::raw("tiocsti", json!({ "high": 0 })).needs("EIO", "dev.tty.legacy_tiocsti=1");
    types_into_a_terminal_with_high_bits => |_t| Attack::raw("tiocsti", json!({ "high": 1 })).needs("EIO", "dev.tty.legacy_tiocsti=1");
    makes_a_bpf_map => |_t| syscall("bpf", 321, &[json!(0), words(&[0x4_0000_0002, 0x1_0000_0004, 0, 0, 0, 0, 0, 0, 0]), json!(72)]).needs("EPERM", "CAP_BPF");
    opens_a_performance_event => |_t| syscall("perf_event_open", 298, &[words(&[0x70_0000_0001, 0, 0, 0, 0, 0x60, 0, 0, 0, 0, 0, 0, 0, 0]), json!(0), json!(-1), json!(-1), json!(0)])
        .needs("EACCES", "kernel.perf_event_paranoid<3").needs("ENOSYS", "CONFIG_PERF_EVENTS").needs("ENOENT", "a software clock event");
    handles_page_faults => |_t| syscall("userfaultfd", 323, &[json!(1)]).needs("ENOSYS", "CONFIG_USERFAULTFD");
    finds_its_session_keyring => |_t| syscall("keyctl", 250, &[json!(0), json!(-3), json!(1)]).needs("ENOSYS", "CONFIG_KEYS");
    adds_a_key => |_t| syscall("add_key", 248, &[json!({ "text": "user" }), json!({ "text": "k" }), json!({ "text": "v" }), json!(1), json!(-1)]).needs("ENOSYS", "CONFIG_KEYS");
    becomes_another_personality => |_t| syscall("personality", 135, &[json!(0x004_0000)]);
    changes_its_root => |t| syscall("chroot", 161, &[json!({ "text": t.scene.workspace() })]).needs("EPERM", "CAP_SYS_CHROOT");
    makes_a_device => |t| syscall("mknod", 133, &[json!({ "text": t.scene.workspace().join("null") }), json!(0o20_666), json!(0x103)])
        .needs("EPERM", "CAP_MKNOD").unrecorded().leaves(|t| t.scene.workspace().join("null").exists());
    mounts => |t| syscall("mount", 165, &[json!({ "text": "none" }), json!({ "text": t.scene.workspace() }), json!({ "text": "no-such-type" }), json!(0), json!(0)])
        .bare("ENODEV").needs("EPERM", "CAP_SYS_ADMIN");
    opens_a_file_by_handle => |_t| syscall("open_by_handle_at", 304, &[json!(-100), zeros(16), json!(0)]).bare("EINVAL").needs("EPERM", "CAP_DAC_READ_SEARCH");
    loads_a_module => |_t| syscall("init_module", 175, &[zeros(16), json!(16), json!({ "text": "" })]).bare("ENOEXEC").needs("EPERM", "CAP_SYS_MODULE").needs("ENOSYS", "CONFIG_MODULES");
    sets_the_clock => |_t| syscall("clock_settime", 227, &[json!(1), words(&[0, 0])]).bare("EINVAL");
    // The kernel's wrong magic numbers: nothing happens but the answer.
    reboots => |_t| syscall("reboot", 169, &[json!(0), json!(0), json!(0), json!(0)]).bare("EINVAL").needs("EPERM", "CAP_SYS_BOOT");

    // Foreign system call tables. A kernel without x32 says ENOSYS; the guard kills on sight.
    calls_by_x32 => |_t| syscall("getpid", 0x4000_0000 + 39, &[]).bare("ENOSYS").or_bare("ok").guarded("SIGSYS").unrecorded();
}

/// `int 0x80` cannot be written in Python.
#[test]
fn calls_by_i386() -> anyhow::Result<()> {
    judge(Runtime::Node, |_| {
        Attack::raw("i386", json!({})).needs("SIGSEGV", "CONFIG_IA32_EMULATION").guarded("SIGSYS")
    })
}

/// Node sends no unix datagrams.
#[test]
fn sends_a_unix_datagram() -> anyhow::Result<()> {
    judge(Runtime::Python, |t| {
        Attack::tool("unix_datagram", json!({ "path": t.datagram_path() })).leaves(Targets::datagram_arrived)
    })
}
