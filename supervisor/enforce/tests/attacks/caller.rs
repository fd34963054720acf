//! A server that uses the network in every way that a program can, allowed or not. Each way runs in a process of its own,
//! bare or under the guard, and tells on standard output what it saw.
#![expect(
    unsafe_code,
    reason = "these are the bare system calls, with addresses as a program may write them"
)]
#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "each call is made with pointers to its own live locals"
)]

use std::io::{Error, Result};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::attacker::call;

/// `sendmsg` and its kin want structures; these are their sizes.
const MMSGHDR: usize = 64;

/// Runs the way that has this name; `None` if there is none.
pub(crate) fn run(name: &str, words: &[String]) -> Option<Result<()>> {
    let to = || address(&words[0]);
    Some(match name {
        "net-connect" => stream(to()).and_then(|socket| connect(&socket, to())),
        "net-connect-nonblocking" => connect_nonblocking(to()),
        "net-connect-mapped" => {
            socket(libc::AF_INET6, libc::SOCK_STREAM).and_then(|socket| connect(&socket, mapped(to())))
        }
        "net-connect-udp" => datagram(to()).and_then(|socket| connect(&socket, to())),
        "net-connect-timeout" => connect_timeout(to()),
        "net-connect-alarm" => connect_alarm(to()),
        "net-connect-stuck" => connect_stuck(to(), &words[1]),
        "net-send" => send_by(&words[1], to()),
        "net-send-unspecified" => send_unspecified(to()),
        "net-echo" => echo(to()),
        "net-batch" => batch(words),
        "net-disconnect" => disconnect(to()),
        "net-peer" => peer(&words[0], to_tcp(&words[0])),
        "net-swap-memory" => swap_memory(address(&words[0]), address(&words[1])),
        "net-swap-socket" => swap_socket(address(&words[0]), address(&words[1])),
        "net-threads" => threads(to()),
        "net-listen-unbound" => {
            stream(to()).and_then(|socket| call(libc::SYS_listen, &[fd(&socket), 1]).map(drop))
        }
        "net-bind" => datagram(to()).and_then(|socket| bind(&socket, to())),
        "net-source-route" => source_route(to()),
        "net-interfaces" => interfaces(),
        "net-add-address" => add_address(),
        "net-notifier" => notifier(),
        "net-many" => many(to(), &words[1]),
        "net-undumpable" => {
            unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0) };
            stream(to()).and_then(|socket| connect(&socket, to()))
        }
        "net-when-told" => {
            let mut byte = [0];
            std::io::Read::read(&mut std::io::stdin(), &mut byte)
                .and_then(|_| stream(to()))
                .and_then(|socket| connect(&socket, to()))
        }
        "net-ask" => ask(to()),
        "net-nonsense" => nonsense(to()),
        "net-receive-timeout" => receive_timeout(to()),
        "net-connect-restart" => connect_restart(to()),
        "net-orphan" => orphan(to(), &words[1]),
        _ => return crate::unix_caller::run(name, words),
    })
}

pub(crate) fn fd(socket: &OwnedFd) -> u64 {
    socket.as_raw_fd() as u64
}

fn to_tcp(word: &str) -> Vec<u8> {
    address(word)
}

/// A socket address as the kernel takes it.
fn address(word: &str) -> Vec<u8> {
    bytes_of(word.parse().expect("an address and a port"))
}

fn bytes_of(address: SocketAddr) -> Vec<u8> {
    let (family, port) = (if address.is_ipv4() { 2_u16 } else { 10 }, address.port().to_be_bytes());
    let mut bytes = [family.to_ne_bytes(), port].concat();
    match address {
        SocketAddr::V4(v4) => bytes.extend([&v4.ip().octets()[..], &[0; 8]].concat()),
        SocketAddr::V6(v6) => bytes.extend([&[0; 4][..], &v6.ip().octets(), &[0; 4]].concat()),
    }
    bytes
}

fn mapped(v4: Vec<u8>) -> Vec<u8> {
    let mut bytes = [&10_u16.to_ne_bytes()[..], &v4[2..4], &[0; 4], &[0; 10], &[0xff; 2]].concat();
    bytes.extend(&v4[4..8]);
    bytes.extend([0; 4]);
    bytes
}

pub(crate) fn socket(family: i32, kind: i32) -> Result<OwnedFd> {
    let number = call(libc::SYS_socket, &[family as u64, kind as u64, 0])?;
    Ok(unsafe { OwnedFd::from_raw_fd(number as RawFd) })
}

fn stream(to: Vec<u8>) -> Result<OwnedFd> {
    socket(i32::from(to[0]), libc::SOCK_STREAM)
}

fn datagram(to: Vec<u8>) -> Result<OwnedFd> {
    socket(i32::from(to[0]), libc::SOCK_DGRAM)
}

pub(crate) fn connect(socket: &OwnedFd, to: Vec<u8>) -> Result<()> {
    call(libc::SYS_connect, &[fd(socket), to.as_ptr() as u64, to.len() as u64]).map(drop)
}

pub(crate) fn bind(socket: &OwnedFd, to: Vec<u8>) -> Result<()> {
    call(libc::SYS_bind, &[fd(socket), to.as_ptr() as u64, to.len() as u64]).map(drop)
}

fn set_nonblocking(socket: &OwnedFd) -> Result<()> {
    call(libc::SYS_fcntl, &[fd(socket), libc::F_SETFL as u64, libc::O_NONBLOCK as u64]).map(drop)
}

/// Connects, waits until it is writable, and asks what came of it.
fn connect_nonblocking(to: Vec<u8>) -> Result<()> {
    let socket = stream(to.clone())?;
    set_nonblocking(&socket)?;
    match connect(&socket, to) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(error),
        _ => {}
    }
    let mut poll = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
    call(libc::SYS_poll, &[(&raw mut poll) as u64, 1, 2000])?;
    let (mut error, mut length) = (0_i32, 4_u32);
    let (error_at, length_at) = ((&raw mut error) as u64, (&raw mut length) as u64);
    call(libc::SYS_getsockopt, &[fd(&socket), 1, libc::SO_ERROR as u64, error_at, length_at])?;
    let flags = call(libc::SYS_fcntl, &[fd(&socket), libc::F_GETFL as u64])?;
    print!("{}", flags & i64::from(libc::O_NONBLOCK) != 0);
    if error == 0 { Ok(()) } else { Err(Error::from_raw_os_error(error)) }
}

/// To a peer that does not answer, for 300 ms.
fn connect_timeout(to: Vec<u8>) -> Result<()> {
    let socket = stream(to.clone())?;
    let patience = [0_u64, 300_000];
    let at = patience.as_ptr() as u64;
    call(libc::SYS_setsockopt, &[fd(&socket), 1, libc::SO_SNDTIMEO as u64, at, 16])?;
    let begun = std::time::Instant::now();
    let result = connect(&socket, to);
    let took = begun.elapsed();
    let right = took >= Duration::from_millis(290) && took < Duration::from_millis(1500);
    eprintln!("{took:?}");
    if right { result } else { Err(Error::other(format!("it took {took:?}"))) }
}

/// To a peer that does not answer, until an alarm.
fn connect_alarm(to: Vec<u8>) -> Result<()> {
    extern "C" fn hear(_: i32) {}
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = hear as *const () as usize;
    unsafe { libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut()) };
    let socket = stream(to.clone())?;
    unsafe { libc::alarm(1) };
    let begun = std::time::Instant::now();
    let result = connect(&socket, to);
    let took = begun.elapsed();
    let right = took >= Duration::from_millis(900) && took < Duration::from_secs(3);
    if right { result } else { Err(Error::other(format!("it took {took:?}: {result:?}"))) }
}

/// To a peer that does not answer, with a signal whose handler lets calls go on: it goes on.
fn connect_restart(to: Vec<u8>) -> Result<()> {
    extern "C" fn hear(_: i32) {}
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = hear as *const () as usize;
    action.sa_flags = libc::SA_RESTART;
    unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()) };
    let (tell, thread) = std::sync::mpsc::channel();
    let over: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
    std::thread::spawn(move || {
        let socket = stream(to.clone())?;
        tell.send(call(libc::SYS_gettid, &[])?).map_err(Error::other)?;
        let result = connect(&socket, to);
        over.store(true, Ordering::Relaxed);
        result
    });
    let (process, thread) = (call(libc::SYS_getpid, &[])?, thread.recv().map_err(Error::other)?);
    for _ in 0..2 {
        std::thread::sleep(Duration::from_millis(300));
        call(libc::SYS_tgkill, &[process as u64, thread as u64, libc::SIGUSR1 as u64])?;
    }
    std::thread::sleep(Duration::from_millis(400));
    print!("{}", if over.load(Ordering::Relaxed) { "over" } else { "waits" });
    Ok(())
}

/// Waits for a datagram with its source that nobody sends, for 300 ms.
fn receive_timeout(to: Vec<u8>) -> Result<()> {
    let socket = datagram(to)?;
    let patience = [0_u64, 300_000];
    let at = patience.as_ptr() as u64;
    call(libc::SYS_setsockopt, &[fd(&socket), 1, libc::SO_RCVTIMEO as u64, at, 16])?;
    let (mut answer, mut source, mut room) = ([0_u8; 64], [0_u8; 28], 28_u32);
    let places = [answer.as_mut_ptr() as u64, source.as_mut_ptr() as u64, (&raw mut room) as u64];
    let begun = std::time::Instant::now();
    let result = call(libc::SYS_recvfrom, &[fd(&socket), places[0], 64, 0, places[1], places[2]]);
    let took = begun.elapsed();
    let right = took >= Duration::from_millis(290) && took < Duration::from_millis(1500);
    if right { result.map(drop) } else { Err(Error::other(format!("it took {took:?}"))) }
}

/// Calls that are wrong in one way each; tells every errno.
fn nonsense(to: Vec<u8>) -> Result<()> {
    let (tcp, udp, file) = (stream(to.clone())?, datagram(to.clone())?, std::fs::File::open("/dev/null")?);
    let (tcp, udp, file) = (fd(&tcp), fd(&udp), file.as_raw_fd() as u64);
    let (at, length) = (to.as_ptr() as u64, to.len() as u64);
    let (nowhere, minus) = (8_u64, u64::MAX);
    let mut length_at = 28_u32;
    let length_at = (&raw mut length_at) as u64;
    let header = [0, 0, nowhere, 1, 0, 0, 0_u64];
    let crowded = [0, 0, at, 2000, 0, 0, 0_u64];
    let empty = [0_u64; 7];
    let pointer = |words: &[u64; 7]| words.as_ptr() as u64;
    let calls: [(i64, [u64; 6]); 22] = [
        (libc::SYS_connect, [minus, at, length, 0, 0, 0]),
        (libc::SYS_connect, [file, at, length, 0, 0, 0]),
        (libc::SYS_connect, [tcp, nowhere, length, 0, 0, 0]),
        (libc::SYS_connect, [tcp, at, 200, 0, 0, 0]),
        (libc::SYS_connect, [tcp, at, minus, 0, 0, 0]),
        (libc::SYS_connect, [tcp, at, 1, 0, 0, 0]),
        (libc::SYS_connect, [tcp, at, 0, 0, 0, 0]),
        (libc::SYS_connect, [tcp, at, 8, 0, 0, 0]),
        (libc::SYS_bind, [tcp, nowhere, length, 0, 0, 0]),
        (libc::SYS_bind, [tcp, at, 3, 0, 0, 0]),
        (libc::SYS_bind, [file, at, length, 0, 0, 0]),
        (libc::SYS_getpeername, [tcp, at, length_at, 0, 0, 0]),
        (libc::SYS_getpeername, [minus, at, length_at, 0, 0, 0]),
        (libc::SYS_sendto, [udp, nowhere, 8, 0, at, length]),
        (libc::SYS_sendto, [udp, at, 8, 0, nowhere, length]),
        (libc::SYS_sendto, [udp, at, 8, 0, at, 0]),
        (libc::SYS_sendto, [udp, at, 8, 0, at, 4]),
        (libc::SYS_sendmsg, [udp, nowhere, 0, 0, 0, 0]),
        (libc::SYS_sendmsg, [udp, pointer(&header), 0, 0, 0, 0]),
        (libc::SYS_sendmsg, [udp, pointer(&crowded), 0, 0, 0, 0]),
        (libc::SYS_sendmsg, [udp, pointer(&empty), 0, 0, 0, 0]),
        (libc::SYS_sendmmsg, [udp, nowhere, 2, 0, 0, 0]),
    ];
    for (number, arguments) in calls {
        let error = call(number, &arguments).err().and_then(|error| error.raw_os_error());
        print!("{number}:{} ", error.unwrap_or(0));
    }
    Ok(())
}

/// Children that connect to a peer that does not answer; they are killed after a while.
fn connect_stuck(to: Vec<u8>, count: &str) -> Result<()> {
    let count: usize = count.parse().map_err(Error::other)?;
    let mut children = Vec::new();
    for _ in 0..count {
        match unsafe { libc::fork() } {
            0 => {
                let _ = stream(to.clone()).and_then(|socket| connect(&socket, to));
                unsafe { libc::_exit(0) }
            }
            child => children.push(child),
        }
    }
    std::thread::sleep(Duration::from_millis(300));
    for child in children {
        unsafe { libc::kill(child, libc::SIGKILL) };
        unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    }
    // Time to be forgotten.
    std::thread::sleep(Duration::from_millis(400));
    Ok(())
}

/// One datagram by each of the calls.
fn send_by(way: &str, to: Vec<u8>) -> Result<()> {
    let socket = datagram(to.clone())?;
    let text = *b"datagram";
    let part = [text.as_ptr() as u64, text.len() as u64];
    let name = (to.as_ptr() as u64, to.len() as u64);
    let header = [name.0, name.1, part.as_ptr() as u64, 1, 0, 0, 0];
    let sent = match way {
        "sendto" => call(libc::SYS_sendto, &[fd(&socket), part[0], part[1], 0, name.0, name.1]),
        "sendmsg" => call(libc::SYS_sendmsg, &[fd(&socket), header.as_ptr() as u64, 0]),
        _ => {
            let entry: Vec<u64> = header.into_iter().chain([0]).collect();
            let sent = call(libc::SYS_sendmmsg, &[fd(&socket), entry.as_ptr() as u64, 1, 0])?;
            return if sent == 1 && entry[7] as u32 == 8 { Ok(()) } else { Err(Error::other("not sent")) };
        }
    }?;
    if sent == 8 { Ok(()) } else { Err(Error::other(format!("{sent} bytes"))) }
}

/// `AF_UNSPEC`, which the kernel takes for IPv4 when a datagram is sent.
fn send_unspecified(mut to: Vec<u8>) -> Result<()> {
    let socket = datagram(to.clone())?;
    to[..2].fill(0);
    let text = *b"datagram";
    let (at, length) = (to.as_ptr() as u64, to.len() as u64);
    call(libc::SYS_sendto, &[fd(&socket), text.as_ptr() as u64, 8, 0, at, length]).map(drop)
}

/// A datagram there and back, received with its source; the socket blocks.
fn echo(to: Vec<u8>) -> Result<()> {
    let socket = datagram(to.clone())?;
    let text = *b"datagram";
    let (at, length) = (to.as_ptr() as u64, to.len() as u64);
    call(libc::SYS_sendto, &[fd(&socket), text.as_ptr() as u64, 8, 0, at, length])?;
    let (mut answer, mut source, mut room) = ([0_u8; 64], [0_u8; 28], 28_u32);
    let places = [answer.as_mut_ptr() as u64, source.as_mut_ptr() as u64, (&raw mut room) as u64];
    let count = call(libc::SYS_recvfrom, &[fd(&socket), places[0], 64, 0, places[1], places[2]])?;
    let right = count == 8 && answer[..8] == text && room as usize == to.len() && source[2..8] == to[2..8];
    if right { Ok(()) } else { Err(Error::other(format!("{count} {answer:?} {source:?} {room}"))) }
}

/// One batch to several peers; how many were sent, and the errno of the next one alone.
fn batch(words: &[String]) -> Result<()> {
    let peers: Vec<Vec<u8>> = words.iter().map(|word| address(word)).collect();
    let socket = datagram(peers[0].clone())?;
    let text = *b"datagram";
    let part = [text.as_ptr() as u64, 8];
    let header = |to: &Vec<u8>| [to.as_ptr() as u64, to.len() as u64, part.as_ptr() as u64, 1, 0, 0, 0, 0];
    let entries: Vec<u64> = peers.iter().flat_map(header).collect();
    let (at, count) = (entries.as_ptr() as u64, peers.len() as u64);
    let sent = call(libc::SYS_sendmmsg, &[fd(&socket), at, count, 0])? as usize;
    print!("{sent} ");
    if sent == peers.len() {
        return Ok(());
    }
    let rest = at + (sent * MMSGHDR) as u64;
    call(libc::SYS_sendmmsg, &[fd(&socket), rest, count - sent as u64, 0]).map(drop)
}

/// A datagram socket is connected, then disconnected by `AF_UNSPEC`, and then has no peer.
fn disconnect(to: Vec<u8>) -> Result<()> {
    let socket = datagram(to.clone())?;
    connect(&socket, to.clone())?;
    let mut none = to;
    none[..2].fill(0);
    connect(&socket, none)?;
    let text = *b"datagram";
    call(libc::SYS_sendto, &[fd(&socket), text.as_ptr() as u64, 8, 0, 0, 0]).map(drop)
}

/// Tells whom it is connected to, with room for all and for four bytes of it.
fn peer(word: &str, to: Vec<u8>) -> Result<()> {
    let socket = stream(to.clone())?;
    connect(&socket, to.clone())?;
    for room in [128_u32, 4, 0] {
        let (mut name, mut length) = ([0xaa_u8; 128], room);
        let places = [name.as_mut_ptr() as u64, (&raw mut length) as u64];
        call(libc::SYS_getpeername, &[fd(&socket), places[0], places[1]])?;
        let written = (room as usize).min(to.len());
        let right = length as usize == to.len() && name[..written.min(8)] == to[..written.min(8)];
        if !right || name[written] != 0xaa {
            return Err(Error::other(format!("{word}: {name:?} {length}")));
        }
    }
    Ok(())
}

/// Rounds of a race. The bare run comes through within few.
const ROUNDS: usize = 10_000;

/// A thread that rewrites the address while the call runs.
fn swap_memory(allowed: Vec<u8>, denied: Vec<u8>) -> Result<()> {
    let shared = Box::leak(allowed.clone().into_boxed_slice());
    let (at, length) = (shared.as_mut_ptr() as u64, shared.len() as u64);
    let over: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
    let swapper = std::thread::spawn(move || {
        while !over.load(Ordering::Relaxed) {
            for address in [&denied, &allowed] {
                for (index, byte) in address.iter().enumerate() {
                    unsafe { ((at as *mut u8).add(index)).write_volatile(*byte) };
                }
            }
        }
    });
    let mut connected = 0;
    for _ in 0..ROUNDS {
        let socket = socket(libc::AF_INET, libc::SOCK_STREAM)?;
        connected += usize::from(call(libc::SYS_connect, &[fd(&socket), at, length]).is_ok());
        // Closed hard, so that no port stays taken.
        let linger = [1_i32, 0];
        call(libc::SYS_setsockopt, &[fd(&socket), 1, libc::SO_LINGER as u64, linger.as_ptr() as u64, 8])?;
    }
    over.store(true, Ordering::Relaxed);
    swapper.join().map_err(|_| Error::other("it panicked"))?;
    print!("{}", if connected > 0 { "some" } else { "none" });
    Ok(())
}

/// A thread that puts another socket under the number: `AF_UNSPEC` means "to the peer" to a socket of IPv6, and an IPv4
/// address to one of IPv4.
fn swap_socket(allowed: Vec<u8>, denied: Vec<u8>) -> Result<()> {
    let six = socket(libc::AF_INET6, libc::SOCK_DGRAM)?;
    connect(&six, mapped(allowed))?;
    let four = socket(libc::AF_INET, libc::SOCK_DGRAM)?;
    let number = call(libc::SYS_dup, &[fd(&six)])? as u64;
    let (six_fd, four_fd) = (fd(&six), fd(&four));
    let over: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
    let swapper = std::thread::spawn(move || {
        while !over.load(Ordering::Relaxed) {
            for other in [four_fd, six_fd] {
                let _ = call(libc::SYS_dup3, &[other, number, 0]);
            }
        }
    });
    let mut to = denied;
    to[..2].fill(0);
    let text = *b"datagram";
    for _ in 0..ROUNDS {
        let (at, length) = (to.as_ptr() as u64, to.len() as u64);
        let _ = call(libc::SYS_sendto, &[number, text.as_ptr() as u64, 8, 0, at, length]);
    }
    over.store(true, Ordering::Relaxed);
    swapper.join().map_err(|_| Error::other("it panicked"))
}

/// Threads and children that connect at the same time.
fn threads(to: Vec<u8>) -> Result<()> {
    let connect_some =
        |to: Vec<u8>| (0..25).all(|_| stream(to.clone()).and_then(|s| connect(&s, to.clone())).is_ok());
    let mut children = Vec::new();
    for _ in 0..4 {
        match unsafe { libc::fork() } {
            0 => unsafe { libc::_exit(i32::from(!connect_some(to))) },
            child => children.push(child),
        }
    }
    let threads: Vec<_> =
        (0..4).map(|_| to.clone()).map(|to| std::thread::spawn(move || connect_some(to))).collect();
    let well = threads.into_iter().all(|thread| thread.join().is_ok_and(|well| well));
    for child in children {
        let mut status = 0;
        unsafe { libc::waitpid(child, &raw mut status, 0) };
        if status != 0 {
            return Err(Error::other("a child failed"));
        }
    }
    if well { Ok(()) } else { Err(Error::other("a thread failed")) }
}

/// A routing header (RFC 8754), with which the socket's packets go to another address first. Anybody may ask for it.
fn source_route(to: Vec<u8>) -> Result<()> {
    const ROUTING_HEADER: u64 = 57;
    let socket = datagram(to.clone())?;
    let header = [&[0_u8, 4, 4, 1, 1, 0, 0, 0][..], &to[8..24], &to[8..24]].concat();
    let (at, length) = (header.as_ptr() as u64, header.len() as u64);
    call(libc::SYS_setsockopt, &[fd(&socket), libc::IPPROTO_IPV6 as u64, ROUTING_HEADER, at, length])
        .map(drop)
}

/// The host's addresses, as the C library asks for them by a routing socket.
fn interfaces() -> Result<()> {
    let mut first = std::ptr::null_mut();
    if unsafe { libc::getifaddrs(&raw mut first) } != 0 {
        return Err(Error::last_os_error());
    }
    let (mut count, mut next) = (0, first);
    while let Some(one) = unsafe { next.as_ref() } {
        (count, next) = (count + 1, one.ifa_next);
    }
    unsafe { libc::freeifaddrs(first) };
    print!("{count}");
    Ok(())
}

/// Asks the kernel for another address of the loopback interface, without naming the kernel as the receiver: then it looks
/// at the privileges of whoever makes the call, and not at the socket's.
fn add_address() -> Result<()> {
    for message in [20_u16, 21] {
        let socket = socket(libc::AF_NETLINK, libc::SOCK_RAW)?;
        // RTM_NEWADDR, RTM_DELADDR: 127.0.0.77/32 on interface 1.
        let mut request = [40_u32.to_ne_bytes(), [0; 4], [0; 4], [0; 4]].concat();
        request[4..6].copy_from_slice(&message.to_ne_bytes());
        request[6..8].copy_from_slice(&0x405_u16.to_ne_bytes());
        request.extend([2, 32, 0, 0, 1, 0, 0, 0]);
        request.extend([8, 0, 2, 0, 127, 0, 0, 77]);
        request.extend([8, 0, 1, 0, 127, 0, 0, 77]);
        let length = request.len() as u32;
        request[..4].copy_from_slice(&length.to_ne_bytes());
        let part = [request.as_ptr() as u64, request.len() as u64];
        let header = [0, 0, part.as_ptr() as u64, 1, 0, 0, 0];
        call(libc::SYS_sendmsg, &[fd(&socket), header.as_ptr() as u64, 0])?;
        let mut answer = [0_u8; 256];
        call(libc::SYS_recvfrom, &[fd(&socket), answer.as_mut_ptr() as u64, 256, 0, 0, 0])?;
        let error = i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]);
        if error != 0 {
            return Err(Error::from_raw_os_error(-error));
        }
    }
    Ok(())
}

/// Looks for the descriptor of the reports among its own.
fn notifier() -> Result<()> {
    for entry in std::fs::read_dir("/proc/self/fd")?.flatten() {
        if let Ok(target) = std::fs::read_link(entry.path())
            && target.to_string_lossy().contains("seccomp")
        {
            return Ok(());
        }
    }
    Err(Error::from_raw_os_error(libc::EBADF))
}

/// Connects so many times, and tells how many came through.
fn many(to: Vec<u8>, count: &str) -> Result<()> {
    let count: usize = count.parse().map_err(Error::other)?;
    for done in 0..count {
        if let Err(error) = stream(to.clone()).and_then(|socket| connect(&socket, to.clone())) {
            print!("{done} ");
            return Err(error);
        }
    }
    Ok(())
}

/// Asks a name server by a connected socket, by one that is not, and by TCP, and tells from whom the answers came.
fn ask(to: Vec<u8>) -> Result<()> {
    echo(to.clone())?;
    let socket: UdpSocket = datagram(to.clone())?.into();
    connect(&unsafe { OwnedFd::from_raw_fd(libc::dup(socket.as_raw_fd())) }, to.clone())?;
    socket.send(b"question")?;
    let mut answer = [0; 64];
    let (count, source) = socket.recv_from(&mut answer)?;
    let right = count == 8 && bytes_of(source)[2..8] == to[2..8] && socket.peer_addr()? == source;
    if !right {
        return Err(Error::other(format!("the answer came from {source}")));
    }
    peer("by TCP", to)
}

/// A process in the background that connects, and connects again once it has become another's child.
fn orphan(to: Vec<u8>, outcome: &str) -> Result<()> {
    let parent = unsafe { libc::fork() };
    if parent != 0 {
        unsafe { libc::waitpid(parent, std::ptr::null_mut(), 0) };
        std::thread::sleep(Duration::from_secs(30));
        return Ok(());
    }
    if unsafe { libc::fork() } != 0 {
        unsafe { libc::_exit(0) }
    }
    stream(to.clone()).and_then(|socket| connect(&socket, to.clone()))?;
    let supervisor = loop {
        // The supervisor is its heir.
        match unsafe { libc::getppid() } {
            0 | 1 => std::thread::sleep(Duration::from_millis(1)),
            heir => break heir,
        }
    };
    std::fs::write(outcome, "connected")?;
    while unsafe { libc::getppid() } == supervisor {
        std::thread::sleep(Duration::from_millis(5));
    }
    let error = stream(to.clone()).and_then(|socket| connect(&socket, to)).err();
    let errno = error.and_then(|error| error.raw_os_error()).unwrap_or(0);
    std::fs::write(outcome, format!("{errno}."))?;
    unsafe { libc::_exit(0) }
}
