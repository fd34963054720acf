//! A command that dies with the task that started it: this program again, which asks the kernel for that and then
//! becomes the command.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};

/// Options of the hidden task.
#[derive(clap::Args)]
pub(crate) struct ChildOptions {
    /// The process that must be alive
    #[arg(long)]
    parent: i32,
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// Becomes the command.
pub(crate) fn become_child(options: &ChildOptions) -> Result<()> {
    set_pdeathsig(Signal::SIGKILL).context("cannot bind this process to its parent")?;
    ensure!(
        getppid() == Pid::from_raw(options.parent),
        "the parent has gone before the child was bound to it"
    );
    let [program, arguments @ ..] = options.command.as_slice() else { anyhow::bail!("no command") };
    Err(Command::new(program).args(arguments).exec()).with_context(|| format!("cannot start {program}"))
}

/// The command that starts a command line in this way. It must be started by a thread that lives as long as the command:
/// the kernel counts the thread, not the process (`PR_SET_PDEATHSIG`, prctl(2)).
pub(super) fn bound(line: &[String]) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("this program has no path")?);
    command.args(["vm-child", "--parent", &std::process::id().to_string(), "--"]).args(line);
    Ok(command)
}
