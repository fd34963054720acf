//! Actions on processes: execution, signals, namespaces, mounts.

use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::{Act, argument, number, told};

pub(super) const ACTS: &[(&str, Act)] = &[
    ("nothing", |_| Ok(Value::Null)),
    ("exec", exec),
    ("spawn", spawn),
    ("kill", signal),
    ("unshare", namespaces),
    ("bind_mount", bind_mount),
    ("sleep", sleep),
    ("identity", |_| Ok(json!({ "pid": std::process::id(), "parent": std::os::unix::process::parent_id() }))),
];

/// Becomes the program; returns only where the kernel refuses.
fn exec(arguments: &[&str]) -> io::Result<Value> {
    use std::os::unix::process::CommandExt;
    Err(Command::new(argument(arguments, 0)?).args(&arguments[1..]).exec())
}

/// Starts the program in a child and tells how it ended.
fn spawn(arguments: &[&str]) -> io::Result<Value> {
    let mut command = Command::new(argument(arguments, 0)?);
    Ok(told(command.args(&arguments[1..]).stdin(Stdio::null()).stdout(Stdio::null()).status()?))
}

/// Sends the signal of the second argument (0: none, only the permission) to the process of the first one.
fn signal(arguments: &[&str]) -> io::Result<Value> {
    let process = i32::try_from(number(arguments, 0)?).map_err(io::Error::other)?;
    let wanted = i32::try_from(number(arguments, 1)?).map_err(io::Error::other)?;
    let wanted = if wanted == 0 { None } else { Some(wanted.try_into().map_err(|_| Errno::EINVAL)?) };
    kill(Pid::from_raw(process), wanted)?;
    Ok(Value::Null)
}

/// Leaves the namespaces that are named: `user`, `mount`, `network`, `process`, `cgroup`.
fn namespaces(arguments: &[&str]) -> io::Result<Value> {
    let flags = arguments.iter().try_fold(CloneFlags::empty(), |flags, name| {
        Ok::<_, io::Error>(
            flags
                | match *name {
                    "user" => CloneFlags::CLONE_NEWUSER,
                    "mount" => CloneFlags::CLONE_NEWNS,
                    "network" => CloneFlags::CLONE_NEWNET,
                    "process" => CloneFlags::CLONE_NEWPID,
                    "cgroup" => CloneFlags::CLONE_NEWCGROUP,
                    other => return Err(io::Error::other(format!("no namespace `{other}`"))),
                },
        )
    })?;
    unshare(flags)?;
    Ok(Value::Null)
}

/// Binds the first path over the second one.
fn bind_mount(arguments: &[&str]) -> io::Result<Value> {
    let (from, to) = (argument(arguments, 0)?, argument(arguments, 1)?);
    mount(Some(from), to, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
    Ok(Value::Null)
}

/// Sleeps for the milliseconds.
fn sleep(arguments: &[&str]) -> io::Result<Value> {
    std::thread::sleep(Duration::from_millis(number(arguments, 0)?));
    Ok(Value::Null)
}
