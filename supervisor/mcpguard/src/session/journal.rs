//! The session's journal: facts become records, and a record that cannot be written ends the session,
//! unless the policy says otherwise. What is written is looked at by the policy's alert rules.

use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use anyhow::Context;
use audit::{
    Body, Detail, EndReason, Log, LogConfig, LogError, Lost, LostKind, Redact, Redactor, Revision,
    SessionEnd, SessionId,
};
use enforce::Status;
use policy::plan::{ArgumentDetail, AuditFailure};

use crate::compose::Composed;
use crate::forms;
use crate::host::state_directory;
use crate::sessions::{About, Registration};

use super::alerts::{Alerts, Found, Place, Running};
use super::denials::Batch;
use super::ending::Ending;
use super::translate::{self, Translator};
use super::{place, reach};

/// The session's journal.
pub(super) struct Journal {
    log: Log,
    redactor: Arc<Redactor>,
    on_failure: AuditFailure,
    translator: Translator,
    alerts: Alerts,
    began: Instant,
    calls: u64,
    denials: u64,
    failing: bool,
    session: String,
    path: PathBuf,
}

impl Journal {
    /// Opens the log: where the command line says, else where the policy says, else in the state directory; where the
    /// host's rules name a directory, in there and nowhere else.
    ///
    /// # Errors
    /// The log cannot be opened.
    pub(super) fn open(
        composed: &Composed,
        secrets: &[(String, Vec<u8>)],
        path: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let plan = &composed.plan.audit;
        let session = SessionId::generate().context("no random session name can be had")?;
        let named = path.or_else(|| plan.path.as_ref().map(|path| path.as_path().to_owned()));
        let name =
            |state: &Path| audit::session_path(state, &composed.plan.name, &session, jiff::Timestamp::now());
        let path = match (place::wanted(composed), named) {
            (Some(directory), named) => place::within(directory, named, name(Path::new("")))?,
            (None, Some(path)) => path,
            (None, None) => name(&state_directory()?),
        };
        reach::log_is_out_of_reach(&composed.plan, &path)?;
        let secrets = secrets.iter().map(|(name, value)| (name.clone(), value.clone()));
        let redactor =
            Redactor::new(secrets).with_sight(forms::seen).with_forms(forms::of(&composed.plan.content));
        let redactor = Arc::new(redactor);
        let (name, place) = (session.to_string(), std::path::absolute(&path)?);
        let config = LogConfig {
            path,
            max_bytes: plan.max_bytes,
            keep: plan.keep,
            session,
            revision: Revision::of(&composed.plan.revision),
            redactor: Arc::clone(&redactor),
        };
        let detail = match plan.arguments {
            ArgumentDetail::None => Detail::None,
            ArgumentDetail::Names => Detail::Names,
            ArgumentDetail::Redacted => Detail::Redacted,
        };
        Ok(Self {
            log: Log::open(config)?,
            translator: Translator::new(composed.plan.rules.clone(), Arc::clone(&redactor), detail),
            alerts: Alerts::of(composed, &name, &redactor),
            redactor,
            on_failure: plan.on_failure,
            began: Instant::now(),
            calls: 0,
            denials: 0,
            failing: false,
            session: name,
            path: place,
        })
    }

    /// Leaves the session's card, so that `mcpguard ps` knows of it. A session without one runs all the same, and the user is
    /// told.
    pub(super) fn register(&self, composed: &Composed) -> Option<Registration> {
        let words = composed.command.iter().flat_map(|command| &command.argv);
        let words = words.map(|word| self.redactor.text(&word.to_string_lossy()).into_owned());
        let about = About {
            session: &self.session,
            policy: &composed.plan.name,
            revision: &composed.plan.revision,
            command: words.collect(),
            audit: &self.path,
        };
        let left = Registration::leave(about);
        left.inspect_err(|error| {
            crate::terminal::warning(&format!("`mcpguard ps` will not list this session: {error:#}"));
        })
        .ok()
    }

    /// Writes the first records.
    pub(super) fn start(&mut self, composed: &Composed) -> anyhow::Result<()> {
        let start = translate::session_start(composed, self.redactor.unprotected());
        self.write(Body::SessionStart(Box::new(start)))?;
        composed.uncovered().try_for_each(|rule| self.write(Body::Degraded(translate::degraded(&rule))))
    }

    /// Another policy holds: it is written down, and what follows is told by its rules. `later` is what holds only with the
    /// next start.
    pub(super) fn revise(
        &mut self,
        composed: &Composed,
        before: &str,
        later: &[String],
    ) -> anyhow::Result<()> {
        self.redactor.look_for(forms::of(&composed.plan.content));
        self.translator.follow(composed.plan.rules.clone());
        self.on_failure = composed.plan.audit.on_failure;
        self.log.set_revision(Revision::of(&composed.plan.revision));
        self.alerts.follow(composed, &self.redactor);
        self.write(translate::policy_changed(composed, before, later))
    }

    /// Whoever is told of alerts is told from now on: the server was started, and this process forks no more.
    pub(super) fn open_alerts(&mut self) {
        self.alerts.open();
    }

    /// While this is held, nobody is told by a program.
    pub(super) fn quiet(&self) -> MutexGuard<'_, Running> {
        self.alerts.quiet()
    }

    /// A host was reached: no record has it, and alert rules look at it.
    pub(super) fn reached(&mut self, host: &str) -> anyhow::Result<()> {
        let host = self.redactor.text(host);
        let found = self.alerts.of_host(&host);
        self.tell(found)
    }

    /// Writes a fact of the doorman's.
    pub(super) fn fact(&mut self, fact: mcp::Fact) -> anyhow::Result<()> {
        let body = self.translator.fact(fact);
        self.calls += u64::from(matches!(body, Body::ToolCall(_)));
        self.denials += u64::from(body.is_denial());
        self.write(body)
    }

    /// Writes what the kernel told.
    pub(super) fn body(&mut self, body: Body) -> anyhow::Result<()> {
        if let Body::Denial(denial) = &body {
            self.denials += denial.count;
        }
        self.write(body)
    }

    /// Writes denied system calls down.
    pub(super) fn denied(&mut self, batch: Batch, in_flight: &[mcp::CallInFlight]) -> anyhow::Result<()> {
        for (denial, count) in batch.denials {
            self.denials += count;
            let body = self.translator.syscall(&denial, count, in_flight);
            self.write(body)?;
        }
        match batch.lost {
            0 => Ok(()),
            count => self.write(Body::Lost(Lost { count, kind: LostKind::SyscallReports, reason: None })),
        }
    }

    /// Writes the last record. It is not synced to the disk: it survives mcpguard's death, not the machine's. Alerts about it
    /// stand before it, and who is told of alerts has a short time for what waits.
    pub(super) fn end(&mut self, ending: &Ending, exit: Option<Status>, killed: u64) -> anyhow::Result<()> {
        let mut body = Body::SessionEnd(self.last(ending, exit, killed));
        body.redact(&self.redactor);
        let found = self.alerts.of_record(&body, 0);
        let told = self.tell(found);
        let lost = match self.alerts.close() {
            0 => Ok(()),
            count => {
                let reason = Some("somebody was not told as `alerts.to` asks".to_owned());
                let lost = Lost { count, kind: LostKind::Alerts, reason };
                let written = self.log.write(Body::Lost(lost));
                self.settled(written)
            }
        };
        let written = self.log.write(body);
        self.settled(written).and(lost).and(told)
    }

    fn last(&self, ending: &Ending, exit: Option<Status>, killed: u64) -> SessionEnd {
        SessionEnd {
            reason: reason(ending),
            detail: Some(ending.to_string()),
            exit_code: exit
                .and_then(|status| if let Status::Code(code) = status { Some(code) } else { None }),
            signal: exit.and_then(|status| {
                if let Status::Signal(number) = status { Some(number as i32) } else { None }
            }),
            calls: self.calls,
            denials: self.denials,
            duration_us: u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX),
            processes_killed: killed,
        }
    }

    /// The session's name.
    pub(super) fn session(&self) -> &str {
        &self.session
    }

    /// What knows the session's secrets.
    pub(super) fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.redactor)
    }

    /// The bytes without the session's secrets.
    pub(super) fn redacted(&self, bytes: &[u8]) -> Vec<u8> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.redactor.text(text).into_owned().into_bytes(),
            Err(_) => self.redactor.text(&String::from_utf8_lossy(bytes)).into_owned().into_bytes(),
        }
    }

    fn write(&mut self, mut body: Body) -> anyhow::Result<()> {
        let written = self.log.write_cleaned(&mut body);
        let mut found = self.alerts.of_record(&body, *written.as_ref().unwrap_or(&0));
        if written.is_err() {
            found.extend(self.alerts.of_loss());
        }
        let settled = self.settled(written.map(drop));
        settled.and(self.tell(found))
    }

    /// Has somebody told of all of it, also where one of it cannot be written down.
    fn tell(&mut self, found: Vec<Found>) -> anyhow::Result<()> {
        let told: Vec<_> = found.into_iter().map(|found| self.tell_one(found)).collect();
        told.into_iter().collect()
    }

    /// No rule looks at these records.
    fn tell_one(&mut self, Found { alert, line }: Found) -> anyhow::Result<()> {
        let mut body = Body::Alert(alert);
        let written = self.log.write_cleaned(&mut body);
        let place = Place { session: &self.session, seq: written.as_ref().ok().copied() };
        self.alerts.tell(&body, &line, &place);
        self.settled(written.map(drop))
    }

    fn settled(&mut self, written: Result<(), LogError>) -> anyhow::Result<()> {
        match (written, self.on_failure) {
            (Ok(()), _) => {
                self.failing = false;
                Ok(())
            }
            (Err(error), AuditFailure::Stop) => Err(error.into()),
            (Err(error), AuditFailure::Continue) => {
                if !std::mem::replace(&mut self.failing, true) {
                    crate::terminal::warning(&format!("{error}; the session goes on, as the policy says"));
                }
                Ok(())
            }
        }
    }
}

fn reason(ending: &Ending) -> EndReason {
    match ending {
        Ending::NotStarted(_) => EndReason::NotStarted,
        Ending::ServerExited(_) => EndReason::ServerExited,
        Ending::ClientGone => EndReason::ClientGone,
        Ending::Signal(_) => EndReason::Signal,
        Ending::AuditFailed(_) => EndReason::AuditFailed,
        Ending::Violation(_) => EndReason::Violation,
        Ending::Failed(_) => EndReason::Failed,
    }
}
