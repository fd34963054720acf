//! Foreign code: programs and pages that reach execution by another way than execve(2) of a path.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{execveat, pipe};
use serde_json::{Value, json};

use super::{Act, argument, number};
use crate::sys::memory::{self, CODE, Way};
use crate::sys::{Argument, descriptors, process};

pub(super) const ACTS: &[(&str, Act)] = &[
    ("program", program),
    ("loaded_program", loaded_program),
    ("code", code),
    ("exec_descriptor", exec_descriptor),
    ("exec_memory", exec_memory),
    ("exec_deleted", exec_deleted),
    ("map_code", |a| map(a, Way::Map)),
    ("map_shared_code", |a| map(a, Way::MapShared)),
    ("protect_code", |a| map(a, Way::Protect)),
    ("implied_code", |a| map(a, Way::Implied)),
    ("map_memory_code", map_memory_code),
    ("map_deleted_code", map_deleted_code),
    ("own_code", |_| Ok(json!(memory::run_anonymous()?))),
    ("segment_code", |_| Ok(json!(memory::run_segment()?))),
];

/// A program that ends with this code, as an ELF file for x86-64 that can be loaded anywhere (elf(5)): it serves as a
/// program, and as the interpreter of another one, which is what a dynamic loader is.
fn elf(code: u8, interpreter: Option<&Path>) -> Vec<u8> {
    // mov edi, CODE; mov eax, 231 (exit_group); syscall
    let text = [0xbf, code, 0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f, 0x05];
    let name = interpreter.map(|path| [path.as_os_str().as_bytes(), b"\0"].concat()).unwrap_or_default();
    let count: u16 = if interpreter.is_some() { 2 } else { 1 };
    let name_at = 64 + 56 * u64::from(count);
    let text_at = (name_at + name.len() as u64).next_multiple_of(16);
    // Whole pages: before Linux 6.6 the rest of a loader's last page is cleared even where it cannot be written.
    let end = (text_at + text.len() as u64).next_multiple_of(4096);
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    bytes.extend([3_u16, 62].into_iter().flat_map(u16::to_le_bytes)); // ET_DYN, EM_X86_64
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend([text_at, 64, 0].into_iter().flat_map(u64::to_le_bytes)); // entry, program headers, no sections
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend([64_u16, 56, count, 0, 0, 0].into_iter().flat_map(u16::to_le_bytes));
    if interpreter.is_some() {
        bytes.extend(segment(3, 4, (name_at, name.len() as u64), 1)); // PT_INTERP, readable
    }
    bytes.extend(segment(1, 5, (0, end), 4096)); // PT_LOAD, readable and executable
    bytes.extend(name);
    bytes.resize(text_at as usize, 0);
    bytes.extend(text);
    bytes.resize(end as usize, 0);
    bytes
}

fn segment(kind: u32, flags: u32, (at, length): (u64, u64), align: u64) -> Vec<u8> {
    let mut bytes = [kind, flags].into_iter().flat_map(u32::to_le_bytes).collect::<Vec<_>>();
    bytes.extend([at, at, at, length, length, align].into_iter().flat_map(u64::to_le_bytes));
    bytes
}

fn write(path: &str, bytes: &[u8]) -> io::Result<Value> {
    fs::write(path, bytes)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).map(|()| Value::Null)
}

/// `PATH CODE`: writes a program that ends with the code.
fn program(arguments: &[&str]) -> io::Result<Value> {
    let code = u8::try_from(number(arguments, 1)?).map_err(io::Error::other)?;
    write(argument(arguments, 0)?, &elf(code, None))
}

/// `PATH CODE LOADER`: writes one that needs a loader.
fn loaded_program(arguments: &[&str]) -> io::Result<Value> {
    let code = u8::try_from(number(arguments, 1)?).map_err(io::Error::other)?;
    write(argument(arguments, 0)?, &elf(code, Some(Path::new(argument(arguments, 2)?))))
}

/// `PATH`: writes a page of machine code that answers 42.
fn code(arguments: &[&str]) -> io::Result<Value> {
    let mut page = CODE.to_vec();
    page.resize(4096, 0x90);
    write(argument(arguments, 0)?, &page)
}

/// Executes what a descriptor stands for in a child (`execveat` with `AT_EMPTY_PATH`); its status.
fn run(program: &OwnedFd) -> io::Result<Value> {
    let (reader, writer) = pipe()?;
    nix::fcntl::fcntl(&writer, nix::fcntl::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
    let mut told = File::from(writer);
    let child = process::child(|| {
        let Err(error) =
            execveat(program, c"", &[c"program"], &[] as &[&std::ffi::CStr], AtFlags::AT_EMPTY_PATH);
        u8::from(told.write_all(&(error as i32).to_ne_bytes()).is_err())
    })?;
    drop(told);
    let mut error = Vec::new();
    File::from(reader).read_to_end(&mut error)?;
    let status = waitpid(child, None)?;
    match (<[u8; 4]>::try_from(error.as_slice()), status) {
        (Ok(bytes), _) => Err(Errno::from_raw(i32::from_ne_bytes(bytes)).into()),
        (Err(_), WaitStatus::Exited(_, status)) => Ok(json!({ "status": status })),
        (Err(_), other) => Err(io::Error::other(format!("it ended by {other:?}"))),
    }
}

/// `PATH`: executes a descriptor that was opened with `O_PATH`.
fn exec_descriptor(arguments: &[&str]) -> io::Result<Value> {
    let mut options = OpenOptions::new();
    let opened = options.read(true).custom_flags(OFlag::O_PATH.bits()).open(argument(arguments, 0)?)?;
    run(&opened.into())
}

/// A file in memory with these bytes; open for reading only, as executing demands.
fn memory_file(bytes: &[u8]) -> io::Result<OwnedFd> {
    let name = Argument::Memory(b"code\0".to_vec());
    let made =
        descriptors::make(libc::SYS_memfd_create, &mut [name, Argument::Number(libc::MFD_CLOEXEC.into())])?;
    let mut file = File::from(made);
    file.write_all(bytes)?;
    Ok(File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?.into())
}

/// `CODE`: a program in memory, executed. Where it cannot be reopened, the writable descriptor itself is.
fn exec_memory(arguments: &[&str]) -> io::Result<Value> {
    let code = u8::try_from(number(arguments, 0)?).map_err(io::Error::other)?;
    run(&memory_file(&elf(code, None))?)
}

/// `PATH COPY`: copies a program, removes the copy's name, and executes it.
fn exec_deleted(arguments: &[&str]) -> io::Result<Value> {
    run(&removed(argument(arguments, 0)?, argument(arguments, 1)?)?)
}

fn removed(from: &str, to: &str) -> io::Result<OwnedFd> {
    fs::copy(from, to)?;
    let opened = File::open(to)?;
    fs::remove_file(to)?;
    Ok(opened.into())
}

/// `PATH`: maps the page and calls it.
fn map(arguments: &[&str], way: Way) -> io::Result<Value> {
    Ok(json!(memory::run_file(File::open(argument(arguments, 0)?)?.as_fd(), way)?))
}

fn map_memory_code(_: &[&str]) -> io::Result<Value> {
    Ok(json!(memory::run_file(memory_file(&CODE)?.as_fd(), Way::Map)?))
}

/// `PATH COPY`: maps a file that has no name any more.
fn map_deleted_code(arguments: &[&str]) -> io::Result<Value> {
    let file = removed(argument(arguments, 0)?, argument(arguments, 1)?)?;
    Ok(json!(memory::run_file(file.as_fd(), Way::Map)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_run_alone_and_by_their_loader() {
        let base = std::env::temp_dir().join(format!("mcpguard-vm-code-{}", std::process::id()));
        fs::create_dir_all(&base).unwrap();
        let path = |name: &str| base.join(name).to_string_lossy().into_owned();
        let (loader, needs, page) = (path("loader"), path("needs"), path("page"));
        program(&[&loader, "43"]).unwrap();
        loaded_program(&[&needs, "44", &loader]).unwrap();
        let status = |path: &str| std::process::Command::new(path).status().unwrap().code();
        assert_eq!(status(&loader), Some(43));
        // The loader runs instead of the program, with the program mapped beside it.
        assert_eq!(status(&needs), Some(43));
        code(&[&page]).unwrap();
        assert_eq!(map(&[&page], Way::Map).unwrap(), json!(42));
        assert_eq!(map(&[&page], Way::Protect).unwrap(), json!(42));
        assert_eq!(map_memory_code(&[]).unwrap(), json!(42));
        assert_eq!(memory::run_anonymous().unwrap(), 42);
        assert_eq!(memory::run_segment().unwrap(), 42);
        assert_eq!(map(&[&loader], Way::Map).unwrap_err().raw_os_error(), Some(libc::ENOEXEC));
        fs::remove_dir_all(&base).unwrap();
    }
}
