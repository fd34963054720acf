//! Rules without which a session would be wider than the host allows. They are never left out, `--allow-degraded` or not.

use super::HostRules;
use super::document::{Maximum, MaximumExecution, MaximumFilesystem, MaximumNetwork};
use crate::plan::Ask;

/// Kinds of grants that some file bounds.
#[derive(Default)]
pub(super) struct Bounded {
    files: bool,
    programs: bool,
    reach: bool,
    listen: bool,
    sockets: bool,
}

impl HostRules {
    /// What is bounded by any file.
    pub(super) fn bounded(&self) -> Bounded {
        let mut bounded = Bounded::default();
        for maximum in self.files.iter().filter_map(|file| file.maximum.as_ref()) {
            let Maximum { environment: _, filesystem, network, execution } = &maximum.value;
            if let Some(at) = filesystem {
                let MaximumFilesystem { workspaces: _, read, write, deny, max_opens_per_minute: _ } =
                    &at.value;
                bounded.files |= read.is_some() || write.is_some() || deny.is_some();
            }
            if let Some(at) = network {
                let MaximumNetwork {
                    allowed_domains,
                    allowed_ports,
                    allowed_cidrs,
                    listen,
                    unix_sockets,
                    ..
                } = &at.value;
                bounded.reach |=
                    allowed_domains.is_some() || allowed_ports.is_some() || allowed_cidrs.is_some();
                bounded.listen |= listen.is_some();
                bounded.sockets |= unix_sockets.is_some();
            }
            if let Some(at) = execution {
                let MaximumExecution { allowed_programs, .. } = &at.value;
                bounded.programs |= allowed_programs.is_some();
            }
        }
        bounded
    }
}

impl Bounded {
    /// Whether a session without the layer for such a rule could do what the host bounds.
    pub(super) fn needs(&self, ask: &Ask) -> bool {
        match ask {
            Ask::PathGrant | Ask::PathDenyOutsideGrants => self.files,
            Ask::Programs => self.programs,
            Ask::Domain | Ask::ToolDomains | Ask::Cidr | Ask::Ports => self.reach,
            Ask::NoNetwork => self.reach || self.listen,
            Ask::Listen => self.listen,
            Ask::UnixSocket => self.sockets,
            // Without a layer that follows calls these hold for the whole session, which is within the maximum; that
            // anything is denied at all is what the rules of the first two lines are about.
            Ask::ToolPaths | Ask::ToolPrograms => false,
            // The policy's own restrictions. Where the host has one as well, it is a rule of the host's.
            Ask::OpenRate
            | Ask::PathDenyInsideGrant
            | Ask::NameDeny
            | Ask::ConnectRate
            | Ask::SentBytesRate
            | Ask::LookupRate
            | Ask::NameRate
            | Ask::DestinationRate
            | Ask::CallConnections
            | Ask::CallSentBytes
            | Ask::ExecRate
            | Ask::Memory
            | Ask::Cpus
            | Ask::Processes
            | Ask::OpenFiles
            | Ask::FileSize
            | Ask::SyscallProfile
            | Ask::Environment
            | Ask::Doorman
            | Ask::Scope
            | Ask::Approval
            | Ask::Arguments
            | Ask::OutputSchema
            | Ask::Content
            | Ask::Pins
            | Ask::Audit
            | Ask::Alert
            | Ask::Violation(..)
            | Ask::Repeated(_)
            | Ask::Layer(_) => false,
        }
    }
}
