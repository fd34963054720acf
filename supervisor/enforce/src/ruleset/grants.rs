//! From a plan to the list of grants, before anything is opened.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use landlock::{AccessFs, BitFlags};
use policy::Plan;
use policy::plan::{FilesPlan, PathRule};
use serde::{Deserialize, Serialize};

use super::rights;

/// What Landlock is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ruleset {
    /// The kernel's ABI.
    pub(crate) abi: u32,
    /// Paths, each with its rights.
    pub(crate) grants: Vec<Grant>,
    /// TCP ports that may be connected to.
    pub(crate) connect: Vec<u16>,
    /// TCP ports that may be bound; 0 is any free one.
    pub(crate) bind: Vec<u16>,
    /// UDP ports that may be sent to.
    pub(crate) udp: Vec<u16>,
}

/// Rights on a path and everything beneath.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    path: OsString,
    /// `AccessFs` as the kernel's bits.
    rights: u64,
    /// Who asked for it.
    pub(crate) origin: Origin,
}

/// Who asked for a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// The policy.
    Policy,
    /// Nobody in words: the command, an interpreter of it, or the loader of a program.
    Implied,
}

/// UDP port of the domain name system, the only one that a plan can mean: its ports are TCP's.
const DNS: u16 = 53;

impl Grant {
    fn new(path: &Path, rights: BitFlags<AccessFs>, origin: Origin) -> Self {
        Self { path: path.as_os_str().to_owned(), rights: rights.bits(), origin }
    }

    pub(crate) fn path(&self) -> &Path {
        Path::new(&self.path)
    }

    pub(crate) fn rights(&self) -> BitFlags<AccessFs> {
        BitFlags::from_bits_truncate(self.rights)
    }

    /// Whether the server can change what is here.
    pub(crate) fn is_writable(&self) -> bool {
        self.rights().intersects(AccessFs::WriteFile | AccessFs::MakeSym | AccessFs::MakeReg)
    }
}

impl Ruleset {
    /// What a plan grants to all its classes together, and the programs that it implies.
    pub(crate) fn of(plan: &Plan, abi: u32, implied: &[PathBuf]) -> Self {
        let reaches_out = !plan.network.domains.is_empty() || !plan.network.cidrs.is_empty();
        let only_if = |wanted: bool, ports: &[u16]| if wanted { ports.to_vec() } else { Vec::new() };
        let mut grants = path_grants(&plan.files, abi);
        grants.extend(implied.iter().map(|path| Grant::new(path, rights::executing(), Origin::Implied)));
        let reaching = rights::reaching(rights::known(abi));
        if !reaching.is_empty() {
            let sockets = plan.network.unix_sockets.iter();
            grants.extend(sockets.map(|rule| Grant::new(rule.path.as_path(), reaching, Origin::Policy)));
        }
        Self {
            abi,
            grants,
            connect: only_if(reaches_out, &plan.network.ports),
            bind: plan.network.listen.clone(),
            udp: only_if(plan.network.resolves(), &[DNS]),
        }
    }
}

impl Ruleset {
    /// With the port where names are looked up by TCP (RFC 7766), for a session whose own resolver is all that is found
    /// there.
    pub(crate) fn with_resolver(mut self) -> Self {
        self.connect.push(DNS);
        self.connect.sort_unstable();
        self.connect.dedup();
        self
    }

    /// With binding to any free TCP port, as clients do before they connect, for a session whose ports are judged by
    /// programs: they let nobody in whom no rule lets in, which Landlock cannot tell apart from that.
    pub(crate) fn with_free_ports(mut self) -> Self {
        self.bind.push(0);
        self.bind.sort_unstable();
        self.bind.dedup();
        self
    }
}

pub(crate) fn path_grants(files: &FilesPlan, abi: u32) -> Vec<Grant> {
    let all =
        files.rules.iter().map(|rule| Grant::new(rule.path.as_path(), rights_of(rule, abi), Origin::Policy));
    all.filter(|grant| !grant.rights().is_empty()).collect()
}

fn rights_of(rule: &PathRule, abi: u32) -> BitFlags<AccessFs> {
    let mut sum = BitFlags::empty();
    if !rule.read.is_empty() {
        sum |= rights::reading();
    }
    if !rule.write.is_empty() {
        sum |= rights::writing(rights::known(abi));
    }
    if !rule.execute.is_empty() {
        sum |= rights::executing();
    }
    sum
}
