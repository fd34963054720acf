//! What the daemon is started with.

use std::fs::{DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use control::rights::Operators;
use enforce::keeper::{self, Seal, Settings};
use nix::unistd::{Gid, Group, Uid, User};

use super::front;
use super::front::shown::Shown;

/// Where run-time files are (Filesystem Hierarchy Standard 3.0, section 3.15).
const RUN: &str = "/run/mcpguard";
/// What the front may read: host rules and names of users, its libraries, processes, the system's log.
const READ: [&str; 6] = ["/etc", "/usr", "/lib", "/lib64", "/proc", "/dev"];
/// What lasts (section 5.8).
const STATE: &str = "/var/lib/mcpguard";
/// The host log (section 5.10).
const LOG: &str = "/var/log/mcpguard";
/// Files in it belong to its group.
const LOG_MODE: u32 = 0o2750;

/// Arguments of `mcpguard daemon`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// Where clients connect, unless systemd passes a socket
    #[arg(long, value_name = "PATH", default_value = "/run/mcpguard/control.sock")]
    pub(super) socket: PathBuf,
    /// Who the process is that talks to clients
    #[arg(long, value_name = "NAME", default_value = "mcpguard")]
    user: String,
    /// The group whose members may see, stop and end every session; root may always
    #[arg(long, value_name = "NAME", default_value = "mcpguard-operators")]
    pub(super) operators: String,
    /// Sessions at once
    #[arg(long, value_name = "COUNT", default_value_t = 1200, value_parser = clap::value_parser!(u32).range(1..=16384))]
    sessions: u32,
    /// Sessions of one user at once
    #[arg(long, value_name = "COUNT", default_value_t = 1200, value_parser = clap::value_parser!(u32).range(1..=16384))]
    sessions_of_user: u32,
    /// Seconds between two proofs that a session is still guarded
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    canary_seconds: u64,
    /// The process that talks to clients; the daemon starts it itself
    #[arg(long, hide = true)]
    pub(super) front: bool,
}

impl Arguments {
    /// What the keeper is told.
    pub(super) fn settings(&self) -> Settings {
        Settings {
            sessions: self.sessions,
            sessions_of_user: self.sessions_of_user,
            canary: Duration::from_secs(self.canary_seconds),
            records: PathBuf::from(RUN).join("keeper"),
        }
    }

    /// What the front is started with.
    pub(super) fn for_the_front(&self) -> [&str; 4] {
        ["--user", &self.user, "--operators", &self.operators]
    }

    /// Whom the front runs as.
    ///
    /// # Errors
    /// There is no such user, or it is root.
    pub(super) fn unprivileged(&self) -> anyhow::Result<(Uid, Gid)> {
        let user = User::from_name(&self.user).ok().flatten().with_context(|| {
            format!(
                "there is no user `{0}`; make one (`useradd --system {0}`), or name another by --user",
                self.user
            )
        })?;
        ensure!(
            !user.uid.is_root(),
            "the process that talks to clients must not be root's; name another --user"
        );
        Ok((user.uid, user.gid))
    }

    /// The group of operators; nobody's if it does not exist.
    pub(super) fn operators(&self) -> Option<Gid> {
        Group::from_name(&self.operators).ok().flatten().map(|group| group.gid)
    }

    /// What the front is told.
    ///
    /// # Errors
    /// Its directory is not there.
    pub(super) fn of_the_front(&self, shown: Shown) -> anyhow::Result<front::settings::Settings> {
        let state = File::open(STATE).with_context(|| format!("{STATE} cannot be opened"))?;
        let operators = Operators { group: self.operators().map(Gid::as_raw) };
        Ok(front::settings::Settings { operators, shown, ..front::settings::Settings::new(state.into()) })
    }

    /// Another user for good, who reads the host's rules and writes what is the front's own.
    ///
    /// # Errors
    /// Something of it cannot be had: the front must not go on.
    pub(super) fn seal(&self) -> anyhow::Result<()> {
        let (user, group) = self.unprivileged()?;
        let read = READ.map(Path::new);
        let write = [STATE, LOG].map(Path::new);
        Ok(keeper::seal(&Seal { user, group, read: &read, write: &write })?)
    }

    /// Makes the directory of what outlives the machine's restart: the front's own.
    ///
    /// # Errors
    /// It cannot be made, or given to the front's user.
    pub(super) fn make_state(&self) -> anyhow::Result<()> {
        let (uid, gid) = self.unprivileged()?;
        let fails = || format!("{STATE} cannot be made and given to user {}", self.user);
        make(Path::new(STATE), 0o700).with_context(fails)?;
        std::os::unix::fs::chown(STATE, Some(uid.as_raw()), Some(gid.as_raw())).with_context(fails)
    }

    /// Makes the directory of the host log: the front writes it, operators read it. Files in it get the directory's group.
    ///
    /// # Errors
    /// It cannot be made, or given to the front's user.
    pub(super) fn make_log(&self) -> anyhow::Result<()> {
        let (uid, gid) = self.unprivileged()?;
        let fails = || format!("{LOG} cannot be made and given to user {}", self.user);
        let group = self.operators().unwrap_or(gid);
        make(Path::new(LOG), 0o750).with_context(fails)?;
        std::os::unix::fs::chown(LOG, Some(uid.as_raw()), Some(group.as_raw())).with_context(fails)?;
        // `RestrictSUIDSGID=` of the unit refuses this bit; there the directory comes with it from tmpfiles.d.
        let has_it = std::fs::metadata(LOG).with_context(fails)?.mode() & 0o7777 == LOG_MODE;
        match std::fs::set_permissions(LOG, Permissions::from_mode(LOG_MODE)) {
            Err(error) if !has_it => {
                tracing::warn!("operators may be unable to read new files in {LOG}: {error}")
            }
            _ => {}
        }
        Ok(())
    }

    /// One daemon at a time has the kernel's part, whatever socket it listens on.
    ///
    /// # Errors
    /// Another one runs.
    pub(super) fn lock(&self) -> anyhow::Result<File> {
        std::fs::create_dir_all(RUN).with_context(|| format!("{RUN} cannot be made"))?;
        let place = PathBuf::from(RUN).join("daemon.lock");
        let file = File::create(&place).with_context(|| format!("{} cannot be made", place.display()))?;
        ensure!(file.try_lock().is_ok(), "another mcpguard daemon runs on this host");
        Ok(file)
    }
}

/// Makes a directory of this mode. Those above it are the system's, for everybody to pass; a bare machine may lack them.
fn make(directory: &Path, mode: u32) -> std::io::Result<()> {
    if let Some(above) = directory.parent().filter(|above| !above.exists()) {
        DirBuilder::new().recursive(true).mode(0o755).create(above)?;
    }
    DirBuilder::new().recursive(true).mode(mode).create(directory)
}
