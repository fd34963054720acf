//! Calls that wait for an approval, as whoever is asked sees them, and the policy's program that may decide.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::shell::{Group, Shell, Told};

/// Programs that decide at once; for more calls nobody but people can.
const MOST: usize = 16;

/// A call that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    /// The session's name.
    pub(crate) session: String,
    /// The policy's name.
    pub(crate) policy: String,
    /// The call's number.
    pub(crate) call: u64,
    /// The tool.
    pub(crate) tool: String,
    /// The arguments as they were sent: JSON text, empty if there are none.
    pub(crate) arguments: String,
    /// SHA-256 in hex over the tool's name, a zero byte and the arguments.
    pub(crate) digest: String,
    /// How many must approve.
    pub(crate) approvers: u8,
    /// Who has.
    pub(crate) given: Vec<String>,
    /// Milliseconds since it came.
    pub(crate) waited_ms: u64,
    /// Milliseconds until it is refused.
    pub(crate) left_ms: u64,
    /// The rule that wants the approval, and where it stands.
    pub(crate) rule: String,
}

/// What became of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decided {
    /// Why nothing has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<String>,
    /// Approvals that are still missing.
    pub(crate) missing: u8,
    /// The call's answer was a question to the client (MCP 2026-07-28), so that it goes on when the client comes again.
    #[serde(default)]
    pub(crate) waits_for_client: bool,
}

/// What a program says about a call.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) call: u64,
    pub(super) digest: String,
    /// `None`: nothing.
    pub(super) approve: Option<bool>,
}

/// The programs that run.
#[derive(Clone)]
pub(super) struct Hooks {
    running: Arc<AtomicUsize>,
    tell: UnboundedSender<Verdict>,
    told: Rc<Mutex<UnboundedReceiver<Verdict>>>,
}

impl Default for Hooks {
    fn default() -> Self {
        let (tell, told) = unbounded_channel();
        Self { running: Arc::default(), tell, told: Rc::new(Mutex::new(told)) }
    }
}

impl Hooks {
    /// Has the program asked about the call, on a thread of its own.
    ///
    /// # Errors
    /// It is not asked.
    pub(super) fn ask(&self, argv: &[String], held: &Held) -> anyhow::Result<()> {
        if self.running.fetch_add(1, Ordering::Relaxed) >= MOST {
            self.running.fetch_sub(1, Ordering::Relaxed);
            anyhow::bail!("{MOST} of its kind are asked already");
        }
        let (argv, tell, running) = (argv.to_vec(), self.tell.clone(), Arc::clone(&self.running));
        let (call, digest, line) = (held.call, held.digest.clone(), serde_json::to_vec(held)?);
        let asking = move || {
            let approve = answered(&argv, &line).unwrap_or_else(|error| {
                tracing::warn!("approvals.command: {error:#}");
                None
            });
            running.fetch_sub(1, Ordering::Relaxed);
            // The session may have ended meanwhile.
            let _ = tell.send(Verdict { call, digest, approve });
        };
        let started = thread::Builder::new().name("approval".to_owned()).spawn(asking);
        started.map(drop).inspect_err(|_| {
            self.running.fetch_sub(1, Ordering::Relaxed);
        })?;
        Ok(())
    }

    /// The next thing that a program says.
    pub(super) async fn next(&self) -> Verdict {
        match self.told.lock().await.recv().await {
            Some(verdict) => verdict,
            None => std::future::pending().await,
        }
    }
}

/// Runs the program, for as long as it takes: by then the call may have been refused, which is no matter of its answer.
fn answered(argv: &[String], line: &[u8]) -> anyhow::Result<Option<bool>> {
    match Shell::start(argv, Group::Ours)?.ask(line, None)? {
        Told::Status(status) if status == "0" => Ok(Some(true)),
        Told::Status(status) if status == "1" => Ok(Some(false)),
        Told::Status(status) => {
            anyhow::bail!("`{}` ended with {status:?}, which decides nothing", argv.join(" "))
        }
        Told::Killed | Told::Late => anyhow::bail!("`{}` was killed, which decides nothing", argv.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::answered;

    fn said(program: &str) -> Option<Option<bool>> {
        answered(&["sh", "-c", program].map(str::to_owned), br#"{"tool":"t"}"#).ok()
    }

    #[test]
    fn only_0_and_1_decide() {
        assert_eq!(said("grep -q '\"tool\":\"t\"'"), Some(Some(true)));
        assert_eq!(said("exit 1"), Some(Some(false)));
        assert_eq!(said("echo 0"), Some(Some(true)));
        assert_eq!(said("echo 0; exit 1"), Some(Some(false)), "what it prints is no verdict");
        assert_eq!(said("exit 2"), None);
        assert_eq!(said("kill -9 $$"), None);
        assert_eq!(answered(&["/no/such/program".to_owned()], b"").ok(), None);
    }
}
