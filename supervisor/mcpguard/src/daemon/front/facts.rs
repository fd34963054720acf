//! Facts as one line of text each, for logs that people read.

use std::fmt::{Display, Formatter, Result};

use control::message::{Because, Dropped, Resources};
use enforce::KernelEvent;

use super::log::{About, Fact};
use super::memo::MemoRule;

impl Display for About<'_> {
    fn fmt(&self, to: &mut Formatter<'_>) -> Result {
        let Self { id, uid, supervisor, memo } = self;
        let (name, policy) = (&memo.name, &memo.policy);
        write!(to, "session {id} ({name}, policy {policy}) of user {uid}, process {supervisor}")
    }
}

impl Display for Fact<'_> {
    fn fmt(&self, to: &mut Formatter<'_>) -> Result {
        match self {
            Self::Opened(about) => write!(to, "{about}: opened, revision {}", about.memo.revision),
            Self::Resumed(about) => write!(to, "{about}: its client came back"),
            Self::Denied(about, event) => {
                write!(to, "{about}: {}", Denial(event))?;
                rule(about, event).map_or(Ok(()), |rule| write!(to, ", by {rule}"))
            }
            Self::Dropped(about, dropped) => write!(to, "{about}: {} denials were dropped", sum(dropped)),
            Self::Resources(about, Resources { oom_kills, processes_refused, .. }) => {
                let [killed, refused] = [oom_kills, processes_refused].map(|it| it.unwrap_or(0));
                write!(to, "{about}: {killed} processes killed for memory, {refused} refused, so far")
            }
            Self::Killed(about, because) => write!(to, "{about}: killed {}", By(because)),
            Self::Unproven(about, why) => {
                write!(to, "{about}: not seen to be denied what it must be: {why:?}")
            }
            Self::Ended(about, because) => write!(to, "{about}: ended {}", By(because)),
            Self::Frozen(about, because) => write!(to, "{about}: frozen {}", By(because)),
            Self::Thawed(about, because) => write!(to, "{about}: goes on {}", By(because)),
            Self::Limited(about, because) => write!(to, "{about}: its limits were changed {}", By(because)),
            Self::Revised(about, before) => {
                write!(to, "{about}: follows revision {} now, before {before}", about.memo.revision)
            }
            Self::Proven(about) => write!(to, "{about}: seen to be denied what it must be"),
            Self::DeniedElsewhere(id, event) => write!(to, "session {id}, which is over: {}", Denial(event)),
            Self::Stray(id) => write!(to, "session {id}, which is over: told of once more"),
            Self::Refused { uid, process, refusal } => {
                write!(
                    to,
                    "user {uid}, process {process}: refused, {:?}: {:?}",
                    refusal.code, refusal.sentence
                )
            }
            Self::Quarantined(revision, uid) => {
                write!(to, "policy {revision}: put into quarantine by user {uid}")
            }
            Self::Released(revision, uid) => write!(to, "policy {revision}: released by user {uid}"),
            Self::Doomed(sessions, who) => write!(to, "to end, asked for by {who:?}: {sessions}"),
            Self::Reloaded(uid) => write!(to, "the host's rules were read again for user {uid}"),
        }
    }
}

/// The rule that decided, as it was written.
fn rule<'a>(about: &About<'a>, event: &KernelEvent) -> Option<&'a MemoRule> {
    about.memo.rule(event.rule?)
}

impl Display for MemoRule {
    fn fmt(&self, to: &mut Formatter<'_>) -> Result {
        let Self { text, origin, reason } = self;
        write!(to, "`{}` ({})", text.escape_debug(), origin.escape_debug())?;
        reason.as_ref().map_or(Ok(()), |reason| write!(to, ", because: {}", reason.escape_debug()))
    }
}

fn sum(dropped: &Dropped) -> u64 {
    dropped.kinds.iter().map(|(_, count)| count).sum()
}

struct Denial<'a>(&'a KernelEvent);

impl Display for Denial<'_> {
    fn fmt(&self, to: &mut Formatter<'_>) -> Result {
        let KernelEvent { sequence, process, kind, action, reason, path, peer, .. } = self.0;
        write!(to, "event {sequence}: {kind:?} by process {process}, {action:?}, {reason:?}")?;
        path.as_ref().map_or(Ok(()), |seen| write!(to, ", {:?}", seen.path))?;
        peer.as_ref().map_or(Ok(()), |peer| write!(to, ", {}", peer.address))
    }
}

struct By<'a>(&'a Because);

impl Display for By<'_> {
    fn fmt(&self, to: &mut Formatter<'_>) -> Result {
        let Because { who, why } = self.0;
        write!(to, "by {who:?}: {why:?}")
    }
}

#[cfg(test)]
mod tests {
    use control::SessionId;

    use super::super::memo::Memo;
    use super::super::tests::world::denied;
    use super::*;

    #[test]
    fn a_denial_names_its_session_and_its_rule() {
        let rule = MemoRule {
            text: "filesystem.read: /srv".to_owned(),
            origin: "p.yaml:3:4".to_owned(),
            reason: Some("the site".to_owned()),
        };
        let memo = Memo::now("files", "notes", "ab", None, vec![rule]);
        let id = SessionId::new("00000000000000aa").unwrap();
        let about = About { id: &id, uid: 1000, supervisor: 5, memo: &memo };
        assert_eq!(
            Fact::Denied(about, &denied(3)).to_string(),
            "session 00000000000000aa (files, policy notes) of user 1000, process 5: event 3: Open by process 42, Denied, \
             NotGranted, by `filesystem.read: /srv` (p.yaml:3:4), because: the site"
        );
        let why = "done\nsession x".to_owned();
        let because = Because { who: control::message::Actor::Owner(1000), why };
        let ended = Fact::Ended(about, &because).to_string();
        assert!(
            ended.ends_with(r#"ended by Owner(1000): "done\nsession x""#),
            "one line, whatever a user says: {ended}"
        );
    }
}
