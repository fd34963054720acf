//! The socket that clients connect to: systemd's, or one of our own.

use std::fs::{self, Permissions};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use anyhow::{Context, ensure};
use enforce::keeper;
use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::Gid;

/// The first descriptor that systemd passes (`sd_listen_fds(3)`).
const FIRST: i32 = 3;

/// The listening socket.
///
/// # Errors
/// What systemd passes is no listening socket; or somebody else listens there, or it cannot be made.
pub(super) fn listener(path: &Path) -> anyhow::Result<OwnedFd> {
    match passed()? {
        Some(socket) => Ok(socket),
        None => own(path, EVERYBODY),
    }
}

/// The socket at which metrics are served: for root and for operators, since metrics name users and policies.
///
/// # Errors
/// Somebody else listens there, or it cannot be made.
pub(super) fn metrics(path: &Path, operators: Option<Gid>) -> anyhow::Result<OwnedFd> {
    let listener = own(path, OPERATORS)?;
    let group = operators.map(Gid::as_raw);
    std::os::unix::fs::chown(path, None, group)
        .with_context(|| format!("{} cannot be given to the operators", path.display()))?;
    Ok(listener)
}

fn passed() -> anyhow::Result<Option<OwnedFd>> {
    let meant = std::env::var("LISTEN_PID").is_ok_and(|pid| pid == std::process::id().to_string());
    let Some(count) = std::env::var("LISTEN_FDS").ok().filter(|_| meant) else { return Ok(None) };
    ensure!(
        count == "1",
        "systemd passes {count} sockets; the daemon has one, and the unit `mcpguard.socket` must name one"
    );
    let socket = keeper::inherited(FIRST).context("systemd announces a socket and passes none")?;
    ensure!(
        getsockopt(&socket.as_fd(), sockopt::AcceptConn).unwrap_or(false),
        "what systemd passes is no socket that listens (ListenStream=)"
    );
    Ok(Some(socket))
}

/// Whoever may connect is found out by the kernel, not by the mode of a file.
const EVERYBODY: u32 = 0o666;
/// The group is that of the operators, or root's.
const OPERATORS: u32 = 0o660;

fn own(path: &Path, mode: u32) -> anyhow::Result<OwnedFd> {
    let shown = path.display();
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).with_context(|| format!("{} cannot be made", directory.display()))?;
    }
    if path.symlink_metadata().is_ok_and(|found| found.file_type().is_socket()) {
        ensure!(UnixStream::connect(path).is_err(), "another daemon listens on {shown}; stop it first");
        fs::remove_file(path).with_context(|| format!("the old socket {shown} cannot be removed"))?;
    }
    let listener = UnixListener::bind(path).with_context(|| format!("{shown} cannot be listened on"))?;
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    Ok(listener.into())
}
