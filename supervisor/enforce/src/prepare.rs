//! From a plan to orders that are ready to be carried out: filters compiled, grants listed, nothing given up yet.

use std::collections::BTreeSet;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use policy::plan::{AbsolutePath, FilesPlan, LimitsPlan, SyscallProfile};
use policy::{Plan, Support};

use crate::egress::Doors;
use crate::enclosure::{EncloseError, Prepared};
use crate::encode::Implied;
use crate::limits::{self, Limit};
use crate::notify::{self, GateError};
use crate::orders::Orders;
use crate::programs::{self, Chain};
use crate::ruleset::{self, Ruleset};
use crate::seccomp::{self, Addresses, CompileError, Profile, Reporting, Sockets};

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program, absolute.
    pub program: PathBuf,
    /// Its arguments, the zeroth one included.
    pub argv: Vec<OsString>,
    /// Its whole environment, in order; nothing is added.
    pub environment: Vec<(OsString, OsString)>,
    /// Where it stands when it starts.
    pub directory: PathBuf,
    /// Where the session's resolver and proxy listen already; `None` where the policy allows no domains.
    pub doors: Option<Doors>,
}

/// Who does what takes root: the control group, the eBPF programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encloser {
    /// This process, as far as it can: [`Ready::spawn`].
    Own,
    /// The host daemon, whose abilities stand in the support: [`Ready::spawn_under`].
    Daemon,
}

/// Why a plan cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The command is not there.
    #[error("{} is not there: {}", .0.display(), .1)]
    NotFound(PathBuf, std::io::Error),
    /// The command is a directory, or has no execute bit.
    #[error("{} is not an executable file", .0.display())]
    NotExecutable(PathBuf),
    /// A path, argument or variable that the kernel could not be told.
    #[error("{0} cannot be passed to a program: {1}")]
    Unpassable(&'static str, String),
    /// The system call filter could not be made.
    #[error(transparent)]
    Filter(#[from] CompileError),
    /// The user's running processes could not be counted, so that `max_processes` has no number to add to.
    #[error("the user's processes cannot be counted for max_processes: {0}")]
    Uncountable(std::io::Error),
    /// What root's layers need cannot be said.
    #[error(transparent)]
    Enclose(#[from] EncloseError),
    /// What the gate needs cannot be said.
    #[error(transparent)]
    Gate(#[from] GateError),
}

impl PrepareError {
    /// 125 if mcpguard failed, 126 if the command cannot be executed, 127 if it is not there.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotFound(..) => 127,
            Self::NotExecutable(_) => 126,
            Self::Unpassable(..)
            | Self::Filter(_)
            | Self::Uncountable(_)
            | Self::Enclose(_)
            | Self::Gate(_) => 125,
        }
    }
}

/// A plan that is ready for one start.
#[derive(Debug)]
#[must_use]
pub struct Ready {
    pub(crate) orders: Orders,
    pub(crate) profile: Profile,
    pub(crate) files: FilesPlan,
    pub(crate) encloser: Encloser,
    /// Nothing where somebody else encloses the server.
    pub(crate) enclosure: Option<Prepared>,
    /// Where the supervisor decides about addresses.
    pub(crate) gate: Option<notify::Prepared>,
    summary: Summary,
}

/// What will be engaged, for `check` and the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The kernel's Landlock ABI; 0 means that Landlock is not engaged.
    pub landlock_abi: u32,
    /// Path grants and port grants.
    pub landlock_rules: usize,
    /// What Landlock denies unless granted, by name: `fs.Execute`, `net.ConnectTcp`, `scope.Signal`.
    pub landlock_handled: Vec<String>,
    /// Programs that may be executed although no rule names them: the command, interpreters and loaders.
    pub implied_programs: Vec<PathBuf>,
    /// The profile's name; `none` if the kernel has no filters.
    pub syscall_profile: &'static str,
    /// System calls that run, at least with some arguments.
    pub syscalls_allowed: usize,
    /// Instructions of the filter.
    pub filter_instructions: usize,
    /// Refused system calls are reported to the supervisor.
    pub reports_refused_calls: bool,
    /// What a reader should know about the bounds of these mechanisms on this host. Whole sentences.
    pub notes: Vec<String>,
}

impl Ready {
    /// What will be engaged.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }
}

/// Compiles the orders for one start of the command. Opens nothing for good and changes nothing in this process.
///
/// Whether the host can enforce what the plan asks is `coverage`'s question, asked before: here a mechanism that
/// `support` lacks is left out, and `summary` says so.
pub fn prepare(
    plan: &Plan,
    support: &Support,
    command: &Command,
    encloser: Encloser,
) -> Result<Ready, PrepareError> {
    check_program(&command.program)?;
    let addresses = notify::who_decides(plan, support);
    let profile = Profile::of(plan, addresses);
    let reporting = if support.seccomp_notify { Reporting::Notify } else { Reporting::Silent };
    let filter = match support.seccomp_filter {
        true => seccomp::compile(&profile, reporting)?,
        false => Vec::new(),
    };
    let implied: Vec<PathBuf> = chains(plan, command).all().into_iter().collect();
    let ruleset = (support.landlock_abi > 0).then(|| Ruleset::of(plan, support.landlock_abi, &implied));
    // Only where programs lead to the resolver: else the port would be open at every host.
    let led = command.doors.is_some() && support.ebpf.network;
    let ruleset = ruleset.map(|ruleset| if led { ruleset.with_resolver() } else { ruleset });
    let judged = support.ebpf.network && plan.network.wants_ip();
    let ruleset = ruleset.map(|ruleset| if judged { ruleset.with_free_ports() } else { ruleset });
    let listen = !filter.is_empty() && reporting == Reporting::Notify;
    let orders = Orders {
        supervisor: nix::unistd::getpid().as_raw(),
        program: passable("the program's path", command.program.as_os_str().as_bytes().to_vec())?,
        arguments: command
            .argv
            .iter()
            .map(|word| passable("an argument", word.as_bytes().to_vec()))
            .collect::<Result<_, _>>()?,
        environment: command.environment.iter().map(variable).collect::<Result<_, _>>()?,
        directory: command.directory.as_os_str().to_owned(),
        limits: limits(&plan.limits, support)?,
        ruleset,
        filter,
        listen,
        aside: listen && addresses == Addresses::Gate,
    };
    let summary = summary(plan, support, &orders, &profile, implied);
    let enclosure = match encloser {
        Encloser::Own => Prepared::of(plan, support, &self::implied(plan, command), command.doors)?,
        Encloser::Daemon => None,
    };
    let gate =
        (addresses == Addresses::Gate).then(|| notify::Prepared::of(plan, command.doors)).transpose()?;
    Ok(Ready { orders, profile, files: plan.files.clone(), encloser, enclosure, gate, summary })
}

fn check_program(program: &Path) -> Result<(), PrepareError> {
    program.metadata().map_err(|error| PrepareError::NotFound(program.to_owned(), error))?;
    match programs::is_program(program) {
        true => Ok(()),
        false => Err(PrepareError::NotExecutable(program.to_owned())),
    }
}

/// The programs that no rule names and that run all the same, for the tables of the eBPF programs: the command with its
/// interpreters, and every loader. What a granted program needs is granted in the plan, to its own classes.
pub fn implied(plan: &Plan, command: &Command) -> Implied {
    let mut own = Chain::default();
    programs::follow(&mut own, &command.program, &programs::search_path(&command.environment));
    let (programs, loaders) = (own.programs, chains(plan, command).loaders);
    let absolute = |paths: BTreeSet<PathBuf>| paths.into_iter().filter_map(AbsolutePath::new).collect();
    Implied { programs: absolute(programs), loaders: absolute(loaders) }
}

/// The command with its chain, and the chains of the granted programs. The chain of a program that the server could
/// write is not followed: an earlier session could have put any path behind its `#!`.
fn chains(plan: &Plan, command: &Command) -> Chain {
    let search_path = programs::search_path(&command.environment);
    let mut chain = Chain::default();
    programs::follow(&mut chain, &command.program, &search_path);
    // Where it cannot be found out, the path is taken as it is written.
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let writable = plan.files.rules.iter().filter(|rule| !rule.write.is_empty());
    let writable: Vec<PathBuf> = writable.map(|rule| real(rule.path.as_path())).collect();
    let written = |path: &Path| writable.iter().any(|root| real(path).starts_with(root));
    for rule in plan.files.rules.iter().filter(|rule| !rule.execute.is_empty()) {
        let path = rule.path.as_path();
        if path.is_dir() {
            chain.loaders.extend(programs::usual_loaders());
        } else if !written(path) {
            programs::follow(&mut chain, path, &search_path);
        }
    }
    chain
}

fn limits(plan: &LimitsPlan, support: &Support) -> Result<Vec<Limit>, PrepareError> {
    let counts = plan.max_processes.is_some() && !support.server_is_root;
    let running = counts.then(limits::threads_of_user).transpose().map_err(PrepareError::Uncountable)?;
    Ok(limits::of(plan, running))
}

fn passable(what: &'static str, bytes: Vec<u8>) -> Result<CString, PrepareError> {
    CString::new(bytes)
        .map_err(|error| PrepareError::Unpassable(what, format!("it contains a NUL byte ({error})")))
}

fn variable((name, value): &(OsString, OsString)) -> Result<CString, PrepareError> {
    if name.is_empty() || name.as_bytes().contains(&b'=') {
        let reason = format!("the name `{}` is empty or contains `=`", name.display());
        return Err(PrepareError::Unpassable("an environment variable", reason));
    }
    let mut pair = name.clone().into_vec();
    pair.push(b'=');
    pair.extend(value.as_bytes());
    // The value may be a secret, so the error names the variable alone.
    CString::new(pair).map_err(|_| {
        PrepareError::Unpassable(
            "an environment variable",
            format!("`{}` contains a NUL byte", name.display()),
        )
    })
}

fn summary(
    plan: &Plan,
    support: &Support,
    orders: &Orders,
    profile: &Profile,
    implied: Vec<PathBuf>,
) -> Summary {
    let rules = orders.ruleset.as_ref();
    Summary {
        landlock_abi: support.landlock_abi,
        landlock_rules: rules
            .map_or(0, |set| set.grants.len() + set.connect.len() + set.bind.len() + set.udp.len()),
        landlock_handled: if rules.is_some() {
            ruleset::handled_names(support.landlock_abi)
        } else {
            Vec::new()
        },
        implied_programs: implied,
        syscall_profile: match plan.syscalls {
            _ if orders.filter.is_empty() => "none",
            SyscallProfile::Default => "default",
            SyscallProfile::Strict => "strict",
        },
        syscalls_allowed: profile.allowed(),
        filter_instructions: orders.filter.len(),
        reports_refused_calls: orders.listen,
        notes: notes(plan, support),
    }
}

fn notes(plan: &Plan, support: &Support) -> Vec<String> {
    let addresses = notify::who_decides(plan, support);
    let gate = addresses == Addresses::Gate;
    let sockets = Sockets::of(&plan.network, plan.syscalls, addresses);
    let abi = support.landlock_abi;
    let executes = plan.files.rules.iter().any(|rule| !rule.execute.is_empty());
    let candidates = [
        (
            abi == 0,
            "Landlock is not available: files, ports, signals and abstract sockets are not restricted.",
        ),
        (
            abi > 0 && abi < 3,
            "Landlock does not see truncation before ABI 3 (Linux 6.2): a file that may be read may be emptied by its path.",
        ),
        (
            abi > 0 && abi < 6,
            "Signals to other processes of the user are not stopped before Landlock ABI 6 (Linux 6.12).",
        ),
        (sockets.tcp && !gate && abi < 4, "TCP ports are not restricted before Landlock ABI 4 (Linux 6.7)."),
        (
            sockets.udp && !gate && abi < 10,
            "UDP, which name resolution needs, reaches any address and port before Landlock ABI 10 (Linux 7.2).",
        ),
        (
            sockets.unix && !gate && abi < 9,
            "Every unix socket that the user may open can be connected to before Landlock ABI 9 (Linux 7.1).",
        ),
        (
            gate,
            "Addresses are judged by the supervisor: a connection that a tool call has made stays open after the call.",
        ),
        (
            abi > 0,
            "Landlock does not see `utime`: the times of the user's own files can be changed anywhere, their contents cannot.",
        ),
        (
            support.seccomp_filter && !support.seccomp_notify,
            "`chmod` is refused everywhere: without user notification nobody can look where the file is.",
        ),
        (
            executes,
            "Landlock decides about `execve`; a program that may be read can still be run by the loader or by an interpreter that may be executed.",
        ),
        (plan.limits.max_processes.is_some(), process_note(support)),
        (!support.seccomp_filter, "seccomp filters are not available: every system call is open."),
        (
            support.seccomp_filter && !support.seccomp_notify,
            "Refused system calls are refused without a report: the kernel has no user notification.",
        ),
    ];
    candidates.into_iter().filter(|(applies, _)| *applies).map(|(_, note)| note.to_owned()).collect()
}

fn process_note(support: &Support) -> &'static str {
    match support.server_is_root {
        true => "The kernel does not hold root to max_processes (RLIMIT_NPROC).",
        false => {
            "max_processes is counted for the user, not for the session: other programs of the user count too."
        }
    }
}
