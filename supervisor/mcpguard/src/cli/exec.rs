//! `mcpguard exec`: start an MCP server under a policy and stand on its stdio pipe.
//!
//! ```text
//! $ mcpguard exec --policy filesystem -- node node_modules/.bin/mcp-server-filesystem "$PWD"
//! $ mcpguard exec -- npx -y some-server@1.2.3        # no policy: strict built-in one
//! ```
//!
//! Exit status: the server's own; 125 mcpguard failed or refused; 126 the command is not executable;
//! 127 there is no such command; 128+n the server was ended by signal n.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use policy::plan::Origin;

use crate::caller::Scopes;
use crate::cli::{EXIT_REFUSED, Failure};
use crate::compose::{Composed, Uncovered, compose};
use crate::host_rules::UnderRules;
use crate::hosted::Choice;
use crate::{environment, install, session, terminal};

/// Arguments of `mcpguard exec`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The policy: a file (`./github.yaml`) or a shipped preset (`github`); a strict built-in one if absent
    #[arg(long, short, value_name = "FILE|PRESET")]
    policy: Option<String>,
    /// The workspace that `${workspace}` stands for; the current directory if absent
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// Start although some rules are not enforced on this host; each is named on stderr and in the audit log
    #[arg(long)]
    allow_degraded: bool,
    /// The audit log's file; one a session in the state directory if absent
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// Seconds between two proofs that the eBPF layer still denies
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    canary_seconds: u64,
    /// Install the package that `npx` or `uvx` names first, under this policy, then run it without the launcher
    #[arg(long, value_name = "FILE|PRESET")]
    install_policy: Option<String>,
    #[command(flatten)]
    scopes: Scopes,
    #[command(flatten)]
    daemon: Choice,
    /// The MCP server's command line; `--` before it is optional
    #[arg(trailing_var_arg = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the server; the number is the exit status.
pub(crate) fn run(args: Args) -> anyhow::Result<u8> {
    enforce::harden_supervisor()?;
    let Args {
        policy,
        workspace,
        allow_degraded,
        audit,
        canary_seconds,
        install_policy,
        scopes,
        daemon,
        command,
    } = args;
    let caller = scopes.caller()?;
    let command = match install_policy {
        Some(install) => install::install(&install, allow_degraded, &command, &daemon)?,
        None => command,
    };
    let mut composed = compose(policy.as_deref(), workspace.as_deref(), &command, &daemon)?;
    composed.caller = caller;
    if policy.is_none() {
        terminal::note("no --policy: the strict built-in one holds (workspace read-only, no network)");
    }
    narrowed(&composed);
    covered(&composed, allow_degraded)?;
    let environment = environment::build(&composed.plan.environment)?;
    session::run(&Arc::new(composed), environment, audit, Duration::from_secs(canary_seconds), allow_degraded)
}

/// Refuses to start when a rule is not enforced, unless the user allows it; then says so for each rule. What the host's
/// rules want enforced, nobody but the administrator can let go.
pub(crate) fn covered(composed: &Composed, allow_degraded: bool) -> anyhow::Result<()> {
    let open: Vec<Uncovered<'_>> = composed.uncovered().collect();
    let forbidden = composed.under.as_ref().and_then(UnderRules::forbids_degraded);
    let firm: Vec<String> = open.iter().filter(|rule| rule.firm).map(ToString::to_string).collect();
    let all: Vec<String> = open.iter().map(ToString::to_string).collect();
    match (all.is_empty(), allow_degraded, forbidden) {
        (true, ..) => Ok(()),
        (false, false, _) => refuse(not_enforced(&all)),
        (false, true, Some(origin)) => refuse(forbidden_here(&all, origin)),
        (false, true, None) if !firm.is_empty() => refuse(wanted_by_the_host(&firm)),
        (false, true, None) => {
            all.iter().for_each(|rule| terminal::warning(&format!("not enforced here: {rule}")));
            Ok(())
        }
    }
}

/// Says which of the policy's own rules the host's took the place of.
pub(crate) fn narrowed(composed: &Composed) {
    let narrowed = composed.under.iter().flat_map(|under| &under.narrowed);
    for narrowing in narrowed.filter(|narrowing| narrowing.before.is_some()) {
        terminal::note(&format!("this host's rules: {narrowing}"));
    }
}

fn refuse(message: String) -> anyhow::Result<()> {
    Err(Failure { status: EXIT_REFUSED, message }.into())
}

fn not_enforced(open: &[String]) -> String {
    format!(
        "nothing was started, because {} rule(s) of the policy cannot be enforced on this host:\n  {}\n\
         Provide what is named, or start with --allow-degraded and without them.",
        open.len(),
        open.join("\n  ")
    )
}

fn forbidden_here(open: &[String], origin: &Origin) -> String {
    format!(
        "nothing was started, because {} rule(s) of the policy cannot be enforced on this host, and its rules forbid \
         --allow-degraded (`allow_degraded: false`, {origin}):\n  {}\n\
         Provide what is named, or take the rules out of the policy.",
        open.len(),
        open.join("\n  ")
    )
}

fn wanted_by_the_host(firm: &[String]) -> String {
    format!(
        "nothing was started, because {} rule(s) that this host's rules want enforced cannot be enforced here, and \
         --allow-degraded does not let them go:\n  {}\n\
         Provide what is named, or have the administrator change the host's rules.",
        firm.len(),
        firm.join("\n  ")
    )
}
