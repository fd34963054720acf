//! The command line: one file a subcommand.

pub(crate) mod approvals;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod daemon;
mod deed;
pub(crate) mod doctor;
pub(crate) mod enter;
pub(crate) mod events;
pub(crate) mod exec;
mod failure;
pub(crate) mod freeze;
pub(crate) mod kill;
pub(crate) mod limits;
pub(crate) mod log;
pub(crate) mod man;
pub(crate) mod pin;
pub(crate) mod ps;
pub(crate) mod quarantine;
pub(crate) mod reload;
pub(crate) mod replay;
pub(crate) mod status;
mod table;
mod told;
pub(crate) mod top;
pub(crate) mod why;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

pub(crate) use failure::{Failure, exit_code_of};

/// Exit status for everything that mcpguard itself refuses or fails at (as `env` and `timeout` do, coreutils manual).
pub(crate) const EXIT_REFUSED: u8 = 125;

/// Runs MCP servers that nobody should have to trust.
#[derive(Parser)]
#[command(name = "mcpguard", version, about, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// How much mcpguard tells on stderr about its own work.
    #[arg(long, global = true, value_enum, default_value_t = LogLevel::Warn, env = "MCPGUARD_LOG")]
    log_level: LogLevel,
    #[command(subcommand)]
    command: Command,
}

/// How much mcpguard tells on stderr about its own work.
#[derive(Clone, Copy, ValueEnum)]
enum LogLevel {
    /// Nothing but errors.
    Error,
    /// Also what should be looked at.
    Warn,
    /// Also what is done.
    Info,
    /// Also why.
    Debug,
}

#[derive(Subcommand)]
enum Command {
    /// Start an MCP server under a policy and stand on its stdio pipe
    Exec(exec::Args),
    /// Check a policy and tell what each rule means on this host
    Check(check::Args),
    /// Try each enforcement mechanism on this host
    Doctor(doctor::Args),
    /// Explain a denial: the record, the rule, the exact line that would allow it
    Why(why::Args),
    /// Judge the calls and denials of recorded sessions by another policy, before it is used
    Replay(replay::Args),
    /// Show, verify or follow audit logs
    Log(log::Args),
    /// Guard the sessions of every user of this host (root; usually started by systemd)
    Daemon(daemon::Args),
    /// List the sessions that run
    Ps(ps::Args),
    /// Watch the sessions that run; kill and freeze from there
    Top(top::Args),
    /// End sessions, now
    Kill(kill::Args),
    /// Stop every process of sessions where it stands
    Freeze(freeze::Args),
    /// Let frozen sessions go on
    Thaw(freeze::Args),
    /// Show and accept what servers are, and what has changed of them
    Pin(pin::Args),
    /// List the calls that wait for an approval, with their exact arguments
    Approvals(approvals::Args),
    /// Let a call be carried out that waits for an approval
    Approve(approvals::DecideArgs),
    /// Refuse a call that waits for an approval
    Deny(approvals::DecideArgs),
    /// Follow what happens in the sessions of the host daemon, live
    Events(events::Args),
    /// Freeze sessions, keep them as they are, and open no other one of their policies
    Quarantine(quarantine::Args),
    /// Let sessions of a policy be opened again that was in quarantine
    Release(quarantine::ReleaseArgs),
    /// Show what sessions of the host daemon may use, and set other limits while they run
    Limits(limits::Args),
    /// Have running sessions follow their policies as they are written now, or the host daemon the host's rules
    Reload(reload::Args),
    /// Tell how the host daemon is
    Status(status::Args),
    /// Print shell completions
    Completions(completions::Args),
    /// Print the manual page, or write all of them into a directory
    Man(man::Args),
}

impl Cli {
    /// Runs the command; the number is the exit status.
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        logs(self.log_level);
        let mut out = std::io::stdout();
        match self.command {
            Command::Exec(args) => exec::run(args),
            Command::Check(args) => check::run(args, &mut out),
            Command::Doctor(args) => doctor::run(args, &mut out),
            Command::Why(args) => why::run(args, &mut out),
            Command::Replay(args) => replay::run(args, &mut out),
            Command::Log(args) => log::run(args, &mut out),
            Command::Daemon(args) => daemon::run(args),
            Command::Ps(args) => ps::run(args, &mut out),
            Command::Top(args) => top::run(args, &mut out),
            Command::Kill(args) => kill::run(args, &mut out),
            Command::Freeze(args) => freeze::run(freeze::Deed::Freeze, args, &mut out),
            Command::Thaw(args) => freeze::run(freeze::Deed::Thaw, args, &mut out),
            Command::Pin(args) => pin::run(args, &mut out),
            Command::Approvals(args) => approvals::run(args, &mut out),
            Command::Approve(args) => approvals::decide(true, args, &mut out),
            Command::Deny(args) => approvals::decide(false, args, &mut out),
            Command::Events(args) => events::run(args, &mut out),
            Command::Quarantine(args) => quarantine::run(args, &mut out),
            Command::Release(args) => quarantine::release(args, &mut out),
            Command::Limits(args) => limits::run(args, &mut out),
            Command::Reload(args) => reload::run(args, &mut out),
            Command::Status(args) => status::run(args, &mut out),
            Command::Completions(args) => completions::run(args, &mut out),
            Command::Man(args) => man::run(args, &mut out),
        }
    }
}

/// Answers `--help` and `--version` on stdout, a wrong command line on stderr with status 125.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render();
    let shown = if error.use_stderr() {
        write!(std::io::stderr(), "{text}")
    } else {
        write!(std::io::stdout(), "{text}")
    };
    match (shown, error.use_stderr()) {
        (Ok(()), false) => ExitCode::SUCCESS,
        _ => ExitCode::from(EXIT_REFUSED),
    }
}

/// Sends mcpguard's own logs to stderr.
fn logs(level: LogLevel) {
    let level = match level {
        LogLevel::Error => tracing::Level::ERROR,
        LogLevel::Warn => tracing::Level::WARN,
        LogLevel::Info => tracing::Level::INFO,
        LogLevel::Debug => tracing::Level::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(crate::terminal::colours(&std::io::stderr()))
        .with_max_level(level)
        .with_target(false)
        .without_time()
        .init();
}
