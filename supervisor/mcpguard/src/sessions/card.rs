//! What a session says of itself.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use enforce::cgroup::GroupId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::places;

/// The version of the card's layout; another one is not read.
pub(super) const VERSION: u32 = 1;

/// A session's card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Card {
    /// [`VERSION`].
    pub(crate) v: u32,
    /// The session's name in the audit log.
    pub(crate) session: String,
    /// `<pid>-<start time>` of mcpguard, as its control group is named.
    pub(crate) supervisor: String,
    /// The boot that those numbers belong to (`/proc/sys/kernel/random/boot_id`).
    pub(crate) boot: String,
    /// The policy's name.
    pub(crate) policy: String,
    /// The policy's revision: SHA-256 in hex.
    pub(crate) revision: String,
    /// The server's command line, secrets cut out.
    pub(crate) command: Vec<String>,
    /// The audit log.
    pub(crate) audit: String,
    /// When it began.
    pub(crate) began: Timestamp,
}

/// What a session is registered with.
pub(crate) struct About<'a> {
    pub(crate) session: &'a str,
    pub(crate) policy: &'a str,
    pub(crate) revision: &'a str,
    pub(crate) command: Vec<String>,
    pub(crate) audit: &'a Path,
}

/// A card that lies in its place; dropping it takes it away.
#[derive(Debug)]
pub(crate) struct Registration(PathBuf);

impl Registration {
    /// Leaves the card of this process's session.
    ///
    /// # Errors
    /// There is no directory of this user's for it, or it cannot be written; nothing is left then.
    pub(crate) fn leave(about: About<'_>) -> anyhow::Result<Self> {
        let directory = places::own().context("this user has no runtime directory and no home directory")?;
        Self::leave_in(&directory, about)
    }

    fn leave_in(
        directory: &Path,
        About { session, policy, revision, command, audit }: About<'_>,
    ) -> anyhow::Result<Self> {
        let id = GroupId::own().context("this process's start time cannot be read from /proc")?.to_string();
        let card = Card {
            v: VERSION,
            session: session.to_owned(),
            supervisor: id.clone(),
            boot: places::boot()?,
            policy: policy.to_owned(),
            revision: revision.to_owned(),
            command,
            audit: audit.display().to_string(),
            began: Timestamp::now(),
        };
        let fails = || format!("{} cannot be written", directory.display());
        DirBuilder::new().recursive(true).mode(0o700).create(directory).with_context(fails)?;
        places::check(directory)?;
        let place = directory.join(format!("{id}.json"));
        // One of this name can only be of an earlier boot.
        let _ = std::fs::remove_file(&place);
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&place).with_context(fails)?;
        let registration = Self(place);
        file.write_all(&serde_json::to_vec(&card)?).with_context(fails)?;
        Ok(registration)
    }
}

impl Registration {
    /// Where the session is asked to read its policy again: beside the card.
    pub(crate) fn door(&self) -> PathBuf {
        door(&self.0)
    }

    /// Another policy holds. A card that cannot be written names the old one; the log has the truth.
    pub(crate) fn revise(&self, policy: &str, revision: &str) {
        let written = || -> anyhow::Result<()> {
            let mut card: Card = serde_json::from_slice(&std::fs::read(&self.0)?)?;
            (card.policy, card.revision) = (policy.to_owned(), revision.to_owned());
            let new = self.0.with_extension("new");
            let _ = std::fs::remove_file(&new);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
            file.write_all(&serde_json::to_vec(&card)?)?;
            Ok(std::fs::rename(&new, &self.0)?)
        };
        if let Err(error) = written() {
            tracing::warn!("`mcpguard ps` will show the policy that held before: {error:#}");
        }
    }
}

/// Where the session of a card is asked to read its policy again.
pub(super) fn door(card: &Path) -> PathBuf {
    card.with_extension("sock")
}

impl Drop for Registration {
    fn drop(&mut self) {
        // Whoever looks next sees that its process is no more.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(audit: &Path) -> About<'_> {
        About { session: "5f3c", policy: "p", revision: "00", command: vec!["node".to_owned()], audit }
    }

    #[test]
    fn a_card_lies_there_as_long_as_its_session() {
        let home = tempfile::tempdir().expect("a directory");
        let directory = home.path().join("mcpguard/sessions");
        let registration = Registration::leave_in(&directory, about(Path::new("/log"))).expect("left");
        let text = std::fs::read(&registration.0).expect("it is there");
        let card: Card = serde_json::from_slice(&text).expect("a card");
        assert_eq!((card.session.as_str(), card.audit.as_str()), ("5f3c", "/log"));
        assert_eq!(card.supervisor.parse::<GroupId>().expect("a name"), GroupId::own().expect("a name"));
        let place = registration.0.clone();
        drop(registration);
        assert!(!place.exists());
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().expect("a directory");
        std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o777)).expect("ours");
        let error = Registration::leave_in(home.path(), about(Path::new("/log"))).expect_err("refused");
        assert!(error.to_string().contains("others may write"), "{error}");
    }
}
