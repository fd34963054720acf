//! A server that uses unix sockets: by path, by link, abstract, and to pass descriptors.
#![expect(unsafe_code, reason = "descriptors are passed by the bare system call")]
#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "each call is made with pointers to its own live locals"
)]

use std::io::{Error, Read, Result, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use crate::attacker::call;

/// Runs the way that has this name; `None` if there is none.
pub(crate) fn run(name: &str, words: &[String]) -> Option<Result<()>> {
    Some(match name {
        "unix-linked" => std::os::unix::fs::symlink(&words[0], &words[1])
            .and_then(|()| UnixStream::connect(&words[1]).map(drop)),
        "unix-relative" => {
            std::env::set_current_dir(&words[0]).and_then(|()| UnixStream::connect(&words[1]).map(drop))
        }
        "unix-own" => own(Path::new(&words[0])),
        "unix-moved" => moved(Path::new(&words[0]), Path::new(&words[1])),
        "unix-pass" => pass(),
        "unix-broken" => broken(words[0].parse().expect("flags")),
        "unix-much" => much(),
        _ => return None,
    })
}

/// A server of its own: it binds, is told the name that it gave, and is reached by its own child and by that name.
fn own(path: &Path) -> Result<()> {
    let listener = UnixListener::bind(path)?;
    let named = listener.local_addr()?.as_pathname() == Some(path);
    let accepting = std::thread::spawn(move || listener.accept()?.0.write_all(b"hello"));
    let mut stream = UnixStream::connect(path)?;
    let peer = stream.peer_addr()?.as_pathname() == Some(path);
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    accepting.join().map_err(|_| Error::other("it panicked"))??;
    use std::os::unix::fs::MetadataExt;
    print!("{:o}", path.metadata()?.mode() & 0o777);
    std::fs::remove_file(path)?;
    if named && peer && text == "hello" {
        Ok(())
    } else {
        Err(Error::other(format!("{named} {peer} {text}")))
    }
}

/// Another socket takes the place of its own.
fn moved(other: &Path, path: &Path) -> Result<()> {
    let listener = UnixListener::bind(path)?;
    std::fs::rename(other, path)?;
    UnixStream::connect(path)?;
    drop(listener);
    Ok(())
}

/// Sends an open file over a pair and reads it at the other end.
fn pass() -> Result<()> {
    let (one, other) = UnixStream::pair()?;
    let file = std::fs::File::open("/proc/self/status")?;
    let part = [b"x".as_ptr() as u64, 1];
    let mut control = [20_u64, 1 | 1 << 32, file.as_raw_fd() as u64];
    let mut header = [0, 0, part.as_ptr() as u64, 1, control.as_mut_ptr() as u64, 24, 0];
    call(libc::SYS_sendmsg, &[one.as_raw_fd() as u64, header.as_ptr() as u64, 0])?;
    (control, header[5]) = ([0; 3], 24);
    let mut byte = [0_u8; 1];
    let part = [byte.as_mut_ptr() as u64, 1];
    header[2] = part.as_ptr() as u64;
    call(libc::SYS_recvmsg, &[other.as_raw_fd() as u64, header.as_mut_ptr() as u64, 0])?;
    let received = unsafe { OwnedFd::from_raw_fd(control[2] as i32) };
    let mut text = String::new();
    std::fs::File::from(received).read_to_string(&mut text)?;
    if text.contains("Name:") && byte == *b"x" { Ok(()) } else { Err(Error::other(text)) }
}

/// Sends to a pair whose other end is closed: `EPIPE`, and the signal unless the flags forbid it.
fn broken(flags: u64) -> Result<()> {
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let (one, other) = UnixStream::pair()?;
    drop(other);
    let part = [b"x".as_ptr() as u64, 1];
    let header = [0, 0, part.as_ptr() as u64, 1, 0, 0, 0];
    call(libc::SYS_sendmsg, &[one.as_raw_fd() as u64, header.as_ptr() as u64, flags]).map(drop)
}

/// A message of 3 MiB, more than any buffer, through a blocking pair: all of it is sent by one call.
fn much() -> Result<()> {
    let (one, mut other) = UnixStream::pair()?;
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        other.read_to_end(&mut all).map(|_| all)
    });
    let bytes: Vec<u8> = (0..3_u32 << 20).map(|index| (index % 251) as u8).collect();
    let (first, second) = bytes.split_at(1_234_567);
    let parts = [first.as_ptr() as u64, first.len() as u64, second.as_ptr() as u64, second.len() as u64];
    let header = [0, 0, parts.as_ptr() as u64, 2, 0, 0, 0];
    let sent = call(libc::SYS_sendmsg, &[one.as_raw_fd() as u64, header.as_ptr() as u64, 0])?;
    drop(one);
    let all = reader.join().map_err(|_| Error::other("it panicked"))??;
    if sent == 3 << 20 && all == bytes { Ok(()) } else { Err(Error::other(format!("{sent} {}", all.len()))) }
}
