//! BPF objects of somebody else, as root may take hold of them and break them. Source: `bpf(2)`, `include/uapi/linux/bpf.h`.

use std::ffi::CString;
use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::unistd::Pid;

use super::{Argument, call};

const MAP_UPDATE_ELEM: u64 = 2;
const OBJ_GET: u64 = 7;
const LINK_DETACH: u64 = 34;

/// Opens what is pinned there.
pub(crate) fn pinned(path: &Path) -> Result<OwnedFd> {
    let name = CString::new(path.as_os_str().as_bytes())?;
    let raw = bpf(OBJ_GET, &[name.as_ptr() as u64, 0]).with_context(|| path.display().to_string())?;
    // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(RawFd::try_from(raw)?) })
}

/// Takes a link off its control group, whoever holds it.
pub(crate) fn detach(link: &OwnedFd) -> Result<()> {
    bpf(LINK_DETACH, &[number(link)]).context("the link cannot be detached").map(drop)
}

/// Sets an element of an array.
pub(crate) fn set(map: &OwnedFd, index: u32, value: &[u8]) -> Result<()> {
    let key = index.to_ne_bytes();
    let words = [number(map), key.as_ptr() as u64, value.as_ptr() as u64, 0];
    bpf(MAP_UPDATE_ELEM, &words).context("the map cannot be changed").map(drop)
}

/// The number by which the kernel knows a link.
pub(crate) fn link_id(link: &OwnedFd) -> Result<u32> {
    id_in(Path::new("/proc/self/fdinfo").join(link.as_raw_fd().to_string()).as_path())
        .context("it is no link")
}

/// The descriptor under which a process holds a link.
pub(crate) fn descriptor_of(process: Pid, link: u32) -> Result<RawFd> {
    for entry in fs::read_dir(format!("/proc/{process}/fdinfo"))?.flatten() {
        if id_in(&entry.path()) == Some(link) {
            return Ok(entry.file_name().to_string_lossy().parse()?);
        }
    }
    anyhow::bail!("the process {process} does not hold the link {link}")
}

fn id_in(file: &Path) -> Option<u32> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix("link_id:"))?.trim().parse().ok()
}

fn number(descriptor: &OwnedFd) -> u64 {
    u64::from(descriptor.as_raw_fd().cast_unsigned())
}

/// The attributes are words; what lies beyond them is zero.
fn bpf(command: u64, words: &[u64]) -> Result<i64, Errno> {
    let attributes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let size = Argument::Number(attributes.len() as u64);
    call(libc::SYS_bpf, &mut [Argument::Number(command), Argument::Memory(attributes), size])
}
