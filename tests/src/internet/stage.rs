//! One session: the puppet that tries one trick after the other, bare or under a guard.

use std::ffi::OsString;
use std::os::unix::fs::chown;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::guard::{Guard, policy};
use super::raise::{Internet, USER, Who};
use super::run::Backend;
use super::texts::token;
use super::trick::Trick;
use crate::client::Client;
use crate::patience::seconds;
use crate::puppet::Runtime;
use crate::scene::Scene;
use crate::start::Start;

/// Seconds that an attempt may take. The one that tries every port only computes, for longer than 80 s on a busy emulated
/// machine; nothing else comes near.
const PATIENCE: u32 = 60;

/// The puppet's words for an attempt that took longer.
const TOO_LONG: &str = " ran too long: ";

/// A session and its scene.
pub(super) struct Stage<'a> {
    internet: &'a Internet,
    guard: &'a Guard,
    backend: Backend,
    who: Who,
    scene: Scene,
    client: Client,
}

/// One attempt, as far as the near side knows of it.
pub(super) struct Attempt {
    /// The word by which it is known on the far side.
    pub(super) token: String,
    /// What the program has printed.
    pub(super) printed: String,
    /// As whom.
    pub(super) who: Who,
    /// Whether the session ended meanwhile, which no rule of the policy demands.
    pub(super) ended: bool,
    /// Whether it was still trying when its time was over: what it would have done then, nobody knows.
    pub(super) late: bool,
}

impl<'a> Stage<'a> {
    /// Begins a session.
    pub(super) fn open(internet: &'a Internet, guard: &'a Guard, backend: Backend, who: Who) -> Result<Self> {
        let scene = Scene::new()?;
        let client = session(internet, guard, backend, who, &scene)
            .with_context(|| format!("no session with {}", backend.name()))?;
        let mut stage = Self { internet, guard, backend, who, scene, client };
        stage.still_works().map(|()| stage)
    }

    /// Whoever cannot start a program has denied nothing.
    pub(super) fn still_works(&mut self) -> Result<()> {
        let hello = ["/usr/bin/python3", "--version"];
        let answer = self.client.call("spawn", json!({ "argv": hello })).and_then(|answer| answer.puppet());
        let answer = answer.with_context(|| format!("the session has ended: {}", self.client.stderr()))?;
        ensure!(answer["status"] == 0, "the puppet cannot start programs: {answer}");
        Ok(())
    }

    /// Tries a trick.
    pub(super) fn attempt(&mut self, trick: &Trick) -> Result<Attempt> {
        let token = token()?;
        let words = self.words(trick, &token)?;
        let answer = self.client.call(trick.tool, json!({ "argv": words, "patience": seconds(PATIENCE) }));
        let (printed, ended) = match answer.and_then(|answer| answer.puppet()) {
            Ok(told) => (text(&told), false),
            Err(error) => {
                // The next trick gets another one.
                let told = format!("the session ended: {error:#}; {}", self.client.stderr());
                self.client = session(self.internet, self.guard, self.backend, self.who, &self.scene)
                    .with_context(|| format!("after \"{}\": {told}", trick.name))?;
                (told, true)
            }
        };
        let late = printed.contains(TOO_LONG);
        Ok(Attempt { token, printed, who: self.who, ended, late })
    }

    fn words(&self, trick: &Trick, token: &str) -> Result<Vec<String>> {
        let mut words: Vec<String> = trick.program.command(self.internet)?.into_iter().map(lossy).collect();
        let (friend, workspace) = (self.internet.friend(), self.scene.workspace());
        words.extend(trick.words.iter().map(|word| {
            word.replace("{token}", token)
                .replace("{friend}", &friend.display().to_string())
                .replace("{workspace}", &workspace.display().to_string())
        }));
        Ok(words)
    }
}

fn lossy(word: OsString) -> String {
    word.to_string_lossy().into_owned()
}

fn text(told: &Value) -> String {
    let part = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    [part("stdout"), part("stderr"), part("errno"), part("text")].join("\n")
}

fn session(internet: &Internet, guard: &Guard, backend: Backend, who: Who, scene: &Scene) -> Result<Client> {
    let puppet = Runtime::Python.puppet()?;
    let start = match backend {
        Backend::Bare => Start::bare(scene, puppet),
        _ => {
            let policy = scene.policy("internet", &policy(internet, guard)?)?;
            guard.options.iter().fold(Start::guarded(scene, policy, puppet), Start::option)
        }
    };
    internet.session(who, scene, start)
}

impl Internet {
    /// Begins a session on the near side, as somebody to whom the scene then belongs.
    pub fn session(&self, who: Who, scene: &Scene, start: Start<'_>) -> Result<Client> {
        if who == Who::User {
            give(scene.root(), USER)?;
        }
        let mut client = start.within(self.enter(who, &scene.workspace())).client()?;
        client.handshake("2025-06-18")?;
        Ok(client)
    }
}

/// Makes the user the owner of a tree.
fn give(path: &Path, user: u32) -> Result<()> {
    chown(path, Some(user), Some(user)).with_context(|| format!("cannot give {} away", path.display()))?;
    if path.is_dir() && !path.is_symlink() {
        for entry in std::fs::read_dir(path)? {
            give(&entry?.path(), user)?;
        }
    }
    Ok(())
}
