//! `Policy` → `Plan`: expands variables for one host, numbers the grant classes, resolves the masks of every path,
//! and writes one [`crate::plan::Rule`] for each thing that the policy asks for.

mod access;
mod alerts;
mod approvals;
mod arguments;
mod content;
mod domains;
mod doorman;
mod environment;
mod execution;
mod expand;
mod files;
mod grants;
mod ledger;
mod links;
mod network;
mod pins;
mod tool_keys;
mod tools;
mod violations;

use std::collections::BTreeMap;

pub(crate) use domains::Way;
pub(crate) use expand::{expand_path, expand_program, expand_text};

use crate::document::{At, Document};
use crate::plan::{AbsolutePath, Ask, Numbering, Plan};
use crate::policy::Policy;
use crate::problem::Problems;
use grants::Grants;
use ledger::Ledger;

/// What variables and program names mean on this host, for this call.
pub struct Context<'a> {
    /// `${workspace}`: the directory of the call, or what the user named instead.
    pub workspace: AbsolutePath,
    /// `${home}`.
    pub home: AbsolutePath,
    /// `${config_home}`: `$XDG_CONFIG_HOME` or `~/.config`.
    pub config_home: AbsolutePath,
    /// `${cache_home}`: `$XDG_CACHE_HOME` or `~/.cache`.
    pub cache_home: AbsolutePath,
    /// `${runtime_dir}`: `$XDG_RUNTIME_DIR`, where there is one.
    pub runtime_dir: Option<AbsolutePath>,
    /// `${server}`: the directories of the server's own program (its package, its virtual environment). A list
    /// entry that starts with it becomes one rule a directory.
    pub server: Vec<AbsolutePath>,
    /// `${env:NAME}`: mcpguard's own environment.
    pub environment: &'a BTreeMap<String, String>,
    /// Programs by name.
    pub programs: &'a dyn Programs,
}

/// Programs by name.
pub trait Programs {
    /// The file that a bare name means in the `PATH` that the server will see, symlinks resolved.
    ///
    /// # Errors
    /// A sentence for the user: why there is none.
    fn find(&self, name: &str) -> Result<AbsolutePath, String>;

    /// The programs that the kernel executes in place of a program: the interpreter of a script, and what that needs
    /// in turn, symlinks resolved. Without them a script that may be executed cannot start. The dynamic loader of an
    /// ELF file is not one of them: the kernel loads it, and nobody needs to start it.
    fn companions(&self, program: &AbsolutePath) -> Vec<AbsolutePath> {
        let _ = program;
        Vec::new()
    }
}

impl Policy {
    /// Makes the plan for a host.
    ///
    /// # Errors
    /// Variables that are not set here, programs that are not found, grants that a deny closes, more tool grants
    /// than there are classes: all at once.
    pub fn compile(&self, context: &Context<'_>) -> Result<Plan, Problems> {
        self.compile_next(context, &Numbering::default())
    }

    /// The same for a session that runs: grant classes that its earlier policies had keep their numbers, and no other gets
    /// one of those.
    ///
    /// # Errors
    /// As [`Self::compile`]; the numbers are used up.
    pub fn compile_next(&self, context: &Context<'_>, numbering: &Numbering) -> Result<Plan, Problems> {
        let (ledger, grants) = (Ledger::default(), Grants::default());
        let mut compiler = Compiler { policy: self, context, ledger, grants };
        let plan = compiler.plan(numbering);
        match compiler.ledger.report.has_error() {
            true => Err(compiler.ledger.report.into_problems()),
            false => Ok(plan),
        }
    }
}

/// One compilation.
struct Compiler<'a> {
    policy: &'a Policy,
    context: &'a Context<'a>,
    ledger: Ledger,
    grants: Grants,
}

impl Compiler<'_> {
    fn plan(&mut self, numbering: &Numbering) -> Plan {
        // Every key of the document is named here: one that is forgotten does not compile.
        let Document {
            version: _,
            name: _,
            description: _,
            extends: _,
            environment,
            filesystem,
            network,
            execution,
            tools,
            roles,
            prompts,
            resources,
            approvals,
            session,
            server_requests,
            responses,
            content,
            pins,
            audit,
            alerts,
            on_violation,
            require,
        } = self.policy.document().clone();
        let environment = self.environment(value(environment));
        let max_opens_per_minute = self.filesystem(value(filesystem));
        let (limits, syscalls) = self.execution(value(execution), max_opens_per_minute);
        let mut network = self.network(value(network));
        let (tools, tools::Classes { keys: classes, numbering, budgets }) =
            self.tools(tools, roles, numbering, &mut network);
        self.close_network(&mut network);
        self.settle_denies(&network.unix_sockets);
        let access = crate::plan::AccessPlan {
            prompts: self.accesses("prompts", prompts),
            resources: self.accesses("resources", resources),
        };
        let approvals = self.approvals(value(approvals));
        let session = self.session(value(session), value(server_requests));
        let (mut responses, redact) = self.responses(value(responses));
        let content = self.content(value(content), redact);
        let pins = self.pins(pins);
        let audit = self.audit(value(audit));
        let alerts = self.alerts(value(alerts));
        let on_violation = self.violations(value(on_violation));
        let require = self.require(value(require));
        let files = std::mem::take(&mut self.grants).into_plan();
        if let Some(links) = &mut responses.links {
            links::open(links, &files, &network);
        }
        let rules = std::mem::take(&mut self.ledger.rules);
        let description = self.policy.description().map(str::to_owned);
        let (name, revision) = (self.policy.name().to_owned(), self.policy.revision().to_owned());
        Plan {
            name,
            description,
            revision,
            rules,
            classes,
            numbering,
            budgets,
            environment,
            files,
            network,
            limits,
            syscalls,
            tools,
            access,
            approvals,
            session,
            responses,
            content,
            pins,
            audit,
            alerts,
            on_violation,
            require,
        }
    }

    fn require(
        &mut self,
        require: crate::document::list::List<At<crate::support::Layer>>,
    ) -> Vec<crate::support::Layer> {
        let mut layers = Vec::new();
        for At { value, origin } in require.0 {
            self.ledger.rule(format!("require: {value}"), &origin, None, Ask::Layer(value));
            layers.push(value);
        }
        layers.sort_unstable();
        layers.dedup();
        layers
    }
}

/// An absent section is an empty one: it grants nothing.
fn value<T: Default>(section: Option<At<T>>) -> T {
    section.map(|at| at.value).unwrap_or_default()
}
