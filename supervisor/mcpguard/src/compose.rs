//! From what was typed to a plan with its coverage: shared by `exec` and `check`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::{IpAddr, ToSocketAddrs};
use std::path::Path;

use mcp::Caller;
use policy::plan::{Numbering, Rule};
use policy::{Coverage, HostRules, Plan, Source, Support};

use serde_json::{Value, json};

use crate::host::{Host, Lookup, Runtime};
use crate::host_rules::{self, UnderRules};
use crate::hosted::{Choice, Found, Recorder};
use crate::policies::{self, Shelf};
use crate::terminal;

/// The name that the built-in strict policy has in messages and records.
const BUILT_IN: &str = "built-in";

/// Everything that is known before anything is started.
pub(crate) struct Composed {
    /// The command, looked up.
    pub(crate) command: Option<Lookup>,
    /// This host, for this call.
    pub(crate) host: Host,
    /// The policy's file or preset name.
    pub(crate) source: String,
    /// What its author probably did not mean; said on stderr already.
    pub(crate) warnings: policy::Problems,
    /// The orders.
    pub(crate) plan: Plan,
    /// What the kernel can do.
    pub(crate) support: Support,
    /// Who enforces each rule.
    pub(crate) coverage: Coverage,
    /// What the rules of this host did to the plan, if it has any.
    pub(crate) under: Option<UnderRules>,
    /// The host daemon, if it does the kernel part.
    pub(crate) daemon: Option<Found>,
    /// What the compiler asked for.
    pub(crate) recorder: Recorder,
    /// Who calls.
    pub(crate) caller: Caller,
    /// The policy as it was asked for; `None`: the built-in one.
    asked: Option<String>,
}

/// What a policy is composed on.
struct Basis {
    host: Host,
    command: Option<Lookup>,
    rules: Option<HostRules>,
    daemon: Option<Found>,
    /// `None`: this host is looked at.
    support: Option<Support>,
    /// The numbers that grant classes have had.
    numbering: Numbering,
    warnings: Warnings,
}

/// Whether what is questionable about a policy is said on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Warnings {
    /// It is.
    Said,
    /// It was said before.
    Kept,
}

/// Reads, compiles and compares with the host.
///
/// # Errors
/// The command is not there, or the policy has errors or asks for more than the host allows; [`exit_code_of`](crate::cli::exit_code_of) knows the status.
pub(crate) fn compose(
    policy: Option<&str>,
    workspace: Option<&Path>,
    argv: &[OsString],
    daemon: &Choice,
) -> anyhow::Result<Composed> {
    let command = if argv.is_empty() { None } else { Some(Lookup::new(argv)?) };
    let host = Host::examine(workspace, command.as_ref())?;
    let rules = host_rules::of_this_host()?;
    let source = match policy {
        Some(name) => policies::read(name, rules.as_ref())?,
        None => built_in(command.as_ref()),
    };
    let (support, numbering) = (None, Numbering::default());
    let warnings = Warnings::Said;
    let basis = Basis { host, command, rules, daemon: daemon.find()?, support, numbering, warnings };
    on_this_host(source, policy.map(str::to_owned), basis)
}

/// The same for judging what was recorded: the workspace need not be there, and neither the kernel nor a daemon is asked.
///
/// # Errors
/// As [`compose`], but for a recorded command that is not here.
pub(crate) fn compose_for_replay(
    policy: &str,
    workspace: Option<&Path>,
    argv: &[OsString],
    warnings: Warnings,
) -> anyhow::Result<Composed> {
    // Where the command is not here, only what stands for its own files is not known.
    let command = if argv.is_empty() { None } else { Lookup::new(argv).ok() };
    let host = Host::examine(None, command.as_ref())?;
    let host = workspace.map_or_else(|| host.clone(), |workspace| host.clone().in_workspace(workspace));
    let rules = host_rules::of_this_host()?;
    let source = policies::read(policy, rules.as_ref())?;
    let (support, numbering) = (Some(Support::default()), Numbering::default());
    let basis = Basis { host, command, rules, daemon: None, support, numbering, warnings };
    on_this_host(source, Some(policy.to_owned()), basis)
}

/// The same for an installation: `${workspace}` is the directory that is installed into, and the registry of the
/// user's own configuration is added to the allowed domains.
pub(crate) fn compose_install(
    policy: &str,
    into: &Path,
    registry: &[String],
    argv: &[OsString],
    daemon: &Choice,
) -> anyhow::Result<Composed> {
    let command = Lookup::new(argv)?;
    let host = Host::examine(Some(into), Some(&command))?;
    // JSON is YAML, and quotes what has to be quoted.
    let reason = "the registry of the user's configuration";
    let domains: Vec<Value> =
        registry.iter().map(|name| json!({ "domain": name, "reason": reason })).collect();
    let mut network = json!({ "allowed_domains": domains });
    let inner = inner_addresses(registry);
    if !inner.is_empty() {
        let cidrs: Vec<Value> =
            inner.iter().map(|address| json!({ "cidr": address.to_string(), "reason": reason })).collect();
        network["allowed_cidrs"] = cidrs.into();
    }
    let document = json!({ "version": 1, "name": "install", "extends": [policy], "network": network });
    let source = Source { name: "install".to_owned(), text: document.to_string() };
    let (rules, daemon) = (host_rules::of_this_host()?, daemon.find()?);
    let (support, numbering) = (None, Numbering::default());
    let warnings = Warnings::Said;
    let basis = Basis { host, command: Some(command), rules, daemon, support, numbering, warnings };
    on_this_host(source, None, basis)
}

/// Addresses of the registry that no name may stand for by itself, because they are not public: companies keep their
/// registries inside. The user's own configuration names the host, and the host's own resolver the address.
fn inner_addresses(registry: &[String]) -> BTreeSet<IpAddr> {
    let told = registry.iter().filter_map(|host| (host.as_str(), 443).to_socket_addrs().ok());
    told.flatten().map(|address| address.ip()).filter(|address| !policy::is_public(*address)).collect()
}

fn on_this_host(source: Source, asked: Option<String>, basis: Basis) -> anyhow::Result<Composed> {
    let Basis { host, command, rules, daemon, support, numbering, warnings } = basis;
    let name = source.name.clone();
    let recorder = Recorder::of(&source);
    let policy = policy::load(source, &recorder.library(&Shelf(rules.as_ref())))?;
    if warnings == Warnings::Said {
        policy.warnings().iter().for_each(|warning| terminal::complaint(&warning.to_string()));
    }
    let context = host.context();
    let programs = recorder.programs(context.programs);
    let plan = policy.compile_next(&policy::Context { programs: &programs, ..context }, &numbering)?;
    drop(programs);
    not_the_whole_home(&plan, &host)?;
    let (plan, under) = match rules {
        None => (plan, None),
        Some(rules) => {
            let (plan, under) = host_rules::narrow(rules, &policy, plan, &host, command.as_ref())?;
            (plan, Some(under))
        }
    };
    let warnings = policy.warnings().clone();
    let support = support.unwrap_or_else(|| daemon.as_ref().map_or_else(enforce::probe, Found::support));
    let coverage = policy::coverage(&plan, &support);
    Ok(Composed {
        command,
        host,
        source: name,
        warnings,
        plan,
        support,
        coverage,
        under,
        daemon,
        recorder,
        caller: Caller::default(),
        asked,
    })
}

/// Refuses a policy that grants `${workspace}` where that is the home directory only because mcpguard was started there.
fn not_the_whole_home(plan: &Plan, host: &Host) -> anyhow::Result<()> {
    let granted = plan.files.rules.iter().any(|rule| rule.path.as_path() == host.workspace());
    anyhow::ensure!(
        !(granted && host.is_too_wide()),
        "the policy grants ${{workspace}}, which would be {} and so your whole home directory; name a directory by --workspace",
        host.workspace().display()
    );
    Ok(())
}

/// The problems behind a failed [`compose`]; any other error is given back.
pub(crate) fn diagnose(error: anyhow::Error) -> anyhow::Result<policy::Problems> {
    error.downcast::<policy::Problems>()
}

/// What holds without a policy: the runtime's own files, the workspace to read, no network, all tools.
fn built_in(command: Option<&Lookup>) -> Source {
    let runtime = command.map_or(Runtime::Native, Runtime::of).preset();
    let text = format!(
        "version: 1\nname: {BUILT_IN}\n\
         description: The strict policy of a call without one.\n\
         extends: [{runtime}]\n\
         filesystem:\n  read: [\"${{workspace}}\"]\n"
    );
    Source { name: BUILT_IN.to_owned(), text }
}

impl Composed {
    /// The same policy and the host's rules as they are written now, for a session that runs: on this host as it was found
    /// when the session began.
    ///
    /// # Errors
    /// As [`compose`].
    pub(crate) fn again(&self) -> anyhow::Result<Self> {
        let rules = host_rules::of_this_host()?;
        let source = match &self.asked {
            Some(name) => policies::read(name, rules.as_ref())?,
            None => built_in(self.command.as_ref()),
        };
        let (host, command, daemon) = (self.host.clone(), self.command.clone(), self.daemon.clone());
        let (support, numbering) = (Some(self.support.clone()), self.plan.numbering.clone());
        let warnings = Warnings::Said;
        let basis = Basis { host, command, rules, daemon, support, numbering, warnings };
        let caller = self.caller.clone();
        on_this_host(source, self.asked.clone(), basis).map(|composed| Self { caller, ..composed })
    }

    /// The rules that no layer enforces as written, with the reason, the remedy and what holds instead.
    pub(crate) fn uncovered(&self) -> impl Iterator<Item = Uncovered<'_>> {
        self.coverage.entries.iter().filter_map(|entry| {
            let policy::coverage::State::Uncovered { floor, reason, remedy } = &entry.state else {
                return None;
            };
            let firm = self.under.as_ref().is_some_and(|under| under.firm.contains(&entry.rule));
            Some(Uncovered {
                rule: self.plan.rule(entry.rule)?,
                firm,
                floor: floor.as_deref(),
                reason,
                remedy,
            })
        })
    }
}

/// A rule that no layer enforces as written.
pub(crate) struct Uncovered<'a> {
    /// The rule.
    pub(crate) rule: &'a Rule,
    /// Whether the host's rules want it enforced, whatever the user lets go.
    pub(crate) firm: bool,
    /// The weaker thing that still holds.
    pub(crate) floor: Option<&'a str>,
    /// Why it is not enforced here.
    pub(crate) reason: &'a str,
    /// What would enforce it.
    pub(crate) remedy: &'a str,
}

impl std::fmt::Display for Uncovered<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Rule { text, origin, .. } = self.rule;
        let policy::plan::Origin { source, line, column } = origin;
        write!(
            f,
            "{source}:{line}:{column}: `{text}`: {}; what would enforce it: {}",
            self.reason, self.remedy
        )?;
        self.floor.map_or(Ok(()), |floor| write!(f, " (without it: {floor})"))
    }
}
