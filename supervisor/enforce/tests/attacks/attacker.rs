//! What a malicious server does. Each attack runs in a process of its own, bare or under the guard.
#![expect(unsafe_code, reason = "an attacker makes the system calls that safe code has no names for")]
#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "each call is made with pointers to its own live locals"
)]

use std::ffi::CString;
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// Exit code: the attack came through.
pub(crate) const THROUGH: i32 = 0;
/// Exit code: the kernel refused it; standard output has the errno.
pub(crate) const REFUSED: i32 = 10;
/// Exit code: the attack is not what it should be.
pub(crate) const BROKEN: i32 = 20;

/// Runs the attack and tells by the exit code how it went.
pub(crate) fn main(name: &str, arguments: &[String]) -> i32 {
    match attack(name, arguments) {
        Ok(()) => THROUGH,
        Err(error) if error.kind() == ErrorKind::Other => {
            eprintln!("{error}");
            BROKEN
        }
        Err(error) => {
            print!("{}", error.raw_os_error().unwrap_or(0));
            REFUSED
        }
    }
}

fn attack(name: &str, arguments: &[String]) -> Result<()> {
    let argument =
        |at: usize| arguments.get(at).map(String::as_str).ok_or_else(|| Error::other("argument missing"));
    let number = |at: usize| argument(at)?.parse::<u64>().map_err(Error::other);
    match name {
        "read" => File::open(argument(0)?)?.read(&mut [0; 1]).map(drop),
        "open" => File::open(argument(0)?).map(drop),
        "read-link" => std::fs::read_link(argument(0)?).map(drop),
        "list" => std::fs::read_dir(argument(0)?).map(drop),
        "write" => std::fs::write(argument(0)?, "owned"),
        "append" => File::options().append(true).open(argument(0)?)?.write_all(b"owned"),
        "truncate" => call(libc::SYS_truncate, &[path(argument(0)?)?.as_ptr() as u64, 0]).map(drop),
        "remove" => std::fs::remove_file(argument(0)?),
        "rename" => std::fs::rename(argument(0)?, argument(1)?),
        "link" => std::fs::hard_link(argument(0)?, argument(1)?),
        "mkdir" => std::fs::create_dir(argument(0)?),
        "read-through-link" => read_through_link(argument(0)?, argument(1)?),
        "read-descriptors" => read_descriptors(),
        "see-variable" => see_variable(argument(0)?),
        "connect" => TcpStream::connect((Ipv4Addr::LOCALHOST, port(number(0)?)?)).map(drop),
        "listen" => TcpListener::bind((Ipv4Addr::LOCALHOST, port(number(0)?)?)).map(drop),
        "send-udp" => send_udp(port(number(0)?)?),
        "fast-open" => fast_open(port(number(0)?)?),
        "change-protocol" => change_protocol(port(number(0)?)?),
        "socket" => socket(number(0)?, number(1)?, number(2)?).map(drop),
        "unix-connect" => UnixStream::connect(argument(0)?).map(drop),
        "abstract-connect" => abstract_connect(argument(0)?),
        "unix-listen" => UnixListener::bind(argument(0)?).map(drop),
        "pair-send" => pair_send(argument(0)?),
        "chmod" => call(libc::SYS_chmod, &[path(argument(0)?)?.as_ptr() as u64, number(1)?]).map(drop),
        "chmod-open" => {
            let file = File::open(argument(0)?)?;
            call(libc::SYS_fchmod, &[file.as_raw_fd() as u64, number(1)?]).map(drop)
        }
        "chmod-at" => chmod_at(argument(0)?, argument(1)?, number(2)?),
        "chmod-self" => {
            let file = File::open(argument(0)?)?;
            let name = path(&format!("/proc/self/fd/{}", file.as_raw_fd()))?;
            call(libc::SYS_fchmodat, &[cwd(), name.as_ptr() as u64, number(1)?]).map(drop)
        }
        "kill" => call(libc::SYS_kill, &[number(0)?, number(1)?]).map(drop),
        "limit-other" => {
            call(libc::SYS_prlimit64, &[number(0)?, u64::from(libc::RLIMIT_NOFILE), 0, 0]).map(drop)
        }
        "slow-other" => call(libc::SYS_setpriority, &[0, number(0)?, 19]).map(drop),
        "trace" => call(libc::SYS_ptrace, &[u64::from(libc::PTRACE_SEIZE), number(0)?, 0, 0]).map(drop),
        "read-memory" => read_memory(number(0)?),
        "take-descriptor" => take_descriptor(number(0)?),
        "memory-file" => run_memory_file(0),
        "sealed-memory-file" => run_memory_file(0x8),
        "run-unlinked" => run_unlinked(argument(0)?),
        "run-written" => run_written(argument(0)?),
        "run" => execute(argument(0)?),
        "empty-path" => empty_path(),
        "io-uring" => call(libc::SYS_io_uring_setup, &[1, [0_u8; 128].as_ptr() as u64]).map(drop),
        "unshare" => call(libc::SYS_unshare, &[number(0)?]).map(drop),
        "clone-namespace" => clone_child(number(0)?),
        "clone3" => clone3(),
        "mount" => mount(),
        "chroot" => call(libc::SYS_chroot, &[c"/".as_ptr() as u64]).map(drop),
        "type-into-terminal" => {
            call(libc::SYS_ioctl, &[0, 0xdead_beef_0000_5412, b"x".as_ptr() as u64]).map(drop)
        }
        "x32" => call(0x4000_0000 | libc::SYS_getppid, &[]).map(drop).or_else(absent),
        "i386" => i386_getpid(),
        "filter" => call(libc::SYS_seccomp, &[2, 0, [0_u8; 4].as_ptr() as u64]).map(drop),
        "keyring" => call(libc::SYS_keyctl, &[0, u64::from((-3_i32).cast_unsigned()), 1]).map(drop),
        "handle" => handle(),
        "userfaultfd" => call(libc::SYS_userfaultfd, &[1]).map(drop),
        "bpf" => call(libc::SYS_bpf, &[0, [0_u32, 1, 4, 4, 1].as_ptr() as u64, 20]).map(drop),
        "perf" => perf(),
        "personality" => call(libc::SYS_personality, &[0x0040_0000]).map(drop),
        "shared-memory" => call(libc::SYS_shmget, &[0, 4096, 0o1600]).map(drop),
        "device" => call(libc::SYS_mknodat, &[cwd(), path(argument(0)?)?.as_ptr() as u64, 0o020_600, 0x0103])
            .map(drop),
        "fifo" => {
            call(libc::SYS_mknodat, &[cwd(), path(argument(0)?)?.as_ptr() as u64, 0o010_600, 0]).map(drop)
        }
        "own-files" => {
            call(libc::SYS_fchownat, &[cwd(), path(argument(0)?)?.as_ptr() as u64, 0, 0, 0]).map(drop)
        }
        "raise-limit" => raise_limit(),
        "open-many" => open_many(number(0)?),
        "allocate" => allocate(number(0)?),
        "fork-many" => fork_many(number(0)?),
        "write-much" => write_much(argument(0)?, number(1)?),
        "sleep" => {
            std::thread::sleep(std::time::Duration::from_secs(number(0)?));
            Ok(())
        }
        other => match crate::caller::run(other, arguments) {
            Some(result) => result,
            None => crate::families::run(other, arguments),
        },
    }
}

/// One system call with up to six arguments.
pub(crate) fn call(number: i64, arguments: &[u64]) -> Result<i64> {
    let at = |index: usize| arguments.get(index).copied().unwrap_or(0);
    match unsafe { libc::syscall(number, at(0), at(1), at(2), at(3), at(4), at(5)) } {
        -1 => Err(Error::last_os_error()),
        result => Ok(result),
    }
}

fn cwd() -> u64 {
    i64::from(libc::AT_FDCWD).cast_unsigned()
}

fn path(text: &str) -> Result<CString> {
    CString::new(text).map_err(Error::other)
}

fn port(number: u64) -> Result<u16> {
    u16::try_from(number).map_err(Error::other)
}

/// A call that this kernel does not have: not refused by anybody.
fn absent(error: Error) -> Result<()> {
    if error.raw_os_error() == Some(libc::ENOSYS) { Ok(()) } else { Err(error) }
}

fn own(descriptor: i64) -> Result<OwnedFd> {
    let descriptor = RawFd::try_from(descriptor).map_err(Error::other)?;
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn socket(family: u64, kind: u64, protocol: u64) -> Result<OwnedFd> {
    own(call(libc::SYS_socket, &[family, kind, protocol])?)
}

fn read_through_link(link: &str, target: &str) -> Result<()> {
    std::os::unix::fs::symlink(target, link)?;
    File::open(link)?.read(&mut [0; 1]).map(drop)
}

/// By a relative path, from an open directory, without following a last symlink.
fn chmod_at(directory: &str, name: &str, mode: u64) -> Result<()> {
    const FCHMODAT2: i64 = 452;
    let directory = File::open(directory)?;
    let (number, name) = (directory.as_raw_fd() as u64, path(name)?);
    call(FCHMODAT2, &[number, name.as_ptr() as u64, mode, 0x100]).map(drop)
}

/// Looks for a descriptor that nobody meant to pass.
fn read_descriptors() -> Result<()> {
    match (3..1024).find(|descriptor| unsafe { libc::fcntl(*descriptor, libc::F_GETFD) } != -1) {
        Some(_) => Ok(()),
        None => Err(Error::from_raw_os_error(libc::EBADF)),
    }
}

fn see_variable(name: &str) -> Result<()> {
    std::env::var_os(name).map(drop).ok_or_else(|| Error::from_raw_os_error(libc::ENOENT))
}

fn send_udp(port: u16) -> Result<()> {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.send_to(b"secret", (Ipv4Addr::LOCALHOST, port)).map(drop)
}

fn address(port: u16) -> libc::sockaddr_in {
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: to.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(to.ip().octets()) },
        sin_zero: [0; 8],
    }
}

/// Connects by sending (`MSG_FASTOPEN`).
fn fast_open(port: u16) -> Result<()> {
    let socket = socket(2, 1, 0)?;
    let (to, text) = (address(port), *b"GET /");
    let length = size_of_val(&to) as u64;
    let to = (&raw const to) as u64;
    call(libc::SYS_sendto, &[socket.as_raw_fd() as u64, text.as_ptr() as u64, 5, 0x2000_0000, to, length])
        .map(drop)
}

/// Asks for another protocol on top of TCP (`TCP_ULP`).
fn change_protocol(port: u16) -> Result<()> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let name = *b"tls\0";
    call(libc::SYS_setsockopt, &[stream.as_raw_fd() as u64, 6, 31, name.as_ptr() as u64, 4])
        .map(drop)
        .or_else(|error| {
            // Without the kernel module there is no such protocol, but nobody refused the question.
            if error.raw_os_error() == Some(libc::ENOENT) { Ok(()) } else { Err(error) }
        })
}

fn abstract_connect(name: &str) -> Result<()> {
    use std::os::linux::net::SocketAddrExt;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
    UnixStream::connect_addr(&address).map(drop)
}

/// Sends from one end of a datagram pair to a socket by path, without ever connecting.
fn pair_send(to: &str) -> Result<()> {
    let mut pair = [0_i32; 2];
    call(libc::SYS_socketpair, &[1, 2, 0, pair.as_mut_ptr() as u64])?;
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as u16;
    for (slot, byte) in address.sun_path.iter_mut().zip(to.bytes()) {
        *slot = byte.cast_signed();
    }
    let length = size_of_val(&address) as u64;
    let (text, address) = (*b"secret", (&raw const address) as u64);
    call(libc::SYS_sendto, &[pair[0] as u64, text.as_ptr() as u64, 6, 0, address, length]).map(drop)
}

fn read_memory(process: u64) -> Result<()> {
    let maps = call(libc::SYS_getpid, &[])?;
    let mut byte = [0_u8; 1];
    let local = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    // The program is the same one and not at a fixed place; a fault is as good an answer as a byte.
    let remote = libc::iovec { iov_base: std::ptr::without_provenance_mut(4096), iov_len: 1 };
    let (local, remote) = ((&raw const local) as u64, (&raw const remote) as u64);
    let result = call(libc::SYS_process_vm_readv, &[process, local, 1, remote, 1, 0]);
    match result {
        Err(error) if error.raw_os_error() == Some(libc::EFAULT) && maps > 0 => Ok(()),
        other => other.map(drop),
    }
}

fn take_descriptor(process: u64) -> Result<()> {
    let handle = own(call(libc::SYS_pidfd_open, &[process, 0])?)?;
    call(libc::SYS_pidfd_getfd, &[handle.as_raw_fd() as u64, 0, 0]).map(drop)
}

/// A program that exits with 0, as a file in memory.
fn run_memory_file(flags: u64) -> Result<()> {
    let file = own(call(libc::SYS_memfd_create, &[c"payload".as_ptr() as u64, flags])?)?;
    let mut file = File::from(file);
    std::io::copy(&mut File::open("/usr/bin/true")?, &mut file)?;
    execute(&format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn run_unlinked(directory: &str) -> Result<()> {
    let at = Path::new(directory).join("payload");
    std::fs::copy("/usr/bin/true", &at)?;
    std::fs::set_permissions(&at, PermissionsExt::from_mode(0o755))?;
    let file = File::open(&at)?;
    std::fs::remove_file(&at)?;
    execute(&format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn run_written(directory: &str) -> Result<()> {
    let at = Path::new(directory).join("payload.sh");
    std::fs::write(&at, "#!/bin/sh\nexit 0\n")?;
    std::fs::set_permissions(&at, PermissionsExt::from_mode(0o755))?;
    execute(&at.display().to_string())
}

/// Becomes the program, which exits with 0. Comes back only if the kernel refuses.
fn execute(program: &str) -> Result<()> {
    let program = path(program)?;
    let arguments = [program.as_ptr(), std::ptr::null()];
    call(libc::SYS_execve, &[program.as_ptr() as u64, arguments.as_ptr() as u64, 0]).map(drop)
}

fn empty_path() -> Result<()> {
    let file = File::open("/usr/bin/true")?;
    let arguments = [c"true".as_ptr(), std::ptr::null()];
    let descriptor = file.as_raw_fd() as u64;
    call(libc::SYS_execveat, &[descriptor, c"".as_ptr() as u64, arguments.as_ptr() as u64, 0, 0x1000])
        .map(drop)
}

/// `clone` with these flags; the child ends at once.
fn clone_child(flags: u64) -> Result<()> {
    match call(libc::SYS_clone, &[flags | libc::SIGCHLD as u64, 0, 0, 0, 0])? {
        0 => unsafe { libc::_exit(0) },
        child => call(libc::SYS_wait4, &[child.cast_unsigned(), 0, 0, 0]).map(drop),
    }
}

fn clone3() -> Result<()> {
    let mut arguments = [0_u64; 8];
    arguments[4] = libc::SIGCHLD as u64;
    match call(libc::SYS_clone3, &[arguments.as_ptr() as u64, 64])? {
        0 => unsafe { libc::_exit(0) },
        child => call(libc::SYS_wait4, &[child.cast_unsigned(), 0, 0, 0]).map(drop),
    }
}

/// Mounts and unmounts a file system of its own, in a namespace of its own so that the host keeps its mounts.
fn mount() -> Result<()> {
    call(libc::SYS_unshare, &[libc::CLONE_NEWNS as u64])?;
    call(libc::SYS_mount, &[0, c"/".as_ptr() as u64, 0, libc::MS_REC | libc::MS_PRIVATE, 0])?;
    let kind = c"tmpfs".as_ptr() as u64;
    call(libc::SYS_mount, &[kind, c"/mnt".as_ptr() as u64, kind, 0, 0]).map(drop)
}

#[cfg(target_arch = "x86_64")]
fn i386_getpid() -> Result<()> {
    let result: i64;
    unsafe {
        std::arch::asm!("int 0x80", inout("rax") 20_i64 => result, out("r8") _, out("r9") _, out("r10") _, out("r11") _)
    };
    if result > 0 { Ok(()) } else { Err(Error::from_raw_os_error(libc::ENOSYS)) }
}

#[cfg(not(target_arch = "x86_64"))]
fn i386_getpid() -> Result<()> {
    Err(Error::other("not on this architecture"))
}

fn handle() -> Result<()> {
    let mut handle = [0_u8; 136];
    handle[0] = 128;
    let mut mount = 0_i32;
    let (handle, mount) = (handle.as_mut_ptr() as u64, (&raw mut mount) as u64);
    call(libc::SYS_name_to_handle_at, &[cwd(), c"/".as_ptr() as u64, handle, mount, 0])?;
    call(libc::SYS_open_by_handle_at, &[cwd(), handle, 0]).map(drop)
}

fn perf() -> Result<()> {
    let mut attributes = [0_u64; 16];
    attributes[0] = 1 | (128 << 32);
    call(libc::SYS_perf_event_open, &[attributes.as_ptr() as u64, 0, u64::MAX, u64::MAX, 0]).map(drop)
}

fn raise_limit() -> Result<()> {
    let limit = [100_u64, 100];
    call(libc::SYS_prlimit64, &[0, u64::from(libc::RLIMIT_NOFILE), limit.as_ptr() as u64, 0]).map(drop)
}

fn open_many(count: u64) -> Result<()> {
    (0..count).map(|_| File::open("/dev/null")).collect::<Result<Vec<_>>>().map(drop)
}

fn allocate(bytes: u64) -> Result<()> {
    let size = usize::try_from(bytes).map_err(Error::other)?;
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let memory = unsafe { libc::mmap(std::ptr::null_mut(), size, protection, flags, -1, 0) };
    if memory == libc::MAP_FAILED { Err(Error::last_os_error()) } else { Ok(()) }
}

fn fork_many(count: u64) -> Result<()> {
    for _ in 0..count {
        if unsafe { libc::fork() } == 0 {
            std::thread::sleep(std::time::Duration::from_secs(5));
            unsafe { libc::_exit(0) }
        }
    }
    match unsafe { libc::fork() } {
        -1 => Err(Error::last_os_error()),
        0 => unsafe { libc::_exit(0) },
        _ => Ok(()),
    }
}

fn write_much(at: &str, bytes: u64) -> Result<()> {
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    let mut file = File::create(at)?;
    std::io::copy(&mut std::io::repeat(0).take(bytes), &mut file).map(drop)
}
