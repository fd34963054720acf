//! The rig: directories, policies, and how each subject wraps a command.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use crate::checkout::Checkout;
use crate::peers;

/// How a command is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// As it is.
    Bare,
    /// By `mcpguard exec`.
    Guarded,
    /// Behind a plain byte relay: what a second process on the pipe costs at least.
    Socat,
    /// By bubblewrap: no network, everything read-only but the workspace. No relay, no seccomp filter, no log.
    Bubblewrap,
    /// By Anthropic's sandbox runtime.
    Srt,
}

impl Subject {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Guarded => "mcpguard",
            Self::Socat => "socat",
            Self::Bubblewrap => "bubblewrap",
            Self::Srt => "srt",
        }
    }
}

/// Directories and programs of one run.
pub(super) struct Rig {
    _directory: tempfile::TempDir,
    root: PathBuf,
    node: PathBuf,
    servers: PathBuf,
    mcpguard: PathBuf,
    path: OsString,
}

impl Rig {
    pub(super) fn new(checkout: &Checkout, mcpguard: PathBuf) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("mcpguard-bench-").tempdir()?;
        let root = directory.path().canonicalize()?;
        fs::create_dir(root.join("workspace"))?;
        let own = env::var_os("PATH").context("PATH is not set")?;
        // The host's own programs come first.
        let path = env::join_paths(env::split_paths(&own).chain([peers::directory(checkout)]))?;
        let node = found(&path, "node").context("no node in PATH")?;
        let rig = Self { _directory: directory, root, node, servers: checkout.servers(), mcpguard, path };
        for (name, preset) in
            [("nothing", "runtime/native"), ("everything", "everything"), ("filesystem", "filesystem")]
        {
            fs::write(rig.policy(name), policy(name, preset))?;
        }
        for size in [1_000_000, 10_000_000] {
            fs::write(
                rig.workspace().join(format!("{size}.txt")),
                "0123456789abcdef\n".repeat(size / 17 + 1).split_at(size).0,
            )?;
        }
        let settings = json!({
            "network": { "allowedDomains": [], "deniedDomains": [] },
            "filesystem": { "denyRead": [], "allowWrite": [rig.workspace()], "denyWrite": [] },
        });
        fs::write(rig.root.join("srt.json"), settings.to_string())?;
        Ok(rig)
    }

    pub(super) fn workspace(&self) -> PathBuf {
        self.root.join("workspace")
    }

    /// The words before a command that run it by the sandbox runtime.
    pub(super) fn srt(&self, settings: &Path) -> Vec<OsString> {
        let script = self.servers.join("srt/node_modules/.bin/srt");
        vec![self.node.clone().into(), script.into(), "--settings".into(), settings.into(), "--".into()]
    }

    /// Where programs are looked for.
    pub(super) fn path(&self) -> &OsString {
        &self.path
    }

    pub(super) fn mcpguard(&self) -> &Path {
        &self.mcpguard
    }

    fn policy(&self, name: &str) -> PathBuf {
        self.root.join(format!("{name}.yaml"))
    }

    /// The subjects that run on this machine.
    pub(super) fn present(&self, wanted: &[Subject]) -> Vec<Subject> {
        let is_there = |subject: &Subject| match subject {
            Subject::Bare | Subject::Guarded => true,
            Subject::Socat => found(&self.path, "socat").is_some(),
            Subject::Bubblewrap => found(&self.path, "bwrap").is_some(),
            Subject::Srt => {
                ["bwrap", "socat", "rg"].iter().all(|program| found(&self.path, program).is_some())
            }
        };
        let (there, missing): (Vec<Subject>, Vec<Subject>) =
            wanted.iter().partition(|subject| is_there(subject));
        for subject in missing {
            eprintln!(
                "bench: {} does not run here (bubblewrap, socat, ripgrep are Debian packages)",
                subject.name()
            );
        }
        there
    }

    /// `/bin/true`.
    pub(super) fn nothing(&self, subject: Subject) -> Command {
        self.wrapped(subject, "nothing", vec!["/bin/true".into()])
    }

    /// server-everything.
    pub(super) fn everything(&self, subject: Subject) -> Command {
        let server = vec![self.node.clone().into(), self.script("server-everything").into(), "stdio".into()];
        self.wrapped(subject, "everything", server)
    }

    /// server-filesystem over the workspace.
    pub(super) fn filesystem(&self, subject: Subject) -> Command {
        let script = self.script("server-filesystem").into();
        self.wrapped(subject, "filesystem", vec![self.node.clone().into(), script, self.workspace().into()])
    }

    fn script(&self, server: &str) -> PathBuf {
        self.servers.join(format!("npm/node_modules/@modelcontextprotocol/{server}/dist/index.js"))
    }

    /// The command in the same environment for all: nothing in it but PATH, HOME and LANG.
    fn wrapped(&self, subject: Subject, policy: &str, inner: Vec<OsString>) -> Command {
        let argv = self.argv(subject, policy, inner);
        let mut command = Command::new(&argv[0]);
        command.args(&argv[1..]).current_dir(self.workspace()).env_clear();
        command.env("PATH", &self.path).env("HOME", &self.root).env("LANG", "C.UTF-8");
        command
    }

    fn argv(&self, subject: Subject, policy: &str, inner: Vec<OsString>) -> Vec<OsString> {
        let workspace = self.workspace();
        let mut argv: Vec<OsString> = match subject {
            Subject::Bare => return inner,
            Subject::Socat => return relayed(&inner),
            Subject::Guarded => vec![
                self.mcpguard.clone().into(),
                "exec".into(),
                "--policy".into(),
                self.policy(policy).into(),
                "--workspace".into(),
                workspace.into(),
                "--audit".into(),
                self.root.join("audit.jsonl").into(),
                "--".into(),
            ],
            Subject::Bubblewrap => {
                let plain = "bwrap --ro-bind / / --dev /dev --proc /proc --unshare-all --die-with-parent --new-session";
                let mut argv: Vec<OsString> = plain.split(' ').map(OsString::from).collect();
                argv.extend(["--bind".into(), workspace.clone().into(), workspace.into(), "--".into()]);
                argv
            }
            Subject::Srt => self.srt(&self.root.join("srt.json")),
        };
        argv.extend(inner);
        argv
    }
}

/// One socat between our pipes and the server's, with a buffer as large as a pipe.
fn relayed(inner: &[OsString]) -> Vec<OsString> {
    let line = inner.join(std::ffi::OsStr::new(" "));
    let mut address = OsString::from("EXEC:");
    address.push(line);
    address.push(",pipes");
    vec!["socat".into(), "-b65536".into(), "-".into(), address]
}

/// The shipped preset, with rates that a bench does not meet.
fn policy(name: &str, preset: &str) -> String {
    let rates = "tools:\n  defaults: { max_requests_per_minute: 1000000 }\nsession:\n  max_requests_per_minute: 1000000\n";
    let rates = if name == "nothing" { "" } else { rates };
    format!("version: 1\nname: {name}\nextends: [{preset}]\n{rates}")
}

fn found(path: &OsString, program: &str) -> Option<PathBuf> {
    env::split_paths(path).map(|directory| directory.join(program)).find(|file| file.is_file())
}
