//! The shape of a host file. Every key, its type and its description stand here once.

use super::words::{HostDenied, HostPath, HostVersion, PresetPattern, ToolPattern, VariablePattern};
use crate::document::At;
use crate::document::address::{ListenPort, Port};
use crate::document::destination::Destination;
use crate::document::list::{Item, List};
use crate::document::numbers::{Bytes, Cpus, PerMinute, Whole};
use crate::document::range::Cidr;
use crate::document::section::section;
use crate::plan::{ArgumentDetail, AuditFailure, SyscallProfile};
use crate::support::Layer;

section! {
    /// What no policy on this host may exceed. A key that is absent limits nothing of its kind; an empty list allows nothing.
    HostDocument requires ["version"] {
        /// The version of the host rules' language.
        version: HostVersion,
        /// What a policy may grant at most.
        maximum: Maximum,
        /// Layers that must enforce; otherwise nothing is started.
        require: List<At<Layer>>,
        /// `false`: nothing is started with a rule that is not enforced, whatever the command line says.
        allow_degraded: bool,
        /// What must be written down.
        audit: HostAudit,
        /// Which shipped presets may be used.
        presets: HostPresets,
        /// What holds whatever a policy says.
        policies: HostPolicies,
    }
}

section! {
    /// What a policy may grant at most.
    Maximum requires [] {
        /// Names or globs of variables that a server may see, and that a policy may read to fill them.
        environment: List<Item<VariablePattern>>,
        /// Files.
        filesystem: MaximumFilesystem,
        /// Network.
        network: MaximumNetwork,
        /// Programs and limits.
        execution: MaximumExecution,
    }
}

section! {
    /// Files that a policy may grant at most.
    MaximumFilesystem requires [] {
        /// Directories in which a workspace must lie.
        workspaces: List<Item<HostPath>>,
        /// Paths that may be granted to be read, with everything beneath; what may be written or executed may be read too.
        read: List<Item<HostPath>>,
        /// Paths that may be granted to be written, with everything beneath.
        write: List<Item<HostPath>>,
        /// Paths and names that stay closed inside of any grant.
        deny: List<Item<HostDenied>>,
        /// The highest number of opened files per minute.
        max_opens_per_minute: PerMinute,
    }
}

section! {
    /// Whom a policy may let a server talk to at most.
    MaximumNetwork requires [] {
        /// Domains that may be granted; an entry allows no other way to verify and no more records than it says.
        allowed_domains: List<Item<Destination>>,
        /// Ports that may be granted.
        allowed_ports: List<Item<Port>>,
        /// Address ranges that may be granted; `public` is every public address.
        allowed_cidrs: List<Item<Cidr>>,
        /// TCP ports that a server may be let listen on; 0 is the entry `0` of a policy, any free one.
        listen: List<Item<ListenPort>>,
        /// Paths beneath which unix sockets may be granted.
        unix_sockets: List<Item<HostPath>>,
        /// The highest number of new connections per minute.
        max_connections_per_minute: PerMinute,
        /// The highest number of bytes sent per minute; at most 4GiB.
        max_sent_bytes_per_minute: Bytes,
        /// The highest number of names looked up per minute.
        max_lookups_per_minute: PerMinute,
        /// The highest number of different names per minute that no rule spells out.
        max_names_per_minute: PerMinute,
        /// The highest number of different addresses per minute.
        max_destinations_per_minute: PerMinute,
    }
}

section! {
    /// What a policy may let a server execute and use at most.
    MaximumExecution requires [] {
        /// Programs, or directories of programs, that may be granted and that may be started as a server.
        allowed_programs: List<Item<HostPath>>,
        /// The most memory.
        memory_limit: Bytes,
        /// The largest share of processors.
        cpus: Cpus,
        /// The most processes and threads at once.
        max_processes: Whole<1, 4_194_304>,
        /// The highest number of executions per minute.
        max_execs_per_minute: PerMinute,
        /// The most open files of one process.
        max_open_files: Whole<8, 1_048_576>,
        /// The longest file that may be written.
        max_file_size: Bytes,
        /// `strict`: the profile that every session has.
        seccomp: SyscallProfile,
    }
}

section! {
    /// What must be written down.
    HostAudit requires [] {
        /// The least detail of a call's arguments: `names` or `redacted`.
        arguments: ArgumentDetail,
        /// The directory in which every log must lie.
        directory: HostPath,
        /// `stop`: a session whose records cannot be written is stopped.
        on_failure: AuditFailure,
    }
}

section! {
    /// Which shipped presets may be used.
    HostPresets requires ["allow"] {
        /// Names or globs of presets that may be used and extended. No other one may.
        allow: List<Item<PresetPattern>>,
    }
}

section! {
    /// What holds whatever a policy says.
    HostPolicies requires ["deny_tools"] {
        /// Names or globs of tools that are refused and hidden.
        deny_tools: List<Item<ToolPattern>>,
    }
}
