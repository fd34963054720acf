//! The meaning of a policy, said slowly and plainly: every rule is looked at for every question.
//!
//! Nothing that runs a server uses it. It is what the compiled plan is tested against, and what a person may read
//! instead of the compiler. [`Plan::allows`] gives the same answers with one look-up.

use std::net::IpAddr;

use crate::compile::{Context, expand_path, expand_program};
use crate::document::At;
use crate::document::address::Domain;
use crate::document::glob;
use crate::document::list::{Filled, Item};
use crate::document::path::{Denied, PathText, Program};
use crate::document::tool::{Tool, ToolKey};
use crate::document::{Document, Merge};
use crate::plan::{AbsolutePath, CidrRule, ClassMask, DomainRule, Plan};
use crate::policy::Policy;
use crate::problem::Complaint;

/// Something that the process tree wants to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Read a file or list a directory.
    Read(AbsolutePath),
    /// Create, change, rename or remove a file.
    Write(AbsolutePath),
    /// Execute a file.
    Execute(AbsolutePath),
    /// Connect to a port of a host that was looked up by this name (lower case, ASCII form), because a rule names it.
    /// What a range lets through is asked by its address, whether or not it was looked up.
    Connect(String, u16),
    /// Connect to a port of an address that no allowed name stands for.
    ConnectAddress(IpAddr, u16),
}

/// Whether the policy permits a request while calls of these tools are in flight.
///
/// # Errors
/// A sentence, if a variable is not set or a program is not found; such a policy does not compile.
pub fn permits(
    policy: &Policy,
    context: &Context<'_>,
    request: &Request,
    in_flight: &[&str],
) -> Result<bool, String> {
    let grants =
        Grants::gather(policy.document(), context, in_flight).map_err(|complaint| complaint.message)?;
    Ok(match request {
        Request::Read(path) => grants.path(path, &[Right::Read, Right::Write, Right::Execute]),
        Request::Write(path) => grants.path(path, &[Right::Write]),
        Request::Execute(path) => grants.path(path, &[Right::Execute]),
        Request::Connect(name, port) => {
            grants.port(*port) && grants.domains.iter().any(|domain| is_named(domain, name))
        }
        Request::ConnectAddress(address, port) => {
            grants.port(*port)
                && grants.cidrs.iter().any(|(network, prefix)| lies_in(*address, *network, *prefix))
        }
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Right {
    Read,
    Write,
    Execute,
}

/// Everything that is granted at this moment, and everything that is denied.
#[derive(Default)]
struct Grants {
    paths: Vec<(AbsolutePath, Right)>,
    denied: Vec<AbsolutePath>,
    names: Vec<crate::plan::NamePattern>,
    domains: Vec<Domain>,
    cidrs: Vec<(IpAddr, u8)>,
    ports: Vec<u16>,
}

impl Grants {
    fn gather(document: &Document, context: &Context<'_>, in_flight: &[&str]) -> Result<Self, Complaint> {
        let mut grants = Self::default();
        if let Some(At { value: files, .. }) = &document.filesystem {
            grants.paths(files.read.iter().flat_map(|at| &at.value.0), Right::Read, context)?;
            grants.paths(files.write.iter().flat_map(|at| &at.value.0), Right::Write, context)?;
            grants.denies(files.deny.iter().flat_map(|at| &at.value.0), context)?;
        }
        if let Some(At { value: execution, .. }) = &document.execution {
            grants.programs(execution.allowed_programs.as_ref(), context)?;
        }
        if let Some(At { value: network, .. }) = &document.network {
            grants.domains.extend(values(network.allowed_domains.as_ref()).map(|to| to.domain));
            let ranges = values(network.allowed_cidrs.as_ref()).flat_map(|cidr| cidr.ranges());
            grants.cidrs.extend(ranges.map(|range| (range.address, range.prefix)));
            grants.ports.extend(values(network.allowed_ports.as_ref()).map(|port| port.0));
        }
        for tool in in_flight.iter().filter_map(|name| tool(document, name)) {
            let right = if tool.read_only.is_some_and(|at| at.value) { Right::Read } else { Right::Write };
            grants.paths(tool.allowed_paths.iter().flat_map(|at| &at.value.0), right, context)?;
            grants.programs(tool.allowed_programs.as_ref(), context)?;
            grants.domains.extend(values(tool.allowed_domains.as_ref()).map(|to| to.domain));
        }
        Ok(grants)
    }

    fn paths<'a>(
        &mut self,
        items: impl Iterator<Item = &'a Item<PathText>>,
        right: Right,
        context: &Context<'_>,
    ) -> Result<(), Complaint> {
        for item in items {
            self.paths.extend(expand_path(&item.value, context)?.into_iter().map(|path| (path, right)));
        }
        Ok(())
    }

    fn denies<'a>(
        &mut self,
        items: impl Iterator<Item = &'a Item<Denied>>,
        context: &Context<'_>,
    ) -> Result<(), Complaint> {
        for item in items {
            match &item.value {
                Denied::Path(path) => self.denied.extend(expand_path(path, context)?),
                Denied::Name { pattern, .. } => self.names.push(pattern.clone()),
            }
        }
        Ok(())
    }

    fn programs(
        &mut self,
        programs: Option<&At<Filled<Item<Program>>>>,
        context: &Context<'_>,
    ) -> Result<(), Complaint> {
        for program in values(programs) {
            let files = expand_program(&program, context)?;
            self.paths.extend(files.into_iter().map(|file| (file, Right::Execute)));
        }
        Ok(())
    }

    /// The longest rule decides; at equal length deny wins; a denied name wins everywhere.
    fn path(&self, path: &AbsolutePath, rights: &[Right]) -> bool {
        let length = |rule: &AbsolutePath| rule.as_path().components().count();
        let granting = self.paths.iter().filter(|(rule, right)| rights.contains(right) && rule.covers(path));
        let denying = self.denied.iter().filter(|rule| rule.covers(path));
        let granted = granting.map(|(rule, _)| length(rule)).max();
        let denied = denying.map(length).max();
        let named = path.as_path().iter().any(|part| self.names.iter().any(|name| name.matches(part)));
        !named && granted > denied
    }

    fn port(&self, port: u16) -> bool {
        match self.ports.is_empty() {
            true => port == 443,
            false => self.ports.contains(&port),
        }
    }
}

/// What holds for a tool: its exact entry, else the longest glob that matches, else the defaults. `None`: disabled.
fn tool(document: &Document, name: &str) -> Option<Tool> {
    let entries = || document.tools.iter().flat_map(|at| &at.value.0);
    let defaults = entries().find(|(key, _)| key.value == ToolKey::Defaults).map(|(_, tool)| tool.clone());
    let exact = entries().find(|(key, _)| key.value == ToolKey::Exact(name.to_owned()));
    let globs =
        entries().filter(|(key, _)| matches!(&key.value, ToolKey::Glob(glob) if glob::matches(glob, name)));
    let longest = globs.max_by_key(|(key, _)| key.value.text().chars().count());
    let found = match exact.or(longest) {
        None => defaults.unwrap_or_default(),
        Some((_, own)) => Tool { enabled: None, ..defaults.unwrap_or_default() }.merge(own.clone()),
    };
    found.enabled.as_ref().is_none_or(|at| at.value).then_some(found)
}

fn values<T: Clone>(list: Option<&At<Filled<Item<T>>>>) -> impl Iterator<Item = T> {
    list.into_iter().flat_map(|at| &at.value.0).map(|item| item.value.clone())
}

pub(crate) fn is_named(Domain { name: rule, subdomains_only }: &Domain, name: &str) -> bool {
    match subdomains_only {
        true => name.ends_with(&format!(".{rule}")),
        false => name == rule,
    }
}

pub(crate) fn lies_in(address: IpAddr, network: IpAddr, prefix: u8) -> bool {
    let bits = |address: IpAddr| -> Vec<bool> {
        let octets = match address {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        octets.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1)).collect()
    };
    let address = address.to_canonical();
    address.is_ipv4() == network.is_ipv4()
        && bits(address)[..usize::from(prefix)] == bits(network)[..usize::from(prefix)]
}

impl Plan {
    /// Whether the plan allows a request while these classes are active: one look-up, as the kernel does it.
    /// Domains are compared by name; that answers for private addresses are refused is the resolver's work.
    pub fn allows(&self, request: &Request, active: ClassMask) -> bool {
        let open = |path| {
            let rule = self.files.decisive(path).filter(|_| self.files.denied_name(path).is_none());
            rule.map_or([ClassMask::NONE; 3], |rule| [rule.read, rule.write, rule.execute])
        };
        match request {
            Request::Read(path) => open(path)[0].intersects(active),
            Request::Write(path) => open(path)[1].intersects(active),
            Request::Execute(path) => open(path)[2].intersects(active),
            Request::Connect(name, port) => {
                let reaches = |rule: &DomainRule| rule.classes.intersects(active) && rule.matches(name);
                self.network.ports.contains(port) && self.network.domains.iter().any(reaches)
            }
            Request::ConnectAddress(address, port) => {
                let reaches = |rule: &CidrRule| rule.classes.intersects(active) && rule.contains(*address);
                self.network.ports.contains(port) && self.network.cidrs.iter().any(reaches)
            }
        }
    }

    /// The classes that are active while calls of these tools are in flight: class 0 and theirs.
    pub fn active(&self, in_flight: &[&str]) -> ClassMask {
        let class =
            |name: &&str| Some(self.tools.rule_for(name)).filter(|rule| rule.enabled).map(|rule| rule.class);
        in_flight
            .iter()
            .filter_map(class)
            .fold(ClassMask::ALWAYS, |mask, class| mask.union(ClassMask::only(class)))
    }
}
