//! Attacks on other processes, on mounts, and on the kernel's own instruments.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::AsRawFd;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::{Act, argument, number, paths};
use crate::sys::{Argument, call, descriptors, process};

pub(super) const ACTS: &[(&str, Act)] = &[
    ("trace", trace),
    ("trace_me", |_| Ok(json!(ptrace::traceme()?))),
    ("read_memory", read_memory),
    ("read_memory_file", read_memory_file),
    ("take_descriptor", take_descriptor),
    ("kill_child", kill_child),
    ("signal_by_pipe", signal_by_pipe),
    ("bpf_map", bpf_map),
    ("bpf_list", bpf_list),
    ("perf", perf),
    ("mount_tmpfs", mount_tmpfs),
    ("unmount", |a| Ok(json!(umount2(argument(a, 0)?, MntFlags::MNT_DETACH)?))),
    ("move_mount", move_mount),
    ("change_root", change_root),
    ("chroot", chroot),
    ("fork", |_| Ok(json!(waitpid(process::child(|| 0)?, None).map(|_| ())?))),
];

fn process_at(arguments: &[&str]) -> io::Result<Pid> {
    i32::try_from(number(arguments, 0)?).map(Pid::from_raw).map_err(io::Error::other)
}

/// Attaches to the process.
fn trace(arguments: &[&str]) -> io::Result<Value> {
    let process = process_at(arguments)?;
    ptrace::attach(process)?;
    waitpid(process, None)?;
    ptrace::detach(process, None)?;
    Ok(Value::Null)
}

/// `PROCESS ADDRESS LENGTH`: process_vm_readv(2).
fn read_memory(arguments: &[&str]) -> io::Result<Value> {
    let word = |at| number(arguments, at).and_then(|word| usize::try_from(word).map_err(io::Error::other));
    let (base, len) = (word(1)?, word(2)?);
    let mut text = vec![0; len];
    let mut own = [io::IoSliceMut::new(&mut text)];
    process_vm_readv(process_at(arguments)?, &mut own, &[RemoteIoVec { base, len }])?;
    Ok(json!(String::from_utf8_lossy(&text)))
}

/// `PROCESS ADDRESS LENGTH`: the same by `/proc/PROCESS/mem`.
fn read_memory_file(arguments: &[&str]) -> io::Result<Value> {
    let mut file = File::open(format!("/proc/{}/mem", process_at(arguments)?))?;
    file.seek(SeekFrom::Start(number(arguments, 1)?))?;
    let mut text = vec![0; usize::try_from(number(arguments, 2)?).map_err(io::Error::other)?];
    file.read_exact(&mut text)?;
    Ok(json!(String::from_utf8_lossy(&text)))
}

/// `PROCESS DESCRIPTOR`: takes it over (pidfd_getfd(2)) and reads from it.
fn take_descriptor(arguments: &[&str]) -> io::Result<Value> {
    let zero = || Argument::Number(0);
    let target = Argument::Number(number(arguments, 0)?);
    let process = descriptors::make(libc::SYS_pidfd_open, &mut [target, zero()])?;
    let process = Argument::Number(process_number(&process));
    let wanted = Argument::Number(number(arguments, 1)?);
    paths::text_of(descriptors::make(libc::SYS_pidfd_getfd, &mut [process, wanted, zero()])?)
}

fn process_number(descriptor: &impl AsRawFd) -> u64 {
    descriptor.as_raw_fd().cast_unsigned().into()
}

/// A child of its own, ended by a signal.
fn kill_child(_: &[&str]) -> io::Result<Value> {
    let child = process::child(|| {
        std::thread::sleep(std::time::Duration::from_secs(60));
        0
    })?;
    kill(child, Signal::SIGKILL)?;
    waitpid(child, None)?;
    Ok(Value::Null)
}

/// `PROCESS SIGNAL`: makes the process the owner of a pipe, and the signal what its owner gets when something comes in
/// (fcntl(2): `F_SETOWN`, `F_SETSIG`, `O_ASYNC`). Nobody calls kill(2).
fn signal_by_pipe(arguments: &[&str]) -> io::Result<Value> {
    const SET_SIGNAL: u64 = 10;
    let (reader, writer) = nix::unistd::pipe()?;
    let control = |command: u64, value: u64| {
        let words = [process_number(&reader), command, value];
        call(libc::SYS_fcntl, &mut words.map(Argument::Number))
    };
    let flag = |flag: i32| u64::try_from(flag).map_err(io::Error::other);
    control(flag(libc::F_SETOWN)?, number(arguments, 0)?)?;
    control(SET_SIGNAL, number(arguments, 1)?)?;
    control(flag(libc::F_SETFL)?, flag(libc::O_ASYNC)?)?;
    Ok(json!(nix::unistd::write(&writer, b"x")?))
}

const MAP_CREATE: u64 = 0;
const PROG_GET_NEXT_ID: u64 = 11;

fn bpf(command: u64, attributes: Vec<u8>) -> io::Result<i64> {
    let length = Argument::Number(attributes.len() as u64);
    Ok(call(libc::SYS_bpf, &mut [Argument::Number(command), Argument::Memory(attributes), length])?)
}

/// Makes an array of one entry.
fn bpf_map(_: &[&str]) -> io::Result<Value> {
    // Type (array), size of a key, size of a value, entries; the rest zero (bpf(2)).
    let mut attributes: Vec<u8> = [2_u32, 4, 8, 1].into_iter().flat_map(u32::to_ne_bytes).collect();
    attributes.resize(72, 0);
    bpf(MAP_CREATE, attributes).map(|_| Value::Null)
}

/// Asks for the first program that is loaded.
fn bpf_list(_: &[&str]) -> io::Result<Value> {
    match bpf(PROG_GET_NEXT_ID, vec![0; 72]) {
        // There may be no program at all: asking was allowed.
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(Value::Null),
        asked => asked.map(|_| Value::Null),
    }
}

/// A counter of the kernel's own time in this process.
fn perf(_: &[&str]) -> io::Result<Value> {
    // Type (software), size, configuration (task clock); the rest zero (perf_event_open(2)).
    let mut attributes: Vec<u8> = [1_u32, 64].into_iter().flat_map(u32::to_ne_bytes).collect();
    attributes.extend(1_u64.to_ne_bytes());
    attributes.resize(64, 0);
    let all = Argument::Number(u64::MAX);
    let mut words = [
        Argument::Memory(attributes),
        Argument::Number(0),
        all,
        Argument::Number(u64::MAX),
        Argument::Number(0),
    ];
    descriptors::make(libc::SYS_perf_event_open, &mut words)?;
    Ok(Value::Null)
}

fn mount_tmpfs(arguments: &[&str]) -> io::Result<Value> {
    mount(Some("tmpfs"), argument(arguments, 0)?, Some("tmpfs"), MsFlags::empty(), None::<&str>)?;
    Ok(Value::Null)
}

/// `FROM TO`: a copy of the mount at one place, attached at another (open_tree(2), move_mount(2)).
fn move_mount(arguments: &[&str]) -> io::Result<Value> {
    const CLONE: u64 = 1;
    const FROM_EMPTY: u64 = 4;
    let here = || Argument::Number(i64::from(libc::AT_FDCWD).cast_unsigned());
    let text = |at| {
        Ok::<_, io::Error>(Argument::Memory(CString::new(argument(arguments, at)?)?.into_bytes_with_nul()))
    };
    let tree = descriptors::make(libc::SYS_open_tree, &mut [here(), text(0)?, Argument::Number(CLONE)])?;
    let from = Argument::Number(process_number(&tree));
    let empty = Argument::Memory(vec![0]);
    call(libc::SYS_move_mount, &mut [from, empty, here(), text(1)?, Argument::Number(FROM_EMPTY)])?;
    Ok(Value::Null)
}

fn chroot(arguments: &[&str]) -> io::Result<Value> {
    nix::unistd::chroot(argument(arguments, 0)?)?;
    std::env::set_current_dir("/").map(|()| Value::Null)
}

/// `ROOT OLD`: a mount becomes the root, the old root a directory in it.
fn change_root(arguments: &[&str]) -> io::Result<Value> {
    nix::unistd::pivot_root(argument(arguments, 0)?, argument(arguments, 1)?)?;
    Ok(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_by_its_address() {
        let secret = *b"secret";
        let (own, at) = (std::process::id().to_string(), (secret.as_ptr() as u64).to_string());
        assert_eq!(read_memory(&[&own, &at, "6"]).unwrap(), json!("secret"));
        assert_eq!(read_memory_file(&[&own, &at, "6"]).unwrap(), json!("secret"));
    }
}
