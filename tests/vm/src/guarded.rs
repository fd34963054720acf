//! `mcpguard exec` around an action or around the guest's own MCP server, and what the audit log says of it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::actor::{Finished, Outcome};
use crate::client::Client;
use crate::ground::{Ground, INIT};

/// A guarded start that is being described.
pub(crate) struct Guarded<'a> {
    ground: &'a Ground,
    policy: PathBuf,
    audit: PathBuf,
    options: Vec<OsString>,
    user: Option<u32>,
}

/// What a guarded action came to.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit status of `mcpguard exec`; `None` after a signal to mcpguard itself.
    pub(crate) status: Option<i32>,
    /// What the action reported; `None` if it was not started or did not live to report.
    pub(crate) outcome: Option<Outcome>,
    /// What mcpguard and the action wrote to stderr.
    pub(crate) stderr: String,
    /// The audit log.
    pub(crate) records: Vec<Value>,
}

#[allow(dead_code, reason = "a vocabulary for cases; not every word is used by every set of cases")]
impl<'a> Guarded<'a> {
    /// Writes the policy beneath the ground's directory, where no policy grants anything by itself.
    pub(crate) fn new(ground: &'a Ground, policy: &str) -> Result<Self> {
        let directory = ground.directory().join("guard");
        fs::create_dir_all(&directory)?;
        let number = fs::read_dir(&directory)?.count();
        let path = directory.join(format!("{number}.yaml"));
        fs::write(&path, policy).context("cannot write the policy")?;
        let audit = directory.join(format!("{number}.jsonl"));
        Ok(Self { ground, policy: path, audit, options: Vec::new(), user: None })
    }

    /// Adds an option of `mcpguard exec`.
    pub(crate) fn option(mut self, option: impl AsRef<OsStr>) -> Self {
        self.options.push(option.as_ref().to_owned());
        self
    }

    /// Starts mcpguard as this user, who then owns the workspace and the place of the audit log.
    pub(crate) fn user(mut self, user: u32) -> Self {
        self.user = Some(user);
        self
    }

    /// The command, with a server of the caller's choice.
    pub(crate) fn command(&self, server: &[&str]) -> Result<Command> {
        let mut command = self.ground.mcpguard(&["exec", "--policy"]);
        command.arg(&self.policy).args(&self.options).arg("--workspace").arg(self.ground.workspace());
        command.arg("--audit").arg(&self.audit).arg("--").args(server);
        if let Some(user) = self.user {
            // Its card lies beneath its state directory.
            let state = self.ground.directory().join(".local");
            fs::create_dir_all(&state)?;
            for place in
                [self.ground.workspace(), self.ground.directory().join("guard"), self.policy.clone(), state]
            {
                std::os::unix::fs::chown(&place, Some(user), Some(user))?;
            }
        }
        Ok(self.as_the_user(command))
    }

    fn as_the_user(&self, mut command: Command) -> Command {
        if let Some(user) = self.user {
            command.uid(user).gid(user).env("HOME", self.ground.directory());
        }
        command
    }

    /// Writes another policy in the place of the first.
    pub(crate) fn edit(&self, policy: &str) -> Result<()> {
        fs::write(&self.policy, policy).context("cannot write the policy")
    }

    /// What `mcpguard ARGUMENTS…` of the same user says.
    pub(crate) fn operate(&self, arguments: &[&str]) -> Result<String> {
        let told = self.as_the_user(self.ground.mcpguard(arguments)).output()?;
        let said = String::from_utf8_lossy(&told.stdout).into_owned();
        ensure!(!said.is_empty(), "{}", String::from_utf8_lossy(&told.stderr));
        Ok(said)
    }

    /// Performs an action under the guard.
    pub(crate) fn act(&self, act: &str, arguments: &[&str]) -> Result<Ended> {
        let server: Vec<&str> = [INIT, "--act", act].iter().chain(arguments).copied().collect();
        let mut command = self.command(&server)?;
        // The pipe stays open while the action runs: a client that goes would end the session.
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take();
        let finished = Finished::of(child.wait_with_output().context("cannot wait for mcpguard")?);
        drop(stdin);
        let Finished { status, outcome, stderr } = finished;
        Ok(Ended { status: status.code(), outcome, stderr, records: self.records()? })
    }

    /// Starts the guest's MCP server under the guard and shakes hands.
    pub(crate) fn session(&self) -> Result<Client> {
        Client::start(self.command(&[INIT, "--serve"])?, self.ground)
    }

    /// The audit log as it is; empty if nothing is written yet. Reading many records costs an emulated machine seconds.
    pub(crate) fn log(&self) -> Result<String> {
        match fs::read_to_string(&self.audit) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            read => read.context("cannot read the audit log"),
        }
    }

    /// The records of the audit log so far; none if there is no log.
    pub(crate) fn records(&self) -> Result<Vec<Value>> {
        let text = self.log()?;
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.map(|line| serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))).collect()
    }
}

#[allow(dead_code, reason = "a vocabulary for cases; not every word is used by every set of cases")]
impl Ended {
    /// The action's outcome, or an error that shows what happened instead.
    pub(crate) fn outcome(&self) -> Result<&Outcome> {
        self.outcome.as_ref().with_context(|| format!("the action told nothing: {self:#?}"))
    }

    /// The action must have succeeded.
    pub(crate) fn succeeded(&self) -> Result<()> {
        ensure!(self.outcome()?.is_ok(), "the action failed: {self:#?}");
        Ok(())
    }

    /// The action must have failed with this errno.
    pub(crate) fn denied(&self, errno: &str) -> Result<()> {
        ensure!(self.outcome()?.errno() == Some(errno), "the action was not denied by {errno}: {self:#?}");
        Ok(())
    }

    /// All records of an event.
    pub(crate) fn of(&self, event: &str) -> Vec<&Value> {
        self.records.iter().filter(|record| record["event"] == event).collect()
    }

    /// The one record of an event that holds the text somewhere.
    pub(crate) fn record(&self, event: &str, text: &str) -> Result<&Value> {
        let found = self.of(event).into_iter().find(|record| record.to_string().contains(text));
        found.with_context(|| format!("no record `{event}` with `{text}`: {self:#?}"))
    }
}
