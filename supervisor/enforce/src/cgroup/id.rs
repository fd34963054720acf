//! The name of a group: which supervisor made it, so that a later start can tell whether that one still lives.

use std::fmt;
use std::str::FromStr;

use nix::unistd::{Pid, getpid};

/// `<pid>-<start time>` of the supervisor, and a label where one supervisor has several groups.
///
/// A process number is used again one day; together with the start time it is not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupId {
    process: Pid,
    started: u64,
    label: Option<String>,
}

/// The text is not `<pid>-<start time>` or `<pid>-<start time>-<label>`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no session; a name is <pid>-<start time>, perhaps with a label of a-z and 0-9 after another `-`"
)]
pub struct NotAnId(String);

impl GroupId {
    /// The name for a group of this process. `None` if `/proc` cannot be read.
    pub fn own() -> Option<Self> {
        Self::of(getpid())
    }

    /// The name for a group of another supervisor. `None` if it is not there.
    pub fn of(process: Pid) -> Option<Self> {
        start_time(process).map(|started| Self { process, started, label: None })
    }

    /// The supervisor.
    pub fn process(&self) -> Pid {
        self.process
    }

    /// The same with a label: letters a-z and digits.
    pub fn labelled(mut self, label: &str) -> Result<Self, NotAnId> {
        if !is_label(label) {
            return Err(NotAnId(format!("{self}-{label}")));
        }
        self.label = Some(label.to_owned());
        Ok(self)
    }

    /// Whether it has a label: it is not for a session's server.
    pub(crate) fn is_labelled(&self) -> bool {
        self.label.is_some()
    }

    /// Whether the supervisor still runs, as seen in this pid namespace. A zombie does not run.
    pub fn is_alive(&self) -> bool {
        start_time(self.process) == Some(self.started)
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}-{}", self.process, self.started)?;
        self.label.as_ref().map_or(Ok(()), |label| write!(to, "-{label}"))
    }
}

impl FromStr for GroupId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let refuse = || NotAnId(text.to_owned());
        let mut parts = text.splitn(3, '-');
        let (process, started) = parts.next().zip(parts.next()).ok_or_else(refuse)?;
        let process = number(process).and_then(|number| i32::try_from(number).ok()).ok_or_else(refuse)?;
        let started = number(started).ok_or_else(refuse)?;
        let id = Self { process: Pid::from_raw(process), started, label: None };
        parts.next().map_or(Ok(id.clone()), |label| id.labelled(label))
    }
}

/// Digits only, so that each name has one spelling: no sign, no leading zero.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    plain.then(|| text.parse().ok()).flatten()
}

fn is_label(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// When the process started, in clock ticks since boot: field 22 of `stat` (`proc_pid_stat(5)`). `None` if it is not
/// there or is a zombie. The second field, the name, is in parentheses and may contain anything.
fn start_time(process: Pid) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?;
    // The state is field 3 and has been taken, so field 22 is the nineteenth from here.
    let started = fields.nth(18)?.parse().ok()?;
    (!matches!(state, "Z" | "X" | "x")).then_some(started)
}
