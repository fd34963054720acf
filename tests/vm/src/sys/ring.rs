//! io_uring by hand: set-up, one submission at a time, its completion. (io_uring_setup(2), io_uring_enter(2))

use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;
use nix::sys::mman::{MapFlags, ProtFlags, mmap};

/// `IORING_SETUP_SQPOLL`: a thread of the kernel takes the submissions.
pub(crate) const SQPOLL: u32 = 1 << 1;
/// `IOSQE_ASYNC`: always by a worker thread.
pub(crate) const ASYNC: u8 = 1 << 4;
const ENTRIES: u32 = 4;
const GET_EVENTS: u32 = 1;
const WAKE_UP: u32 = 1 << 1;
const AT_SUBMISSIONS: libc::off_t = 0;
const AT_ENTRIES: libc::off_t = 0x1000_0000;
const ENTRY_SIZE: usize = 64;
const OPENAT: u8 = 18;
const REGISTER_PERSONALITY: libc::c_uint = 9;

/// `struct io_sqring_offsets`.
#[repr(C)]
#[derive(Default)]
struct SubmissionOffsets {
    head: u32,
    tail: u32,
    mask: u32,
    entries: u32,
    flags: u32,
    dropped: u32,
    array: u32,
    reserved: u32,
    address: u64,
}

/// `struct io_cqring_offsets`.
#[repr(C)]
#[derive(Default)]
struct CompletionOffsets {
    head: u32,
    tail: u32,
    mask: u32,
    entries: u32,
    overflow: u32,
    completions: u32,
    flags: u32,
    reserved: u32,
    address: u64,
}

/// `struct io_uring_params`.
#[repr(C)]
#[derive(Default)]
struct Parameters {
    submissions: u32,
    completions: u32,
    flags: u32,
    thread_cpu: u32,
    thread_idle: u32,
    features: u32,
    workers: u32,
    reserved: [u32; 3],
    submission: SubmissionOffsets,
    completion: CompletionOffsets,
}

/// `struct io_uring_sqe`, with the names of the manual page's first meaning of each field.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct Submission {
    pub(crate) opcode: u8,
    pub(crate) flags: u8,
    pub(crate) priority: u16,
    pub(crate) descriptor: i32,
    pub(crate) offset: u64,
    pub(crate) address: u64,
    pub(crate) length: u32,
    pub(crate) operation_flags: u32,
    pub(crate) user_data: u64,
    pub(crate) buffer: u16,
    pub(crate) personality: u16,
    pub(crate) file: u32,
    pub(crate) more: [u64; 2],
}

/// A ring whose memory stays mapped until the process ends.
pub(crate) struct Ring {
    descriptor: OwnedFd,
    parameters: Parameters,
    rings: NonNull<u8>,
    entries: NonNull<Submission>,
}

impl Ring {
    /// Sets a ring up.
    pub(crate) fn new(flags: u32) -> Result<Self, Errno> {
        let mut parameters = Parameters { flags, thread_idle: 2000, ..Parameters::default() };
        // SAFETY: the kernel reads and writes the structure, which has its layout and outlives the call.
        let made = unsafe { libc::syscall(libc::SYS_io_uring_setup, ENTRIES, &raw mut parameters) };
        let raw = i32::try_from(Errno::result(made)?).map_err(|_| Errno::EBADF)?;
        // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(raw) };
        let places = &parameters.completion;
        let length = places.completions as usize + parameters.completions as usize * 16;
        let index = parameters.submission.array as usize + parameters.submissions as usize * 4;
        // One mapping holds both rings (`IORING_FEAT_SINGLE_MMAP`, Linux 5.4).
        let rings = map(&descriptor, length.max(index), AT_SUBMISSIONS)?;
        let entries = map(&descriptor, ENTRY_SIZE * parameters.submissions as usize, AT_ENTRIES)?;
        Ok(Self { descriptor, parameters, rings, entries: entries.cast() })
    }

    /// Registers this process's own credentials; the number stands for them in [`Submission::personality`].
    pub(crate) fn register_credentials(&self) -> Result<u16, Errno> {
        let ring = self.descriptor.as_raw_fd();
        // SAFETY: this operation has no argument in memory.
        let number = unsafe {
            libc::syscall(libc::SYS_io_uring_register, ring, REGISTER_PERSONALITY, std::ptr::null::<u8>(), 0)
        };
        u16::try_from(Errno::result(number)?).map_err(|_| Errno::ERANGE)
    }

    /// Submits one entry and waits for its completion: what the operation returned.
    ///
    /// The addresses in it must be of memory that lives at least as long as this call: see [`address`].
    pub(crate) fn perform(&mut self, submission: &Submission) -> Result<i32, Errno> {
        let (places, answers) = (&self.parameters.submission, &self.parameters.completion);
        let (tail, mask) = (self.word(places.tail), self.word(places.mask).load(Ordering::Relaxed));
        let at = tail.load(Ordering::Acquire);
        // SAFETY: the slot is one of the mapped entries, and the kernel reads it only after the tail has moved.
        unsafe { self.entries.add((at & mask) as usize).write_volatile(*submission) };
        self.word(places.array + (at & mask) * 4).store(at & mask, Ordering::Relaxed);
        tail.store(at.wrapping_add(1), Ordering::Release);
        let (head, end) = (self.word(answers.head), self.word(answers.tail));
        while head.load(Ordering::Acquire) == end.load(Ordering::Acquire) {
            self.enter(u32::from(self.parameters.flags & SQPOLL == 0 && self.pending(at)))?;
        }
        let seen = head.load(Ordering::Acquire);
        let index = seen & self.word(answers.mask).load(Ordering::Relaxed);
        // A completion is 16 bytes: user data (8), result (4), flags (4).
        let result = self.word(answers.completions + index * 16 + 8).load(Ordering::Acquire).cast_signed();
        head.store(seen.wrapping_add(1), Ordering::Release);
        if result < 0 { Err(Errno::from_raw(-result)) } else { Ok(result) }
    }

    /// Performs an `openat`; its descriptor.
    pub(crate) fn open(&mut self, submission: &Submission) -> Result<OwnedFd, Errno> {
        let raw = self.perform(&Submission { opcode: OPENAT, ..*submission })?;
        // SAFETY: the kernel has just made this descriptor for this process, as this operation does.
        Ok(unsafe { OwnedFd::from_raw_fd(raw) })
    }

    /// Whether the kernel has not taken the submission at this place yet.
    fn pending(&self, at: u32) -> bool {
        self.word(self.parameters.submission.head).load(Ordering::Acquire) == at
    }

    fn enter(&self, submit: u32) -> Result<(), Errno> {
        let ring = self.descriptor.as_raw_fd();
        // SAFETY: no memory is handed over beyond what the submission names, which its maker keeps alive.
        let entered = unsafe {
            libc::syscall(
                libc::SYS_io_uring_enter,
                ring,
                submit,
                1,
                GET_EVENTS | WAKE_UP,
                std::ptr::null::<u8>(),
                0,
            )
        };
        match Errno::result(entered) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn word(&self, offset: u32) -> &AtomicU32 {
        // SAFETY: the kernel told this offset; it lies within the mapping, is aligned, and both sides use it atomically.
        unsafe { AtomicU32::from_ptr(self.rings.add(offset as usize).as_ptr().cast()) }
    }
}

/// The address of bytes that outlive the submission.
pub(crate) fn address(bytes: &[u8]) -> u64 {
    bytes.as_ptr() as u64
}

/// `sendmsg` of one buffer to one address: a `struct msghdr` and what it points to.
pub(crate) struct Message {
    _parts: Box<(libc::iovec, Vec<u8>, Vec<u8>)>,
    header: Box<libc::msghdr>,
}

impl Message {
    /// A message of these bytes to this address.
    pub(crate) fn new(bytes: &[u8], to: &[u8]) -> Self {
        let empty = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: bytes.len() };
        let mut parts = Box::new((empty, bytes.to_vec(), to.to_vec()));
        parts.0.iov_base = parts.1.as_mut_ptr().cast();
        // SAFETY: all zero is a valid header: nothing to send to nobody.
        let mut header: Box<libc::msghdr> = Box::new(unsafe { std::mem::zeroed() });
        header.msg_name = parts.2.as_mut_ptr().cast();
        header.msg_namelen = u32::try_from(to.len()).unwrap_or(0);
        header.msg_iov = &raw mut parts.0;
        header.msg_iovlen = 1;
        Self { _parts: parts, header }
    }

    /// Its address, for as long as it lives.
    pub(crate) fn address(&self) -> u64 {
        std::ptr::from_ref::<libc::msghdr>(&self.header) as u64
    }

    /// sendmsg(2) of it.
    pub(crate) fn send(&self, socket: BorrowedFd<'_>, flags: i32) -> Result<usize, Errno> {
        // SAFETY: the header and everything that it points to lives as long as `self`.
        let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const *self.header, flags) };
        usize::try_from(Errno::result(sent)?).map_err(|_| Errno::ERANGE)
    }

    /// sendmmsg(2) of it and of nothing else.
    pub(crate) fn send_many(&self, socket: BorrowedFd<'_>) -> Result<usize, Errno> {
        let mut many = [libc::mmsghdr { msg_hdr: *self.header, msg_len: 0 }];
        // SAFETY: the headers and everything that they point to live as long as the call.
        let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), many.as_mut_ptr(), 1, 0) };
        usize::try_from(Errno::result(sent)?).map_err(|_| Errno::ERANGE)
    }
}

fn map(ring: &OwnedFd, length: usize, offset: libc::off_t) -> Result<NonNull<u8>, Errno> {
    let length = NonZeroUsize::new(length).ok_or(Errno::EINVAL)?;
    let flags = MapFlags::MAP_SHARED | MapFlags::MAP_POPULATE;
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours; it is never unmapped.
    let place =
        unsafe { mmap(None, length, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, flags, ring, offset) }?;
    Ok(place.cast())
}

const _: () = assert!(size_of::<Parameters>() == 120);
const _: () = assert!(size_of::<Submission>() == ENTRY_SIZE);
