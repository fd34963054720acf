//! What an attempt has come to.

use super::evidence::{Evidence, Seen};
use super::guard::may_be_reached;
use super::raise::{Internet, Who};
use super::run::Backend;
use super::stage::Attempt;
use super::trick::{Need, Proof, Trick};

/// What a trick has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It works, as it must.
    Works,
    /// It works for root alone.
    WorksForRoot,
    /// Nothing of it was seen, as it must be.
    Denied,
    /// It works with a guard, which says so.
    Open,
    /// It cannot be done here: what is lacking.
    Lacking(&'static str),
    /// It is not as it must be: what was seen.
    Wrong(String),
}

impl Verdict {
    /// Whether it is not as it must be.
    pub fn is_wrong(&self) -> bool {
        matches!(self, Self::Wrong(_))
    }
}

/// Judges an attempt by what was printed and by what was seen on the far side.
pub(super) fn judge(
    internet: &Internet,
    backend: Backend,
    trick: &Trick,
    attempt: Option<&Attempt>,
    seen: &Seen,
) -> Verdict {
    let Some(attempt) = attempt else { return Verdict::Lacking("a pair of interfaces") };
    let evidence = seen.about(&attempt.token);
    if attempt.ended {
        return Verdict::Wrong(told(attempt, &evidence));
    }
    let worked = has_worked(internet, trick, attempt, &evidence);
    let guarded = backend != Backend::Bare;
    match (guarded && !trick.is_benign(), worked) {
        (false, true) if attempt.who == Who::Root && !guarded => Verdict::WorksForRoot,
        (false, true) => Verdict::Works,
        (true, true) if trick.open.is_some() => Verdict::Open,
        (true, false) if !attempt.late && is_silent(internet, trick, attempt, &evidence) => Verdict::Denied,
        (false, false) => lacking(trick, attempt).unwrap_or_else(|| Verdict::Wrong(told(attempt, &evidence))),
        _ => Verdict::Wrong(told(attempt, &evidence)),
    }
}

fn lacking(trick: &Trick, attempt: &Attempt) -> Option<Verdict> {
    match trick.needs {
        Need::Kernel(error, what) if attempt.printed.contains(error) => Some(Verdict::Lacking(what)),
        _ => None,
    }
}

fn has_worked(internet: &Internet, trick: &Trick, attempt: &Attempt, evidence: &Evidence) -> bool {
    match trick.proof {
        Proof::Secret(host) => attempt.printed.contains(&internet.secrets.of(host)),
        Proof::Arrives | Proof::ArrivesAfter(_) => !evidence.is_empty(),
        Proof::Names(count) => evidence.names() >= count,
        Proof::Printed(text) => attempt.printed.contains(text),
    }
}

/// Whether nothing at all was seen or read of what is forbidden, beyond what the trick itself is about.
fn is_silent(internet: &Internet, trick: &Trick, attempt: &Attempt, evidence: &Evidence) -> bool {
    let read = internet.secrets.found(&attempt.printed).into_iter().any(|name| !may_be_reached(name));
    // A tunnel beneath an allowed name may ask a little.
    let seen = !evidence.is_empty() && !matches!(trick.proof, Proof::Names(_));
    !read && !seen
}

fn told(attempt: &Attempt, evidence: &Evidence) -> String {
    let seen: Vec<String> =
        evidence.lines.iter().take(3).map(|(witness, line)| format!("{witness}: {line}")).collect();
    let printed: String = attempt.printed.chars().filter(|c| !c.is_control()).take(300).collect();
    format!("{}: printed {printed:?}; {} times seen {seen:?}", attempt.token, evidence.lines.len())
}
