//! Tries the cases of one revision in one session.

use anyhow::{Context, Result, ensure};

use super::case::{Step, bytes};
use super::fate::fate;
use super::pipe::{Heard, Pipe};
use super::{Case, Revision, Side};
use crate::audit_log::{Record, records};
use crate::puppet::Runtime;
use crate::scene::Scene;

/// The rules of the sessions: one request of the server's is allowed and the others are not.
const RULES: &str = "session: { max_message_bytes: 64KiB }\nserver_requests: { roots: allow }\n\
                     tools:\n  slow: { timeout_seconds: 1 }\n  rm: { enabled: false }\n\
                     content: { answers: { secrets: block } }\n";

/// What became of the line that a row is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// In the words of the table.
    pub fate: String,
    /// What the audit log tells of it.
    pub log: String,
}

/// A session of one revision that is being tried.
pub struct Trial {
    scene: Scene,
    pipe: Pipe,
    revision: Revision,
    guarded: bool,
}

impl Trial {
    /// Through `mcpguard exec`.
    pub fn guarded(revision: Revision) -> Result<Self> {
        Self::begin(revision, true)
    }

    /// Without a guard.
    pub fn bare(revision: Revision) -> Result<Self> {
        Self::begin(revision, false)
    }

    fn begin(revision: Revision, guarded: bool) -> Result<Self> {
        let scene = Scene::new()?;
        let policy = guarded.then(|| scene.policy("table", &Runtime::Python.policy(RULES)?)).transpose()?;
        let pipe = Pipe::open(&scene, policy.as_deref())?;
        let mut trial = Self { scene, pipe, revision, guarded };
        let [request, answer] = revision.opening();
        trial.arrives(Side::Client, request.as_bytes())?;
        trial.arrives(Side::Server, answer.as_bytes())?;
        Ok(trial)
    }

    /// Tries a case; its number makes its ids its own.
    pub fn case(&mut self, case: &Case, number: usize) -> Result<Verdict> {
        let mut verdict = None;
        for step in &case.steps {
            match step {
                Step::Say(side, text) => self.arrives(*side, &bytes(text, number, self.revision)?)?,
                Step::Wait if self.guarded => {
                    self.pipe.wait()?;
                    // The server hears of it, too.
                    self.pipe.settle()?;
                }
                Step::Wait => {}
                Step::Probe(side, text) => {
                    verdict = Some(self.probe(*side, &bytes(text, number, self.revision)?)?);
                }
            }
        }
        verdict.context("nothing is tried")
    }

    /// Ends the session.
    pub fn end(self) -> Result<()> {
        self.pipe.close()
    }

    fn arrives(&mut self, side: Side, line: &[u8]) -> Result<()> {
        let fate = self.fate(side, line)?;
        ensure!(fate == "passes", "{}: {fate}", String::from_utf8_lossy(line));
        Ok(())
    }

    fn probe(&mut self, side: Side, line: &[u8]) -> Result<Verdict> {
        let before = self.records()?.len();
        let fate = self.fate(side, line)?;
        let told: Vec<_> = self.records()?[before..].iter().filter_map(told).collect();
        Ok(Verdict { fate, log: told.join(", ") })
    }

    fn fate(&mut self, side: Side, line: &[u8]) -> Result<String> {
        self.pipe.say(side, line)?;
        let Heard { by_client, by_server } = self.pipe.settle()?;
        Ok(match side {
            Side::Client => fate(line, &by_server, &by_client),
            Side::Server => fate(line, &by_client, &by_server),
        })
    }

    fn records(&self) -> Result<Vec<Record>> {
        if self.guarded { records(&self.scene.audit()) } else { Ok(Vec::new()) }
    }
}

/// What a record says in the table: only what was not let be.
fn told(record: &Record) -> Option<String> {
    let cause = record.0["cause"].as_str();
    match record.event() {
        "noise" => Some("noise".to_owned()),
        "handshake" | "session_start" => None,
        event => {
            let why = record.0["reason"].as_str().filter(|_| record.0["what"] == "response");
            let why = why.map(|why| format!(": {}", why.to_lowercase())).unwrap_or_default();
            cause.map(|cause| format!("{event} {cause}{why}"))
        }
    }
}
