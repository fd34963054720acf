//! What the kernel told: one denial or escape attempt, in words. The words are those of the eBPF programs' records.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::bytes::OsBytes;

/// One denial or escape attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelEvent {
    /// Numbers the session's events from 1. One that is missing was dropped, or is of a canary, which is told to nobody.
    pub sequence: u64,
    /// `CLOCK_MONOTONIC`, nanoseconds.
    pub at_ns: u64,
    /// The active set at that moment.
    pub active: u64,
    /// The last admitted call at that moment.
    pub call: u64,
    /// The process, in the initial namespace.
    pub process: u32,
    /// The thread, in the initial namespace.
    pub thread: u32,
    /// What the thread calls itself. It may have chosen any bytes.
    pub name: OsBytes,
    /// What was attempted.
    pub kind: EventKind,
    /// What became of it.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The policy rule, if one decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<u32>,
    /// Bits of what was wanted of a file (1 read, 2 write, 4 execute); what is used up for [`Reason::Rate`]; the family
    /// for sockets; else a number of the kind's own.
    pub access: u32,
    /// The file, directory or socket, where the attempt had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<SeenPath>,
    /// The peer, for the kinds of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<NetworkPeer>,
}

/// A path as the kernel saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenPath {
    /// Absolute if it is complete; otherwise the end of the path.
    pub path: OsBytes,
    /// Whether it leads from the root.
    pub complete: bool,
}

/// An address on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkPeer {
    /// Address and port.
    pub address: SocketAddr,
    /// `IPPROTO_TCP`, `IPPROTO_UDP`, or another one.
    pub protocol: u16,
}

/// What was attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Opening a file.
    Open,
    /// Executing a file.
    Exec,
    /// Mapping a file's code, or making a mapping executable.
    MapCode,
    /// Creating a file, directory, device, link or socket.
    Create,
    /// Removing a file or directory.
    Remove,
    /// Renaming.
    Rename,
    /// A hard link.
    Link,
    /// Truncating by path.
    Truncate,
    /// Changing mode, owner, times or extended attributes.
    Attributes,
    /// Receiving a descriptor over a unix socket.
    Receive,
    /// Connecting a socket.
    Connect,
    /// Sending without a connection.
    Send,
    /// Binding a socket.
    Bind,
    /// Making a socket.
    Socket,
    /// Connecting or sending to a unix socket.
    Unix,
    /// Tracing another process, or reading its memory.
    Trace,
    /// Signalling a process outside of the session.
    Signal,
    /// Mounting, unmounting, moving mounts.
    Mount,
    /// The bpf system call.
    Bpf,
    /// A new user namespace.
    Namespace,
    /// A new process or thread.
    Fork,
    /// A task with the session's mark outside of its cgroup, or without it inside.
    Escape,
    /// A packet that was dropped.
    Packet,
    /// An io_uring with privileges of its own.
    Uring,
    /// A word of a newer daemon.
    #[serde(other)]
    Unknown,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It failed.
    Denied,
    /// It failed and the process was sent `SIGKILL`.
    Killed,
    /// A word of a newer daemon.
    #[serde(other)]
    Unknown,
}

/// Why it was denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No rule grants it to the classes that are active.
    NotGranted,
    /// A name rule closes it.
    Name,
    /// Over a limit.
    Rate,
    /// The path cannot be followed to the root.
    Unresolvable,
    /// A kind of object that no policy grants.
    Kind,
    /// The code lies where the session may write, or nowhere.
    WritableCode,
    /// It would move or remove a directory on the way to a denied path.
    OnTheWay,
    /// The supervisor has ended.
    Orphan,
    /// The task is not where its mark says.
    Escape,
    /// It concerns a process of another session or of none.
    Foreign,
    /// An error inside the program.
    Internal,
    /// A word of a newer daemon.
    #[serde(other)]
    Unknown,
}
