//! Ways to a file that avoid its path, and changes of names around it.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, mkdirat, mknod};
use nix::unistd::linkat;
use serde_json::{Value, json};

use super::{Act, argument, number};
use crate::sys::{Argument, call, descriptors};

pub(super) const ACTS: &[(&str, Act)] = &[
    ("read_reopened", read_reopened),
    ("read_beneath", read_beneath),
    ("read_by_handle", read_by_handle),
    ("read_deep", read_deep),
    ("make_deep", make_deep),
    ("swap_race", swap_race),
    ("tmpfile_link", tmpfile_link),
    ("link_at", link_at),
    ("exchange", exchange),
    ("mknod", make_node),
    ("chown", chown),
    ("create", create),
    ("open_truncate", open_truncate),
    ("open_for_nothing", open_for_nothing),
    ("watch", watch),
    ("set_times", set_times),
    ("read_link", |a| fs::read_link(argument(a, 0)?).map(|target| json!(target))),
    ("copy", |a| fs::copy(argument(a, 0)?, argument(a, 1)?).map(|copied| json!(copied))),
];

const CLOSE: OFlag = OFlag::O_CLOEXEC;

/// What a descriptor reads, as text.
pub(super) fn text_of(file: impl Into<OwnedFd>) -> io::Result<Value> {
    let mut text = Vec::new();
    File::from(file.into()).take(4096).read_to_end(&mut text)?;
    Ok(json!(String::from_utf8_lossy(&text)))
}

/// Opens with `O_PATH`, which asks for nothing, and again through `/proc/self/fd`.
fn read_reopened(arguments: &[&str]) -> io::Result<Value> {
    let place = nix::fcntl::open(argument(arguments, 0)?, OFlag::O_PATH | CLOSE, Mode::empty())?;
    text_of(File::open(format!("/proc/self/fd/{}", place.as_raw_fd()))?)
}

/// `DIRECTORY NAME`: opens the directory with `O_PATH` and the name relative to it.
fn read_beneath(arguments: &[&str]) -> io::Result<Value> {
    let directory = nix::fcntl::open(argument(arguments, 0)?, OFlag::O_PATH | CLOSE, Mode::empty())?;
    text_of(openat(directory, argument(arguments, 1)?, OFlag::O_RDONLY | CLOSE, Mode::empty())?)
}

/// `PATH MOUNT`: asks for the file's handle and opens that, with no path at all (open_by_handle_at(2)).
fn read_by_handle(arguments: &[&str]) -> io::Result<Value> {
    const ROOM: u32 = 128;
    let path = [argument(arguments, 0)?.as_bytes(), b"\0"].concat();
    let mount = File::open(argument(arguments, 1)?)?;
    let mut handle = ROOM.to_ne_bytes().to_vec();
    handle.resize(8 + ROOM as usize, 0);
    let here = Argument::Number(i64::from(libc::AT_FDCWD).cast_unsigned());
    let handle = Argument::Memory(handle);
    let mut words = [here, Argument::Memory(path), handle, Argument::Memory(vec![0; 8]), Argument::Number(0)];
    call(libc::SYS_name_to_handle_at, &mut words)?;
    let [_, _, handle, ..] = words;
    let flags = Argument::Number(u64::try_from((OFlag::O_RDONLY | CLOSE).bits()).map_err(io::Error::other)?);
    let mount = Argument::Number(u64::try_from(mount.as_raw_fd()).map_err(io::Error::other)?);
    text_of(descriptors::make(libc::SYS_open_by_handle_at, &mut [mount, handle, flags])?)
}

/// The directory that lies `COUNT` components of `LENGTH` bytes beneath a base, opened step by step: its whole path may
/// be longer than any system call takes.
fn deep(arguments: &[&str], make: bool) -> io::Result<OwnedFd> {
    let (count, length) = (number(arguments, 1)?, number(arguments, 2)?);
    let name = "d".repeat(usize::try_from(length).map_err(io::Error::other)?);
    let mut place = nix::fcntl::open(argument(arguments, 0)?, OFlag::O_PATH | CLOSE, Mode::empty())?;
    for _ in 0..count {
        if make {
            match mkdirat(&place, name.as_str(), Mode::S_IRWXU) {
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        place = openat(&place, name.as_str(), OFlag::O_PATH | CLOSE, Mode::empty())?;
    }
    Ok(place)
}

/// `BASE COUNT LENGTH NAME`: reads a file far down.
fn read_deep(arguments: &[&str]) -> io::Result<Value> {
    let place = deep(arguments, false)?;
    text_of(openat(place, argument(arguments, 3)?, OFlag::O_RDONLY | CLOSE, Mode::empty())?)
}

/// `BASE COUNT LENGTH NAME TEXT`: makes the directories and the file.
fn make_deep(arguments: &[&str]) -> io::Result<Value> {
    let place = deep(arguments, true)?;
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | CLOSE;
    let file = openat(place, argument(arguments, 3)?, flags, Mode::S_IRUSR | Mode::S_IWUSR)?;
    File::from(file).write_all(argument(arguments, 4)?.as_bytes())?;
    Ok(Value::Null)
}

/// `LINK GOOD BAD ROUNDS`: one thread lets a symlink point to a good file and a bad one in turns, another opens it.
/// Tells how often it read the good one, the bad one, and was refused.
fn swap_race(arguments: &[&str]) -> io::Result<Value> {
    let (link, good, bad) = (argument(arguments, 0)?, argument(arguments, 1)?, argument(arguments, 2)?);
    let good_text = fs::read(good)?;
    symlink(good, link)?;
    let fresh = format!("{link}.fresh");
    let done = AtomicBool::new(false);
    let (mut allowed, mut leaked, mut refused) = (0_u64, 0_u64, 0_u64);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for target in [bad, good] {
                    let _ = symlink(target, &fresh).and_then(|()| fs::rename(&fresh, link));
                    std::thread::yield_now();
                }
            }
        });
        for _ in 0..number(arguments, 3).unwrap_or(0) {
            match fs::read(link) {
                Ok(text) if text == good_text => allowed += 1,
                Ok(_) => leaked += 1,
                Err(_) => refused += 1,
            }
            std::thread::yield_now();
        }
        done.store(true, Ordering::Relaxed);
    });
    Ok(json!({ "allowed": allowed, "leaked": leaked, "refused": refused }))
}

/// `DIRECTORY NEW`: a file without a name, which then gets one.
fn tmpfile_link(arguments: &[&str]) -> io::Result<Value> {
    let mut options = OpenOptions::new();
    let mut file =
        options.write(true).read(true).custom_flags(OFlag::O_TMPFILE.bits()).open(argument(arguments, 0)?)?;
    file.write_all(b"planted")?;
    let name = format!("/proc/self/fd/{}", file.as_raw_fd());
    linkat(AT_FDCWD, name.as_str(), AT_FDCWD, argument(arguments, 1)?, AtFlags::AT_SYMLINK_FOLLOW)?;
    Ok(Value::Null)
}

/// `PATH NEW`: a hard link by a descriptor with `O_PATH`.
fn link_at(arguments: &[&str]) -> io::Result<Value> {
    let place = nix::fcntl::open(argument(arguments, 0)?, OFlag::O_PATH | CLOSE, Mode::empty())?;
    linkat(place.as_fd(), "", AT_FDCWD, argument(arguments, 1)?, AtFlags::AT_EMPTY_PATH)?;
    Ok(Value::Null)
}

/// Two names change places (`RENAME_EXCHANGE`).
fn exchange(arguments: &[&str]) -> io::Result<Value> {
    const EXCHANGE: u64 = 2;
    let here = || Argument::Number(i64::from(libc::AT_FDCWD).cast_unsigned());
    let text =
        |at| Ok::<_, io::Error>(Argument::Memory([argument(arguments, at)?.as_bytes(), b"\0"].concat()));
    let mut words = [here(), text(0)?, here(), text(1)?, Argument::Number(EXCHANGE)];
    Ok(json!(call(libc::SYS_renameat2, &mut words)?))
}

/// `PATH KIND`: `file`, `pipe`, or `socket`.
fn make_node(arguments: &[&str]) -> io::Result<Value> {
    let kind = match argument(arguments, 1)? {
        "file" => SFlag::S_IFREG,
        "pipe" => SFlag::S_IFIFO,
        "socket" => SFlag::S_IFSOCK,
        other => return Err(io::Error::other(format!("no kind `{other}`"))),
    };
    mknod(argument(arguments, 0)?, kind, Mode::S_IRUSR, 0)?;
    Ok(Value::Null)
}

/// Gives a file to the user and group of the second argument.
fn chown(arguments: &[&str]) -> io::Result<Value> {
    let owner = u32::try_from(number(arguments, 1)?).map_err(io::Error::other)?;
    std::os::unix::fs::chown(argument(arguments, 0)?, Some(owner), Some(owner)).map(|()| Value::Null)
}

/// Makes a file that must not be there.
fn create(arguments: &[&str]) -> io::Result<Value> {
    OpenOptions::new().write(true).create_new(true).open(argument(arguments, 0)?).map(|_| Value::Null)
}

/// `O_RDONLY | O_TRUNC`: opened to read, and emptied.
fn open_truncate(arguments: &[&str]) -> io::Result<Value> {
    let path = CString::new(argument(arguments, 0)?)?;
    nix::fcntl::open(path.as_c_str(), OFlag::O_RDONLY | OFlag::O_TRUNC | CLOSE, Mode::empty())?;
    Ok(Value::Null)
}

/// Access mode 3: open neither to read nor to write, for ioctl(2) alone (open(2), "File access mode").
fn open_for_nothing(arguments: &[&str]) -> io::Result<Value> {
    let path = CString::new(argument(arguments, 0)?)?;
    nix::fcntl::open(path.as_c_str(), OFlag::O_ACCMODE | CLOSE, Mode::empty())?;
    Ok(Value::Null)
}

/// Watches what happens in a directory (inotify(7)).
fn watch(arguments: &[&str]) -> io::Result<Value> {
    const CREATED: u64 = 0x100;
    let path = Argument::Memory([argument(arguments, 0)?.as_bytes(), b"\0"].concat());
    let watcher = call(libc::SYS_inotify_init1, &mut [Argument::Number(0)])?;
    let watcher = Argument::Number(u64::try_from(watcher).map_err(io::Error::other)?);
    Ok(json!(call(libc::SYS_inotify_add_watch, &mut [watcher, path, Argument::Number(CREATED)])?))
}

/// Sets a file's times to the beginning of time.
fn set_times(arguments: &[&str]) -> io::Result<Value> {
    let path = Argument::Memory([argument(arguments, 0)?.as_bytes(), b"\0"].concat());
    let here = Argument::Number(i64::from(libc::AT_FDCWD).cast_unsigned());
    let mut words = [here, path, Argument::Memory(vec![0; 32]), Argument::Number(0)];
    Ok(json!(call(libc::SYS_utimensat, &mut words)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> String {
        let path = std::env::temp_dir().join(format!("mcpguard-vm-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        path.to_string_lossy().into_owned()
    }

    #[test]
    fn a_file_far_down_is_written_and_read() {
        let base = scratch("deep");
        make_deep(&[&base, "30", "200", "file", "text"]).unwrap();
        assert_eq!(read_deep(&[&base, "30", "200", "file"]).unwrap(), json!("text"));
        // Too long for one system call: that is the point.
        let whole = format!("{base}/{}file", format!("{}/", "d".repeat(200)).repeat(30));
        assert_eq!(fs::read(whole).unwrap_err().raw_os_error(), Some(libc::ENAMETOOLONG));
        fs::remove_dir_all(&base).unwrap();
    }

    #[test]
    fn names_change_places() {
        let base = scratch("exchange");
        let (one, other) = (format!("{base}/one"), format!("{base}/other"));
        fs::write(&one, "1").unwrap();
        fs::write(&other, "2").unwrap();
        exchange(&[&one, &other]).unwrap();
        assert_eq!(fs::read_to_string(&one).unwrap(), "2");
        open_truncate(&[&one]).unwrap();
        assert_eq!(fs::read_to_string(&one).unwrap(), "");
        fs::remove_dir_all(&base).unwrap();
    }
}
