//! What the programs tell the supervisor: one record for each denial and each escape attempt.

/// What was attempted.
#[repr(u16)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// Opening a file.
    Open = 1,
    /// Executing a file.
    Exec = 2,
    /// Mapping a file's code, or making a mapping executable.
    MapCode = 3,
    /// Creating a file, directory, device, link or socket.
    Create = 4,
    /// Removing a file or directory.
    Remove = 5,
    /// Renaming; the path is the old one, or the new one if that is what was denied.
    Rename = 6,
    /// A hard link.
    Link = 7,
    /// Truncating by path.
    Truncate = 8,
    /// Changing mode, owner, times or extended attributes.
    Attributes = 9,
    /// Receiving a descriptor over a unix socket.
    Receive = 10,
    /// Connecting a socket.
    Connect = 11,
    /// Sending without a connection.
    Send = 12,
    /// Binding a socket.
    Bind = 13,
    /// Making a socket.
    Socket = 14,
    /// Connecting or sending to a unix socket.
    Unix = 15,
    /// Tracing another process, or reading its memory.
    Trace = 16,
    /// Signalling a process outside of the session.
    Signal = 17,
    /// Mounting, unmounting, moving mounts.
    Mount = 18,
    /// The bpf system call.
    Bpf = 19,
    /// A new user namespace.
    Namespace = 20,
    /// A new process or thread.
    Fork = 21,
    /// A task with the session's mark outside of its cgroup, or without it inside.
    Escape = 22,
    /// A packet that was dropped.
    Packet = 23,
    /// An io_uring with privileges of its own.
    Uring = 24,
}

impl EventKind {
    /// All kinds; the index is not the number.
    pub const ALL: [Self; 24] = [
        Self::Open,
        Self::Exec,
        Self::MapCode,
        Self::Create,
        Self::Remove,
        Self::Rename,
        Self::Link,
        Self::Truncate,
        Self::Attributes,
        Self::Receive,
        Self::Connect,
        Self::Send,
        Self::Bind,
        Self::Socket,
        Self::Unix,
        Self::Trace,
        Self::Signal,
        Self::Mount,
        Self::Bpf,
        Self::Namespace,
        Self::Fork,
        Self::Escape,
        Self::Packet,
        Self::Uring,
    ];

    /// The kind with this number.
    pub fn of(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u16 == number)
    }
}

/// What became of the attempt.
#[repr(u8)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It failed.
    Denied = 1,
    /// It failed and the process was sent `SIGKILL`.
    Killed = 2,
}

/// Why it was denied.
#[repr(u8)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// No rule grants it to the classes that are active; the event's rule is the nearest one, if any.
    NotGranted = 1,
    /// A name rule closes it.
    Name = 2,
    /// Over a limit; the event's access is the [`crate::Bucket`], or [`crate::BUCKETS`] and the [`crate::Spending`].
    Rate = 3,
    /// The path cannot be followed to the root: too deep, or detached.
    Unresolvable = 4,
    /// A kind of object that no policy grants: socket families, mounts, bpf.
    Kind = 5,
    /// The code lies where the session may write, or nowhere.
    WritableCode = 6,
    /// It would move or remove a directory on the way to a denied path.
    OnTheWay = 7,
    /// The supervisor has ended.
    Orphan = 8,
    /// The task is not where its mark says.
    Escape = 9,
    /// It concerns a process of another session or of none.
    Foreign = 10,
    /// An error inside the program: no memory, no entry.
    Internal = 11,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 11] = [
        Self::NotGranted,
        Self::Name,
        Self::Rate,
        Self::Unresolvable,
        Self::Kind,
        Self::WritableCode,
        Self::OnTheWay,
        Self::Orphan,
        Self::Escape,
        Self::Foreign,
        Self::Internal,
    ];

    /// The reason with this number.
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| *reason as u8 == number)
    }
}

/// What was wanted of a file, as bits.
pub struct Access;

impl Access {
    /// Reading or listing.
    pub const READ: u32 = 1;
    /// Changing.
    pub const WRITE: u32 = 2;
    /// Executing.
    pub const EXECUTE: u32 = 4;
}

/// The most bytes of a payload: the components of a path, the last one first, each ended by a zero byte. A path that is
/// longer is cut at its beginning (towards the root), which the missing root (an empty component at the end) shows.
///
/// Every record with a path takes that much of the ring.
pub const MAX_PAYLOAD: usize = 1280;

/// The head of a record in the ring `EVENTS`; `length` bytes of payload follow.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// See [`crate::State::sequence`]; 0 for a canary's.
    pub sequence: u64,
    /// `CLOCK_MONOTONIC` in nanoseconds.
    pub time_ns: u64,
    /// The active set at that moment.
    pub active: u64,
    /// The last admitted call at that moment.
    pub call: u64,
    /// The session's slot.
    pub slot: u32,
    /// The process, in the initial namespace.
    pub process: u32,
    /// The thread, in the initial namespace.
    pub thread: u32,
    /// The policy rule; [`crate::NO_RULE`] if none.
    pub rule: u32,
    /// [`Access`] bits for files; what is used up for [`Reason::Rate`]; the family for sockets; else a number of the kind's own
    /// (the target's process for [`EventKind::Trace`] and [`EventKind::Signal`], the command for [`EventKind::Bpf`]).
    pub access: u32,
    /// Bytes of the payload that follow.
    pub length: u32,
    /// An [`EventKind`].
    pub kind: u16,
    /// An [`Action`].
    pub action: u8,
    /// A [`Reason`].
    pub reason: u8,
    /// Zero.
    pub padding: u32,
    /// The address, for the kinds of the network.
    pub address: SocketAddress,
    /// The thread's name, ended by zero.
    pub name: [u8; 16],
}

/// An address and a port, or zero.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketAddress {
    /// IPv6, or IPv4 in its IPv6 form.
    pub address: [u8; 16],
    /// In host byte order.
    pub port: u16,
    /// `AF_INET`, `AF_INET6`, `AF_UNIX`, or 0.
    pub family: u16,
    /// `IPPROTO_TCP`, `IPPROTO_UDP`, or another one.
    pub protocol: u16,
    /// Zero.
    pub padding: u16,
}

const _: () = assert!(size_of::<SocketAddress>() == 24);
const _: () = assert!(size_of::<Event>() == 104);
