//! How a file's inode is told to the programs: by its address in the kernel, which only a program can know.
//!
//! A program on `inode_getattr` is attached for as long as this takes. This thread looks at each open descriptor
//! (`fstat`), and the program, which answers to this thread alone, leaves the inode's address where it can be read.
//! Nothing happens to the file.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::unistd::{getpid, gettid};

use super::maps::{Maps, MapsError, filled, read};
use super::program::{ProgramError, attach_hook};

/// The program's name in the object file.
pub(super) const PROGRAM: &str = "register";
/// The hook that it stands on.
pub(super) const HOOK: &str = "inode_getattr";

/// Why an inode could not be told.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The program could not be attached.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The maps through which it answers could not be used.
    #[error(transparent)]
    Maps(#[from] MapsError),
    /// The file could not be looked at.
    #[error("{}", .0.desc())]
    Look(Errno),
    /// The program did not answer.
    #[error("the BPF program that tells inodes apart did not answer")]
    Silent,
}

/// The attached program. Only this thread may ask it.
pub(super) struct Register<'a> {
    maps: &'a mut Maps,
    _link: OwnedFd,
}

impl<'a> Register<'a> {
    pub(super) fn attach(program: &OwnedFd, maps: &'a mut Maps) -> Result<Self, RegisterError> {
        let thread = u64::from(gettid().as_raw().cast_unsigned());
        let asker = u64::from(getpid().as_raw().cast_unsigned()) << 32 | thread;
        let link = attach_hook(PROGRAM, program.as_fd())?;
        maps.registrar.set(0, asker, 0).map_err(filled("REGISTRAR"))?;
        Ok(Self { maps, _link: link })
    }

    /// The address of the inode behind the descriptor. It means this inode as long as the descriptor is open.
    pub(super) fn inode(&mut self, file: BorrowedFd<'_>) -> Result<u64, RegisterError> {
        self.maps.registered.set(0, 0_u64, 0).map_err(filled("REGISTERED"))?;
        nix::sys::stat::fstat(file).map_err(RegisterError::Look)?;
        let inode = self.maps.registered.get(&0, 0).map_err(read("REGISTERED"))?;
        if inode == 0 { Err(RegisterError::Silent) } else { Ok(inode) }
    }
}

impl Drop for Register<'_> {
    fn drop(&mut self) {
        // The program goes away with its link; that it also has nobody to answer to any more is a second lock.
        let _ = self.maps.registrar.set(0, 0_u64, 0);
    }
}
