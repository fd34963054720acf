//! Whether there is a daemon, and whether it is asked.

use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use control::message::{Hooks, Offered};
use control::{Answer, Request};
use policy::{CgroupSupport, Ebpf, HookWay, Support};

use super::line::Line;

/// Where the daemon listens.
pub(crate) const SOCKET: &str = "/run/mcpguard/control.sock";
/// How long its first words may take: systemd may have to start it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether the daemon is asked.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Choice {
    /// Leave the kernel part to the host daemon, or refuse to start (for root; others do so where there is one)
    #[arg(long, conflicts_with = "no_daemon")]
    daemon: bool,
    /// Do without the host daemon, and without the layers that it adds
    #[arg(long)]
    no_daemon: bool,
    /// Where the daemon listens
    #[arg(long, value_name = "PATH", default_value = SOCKET, hide = true)]
    daemon_socket: PathBuf,
}

/// A daemon that answers, and what it offers.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Where it listens.
    pub(crate) socket: PathBuf,
    /// Its build.
    pub(crate) build: String,
    offered: Offered,
}

impl Choice {
    /// None is asked.
    #[cfg(test)]
    pub(crate) fn never() -> Self {
        Self { daemon: false, no_daemon: true, daemon_socket: PathBuf::new() }
    }

    /// The daemon that is to be asked; `None`: none is.
    ///
    /// # Errors
    /// One is to be asked and does not answer, or refuses.
    pub(crate) fn find(&self) -> anyhow::Result<Option<Found>> {
        let asked = self.daemon || !self.no_daemon && !nix::unistd::geteuid().is_root();
        if !asked || !self.daemon && !is_there(&self.daemon_socket) {
            return Ok(None);
        }
        let found = Found::at(&self.daemon_socket);
        found.map(Some).context("the host daemon was asked (start without it and its layers by --no-daemon)")
    }
}

/// Whether a socket lies there. What cannot be looked at may be there.
pub(crate) fn is_there(socket: &Path) -> bool {
    socket.metadata().map_or_else(
        |error| !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
        |found| found.file_type().is_socket(),
    )
}

impl Found {
    fn at(socket: &Path) -> anyhow::Result<Self> {
        let mut line = Line::connect(socket, PATIENCE)?;
        let build = line.build().to_owned();
        match line.ask_and_wait(Request::Offer, &[], PATIENCE)?.0 {
            Answer::Offered(offered) => Ok(Self { socket: socket.to_owned(), build, offered }),
            Answer::Refused(refusal) => bail!("it refuses: {}", refusal.sentence),
            other => bail!("it answers with {other:?} where it was asked what it offers"),
        }
    }

    /// What holds here with the daemon's part.
    pub(crate) fn support(&self) -> Support {
        let it = &self.offered;
        let hooks = match it.hooks {
            Hooks::Lsm => Some(HookWay::Lsm),
            Hooks::FmodRet => Some(HookWay::FmodRet),
            Hooks::Absent | Hooks::Unknown => None,
        };
        let ebpf = Ebpf {
            hooks,
            hooks_missing: it.hooks_missing.clone(),
            network: it.network,
            network_missing: it.network_missing.clone(),
        };
        let cgroup = CgroupSupport {
            identity: it.group,
            memory: it.memory,
            cpu: it.cpu,
            processes: it.processes,
            missing: it.group_missing.clone(),
        };
        Support { ebpf, cgroup, ..enforce::probe_without_root() }
    }
}
