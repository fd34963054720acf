//! The sessions that run, whoever knows of them: their cards, the host daemon, their control groups.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::anyhow;
use control::SessionId;
use control::message::{State, Summary};
use enforce::cgroup::GroupId;
use enforce::{Grounds, Pid, Standing};
use jiff::{SignedDuration, Timestamp};
use nix::unistd::geteuid;
use procfs::process::Process;
use procfs::{Current, Uptime};

use super::card::door;
use super::{Daemon, Found, Host, PATIENCE, found};

/// A session that runs. Texts are as its user wrote them: whoever shows them cleans them.
#[derive(Debug)]
pub(crate) struct Running {
    /// What means no other one for as long as it runs.
    pub(crate) key: String,
    /// Its name: in the audit log where its card tells; else the daemon's; else its control group's.
    pub(crate) session: String,
    /// Whose it is.
    pub(crate) uid: u32,
    /// Its supervisor.
    pub(crate) pid: Pid,
    pub(crate) policy: String,
    pub(crate) revision: String,
    /// Where it is asked to read its policy again; `None` where only its card would tell.
    door: Option<PathBuf>,
    /// Empty where only its card would tell.
    pub(crate) command: Vec<String>,
    /// Its audit log, where its card is found.
    pub(crate) audit: Option<String>,
    pub(crate) began: Timestamp,
    /// Its processes on this machine; `None` if this user cannot look at them.
    pub(crate) standing: Option<Standing>,
    /// What the host daemon says of it, if it is the daemon's and the daemon answers.
    pub(crate) hosted: Option<Summary>,
}

/// All that this user may see, oldest first, and the daemon, if one answers.
///
/// A session is told once, however many know of it: its supervisor is the same.
///
/// # Errors
/// Nothing can be told about this boot.
pub(crate) fn running(daemon: &Daemon) -> anyhow::Result<(Vec<Running>, Option<Host>)> {
    running_within(daemon, PATIENCE)
}

/// The same, with a daemon that has this long for its answer.
pub(crate) fn running_within(
    daemon: &Daemon,
    patience: Duration,
) -> anyhow::Result<(Vec<Running>, Option<Host>)> {
    let (all, host) = seen(Some(daemon), patience)?;
    let host = host.unwrap_or_else(|error| {
        crate::terminal::warning(&format!(
            "the host daemon does not answer ({error:#}); this goes on without it"
        ));
        None
    });
    Ok((all, host))
}

/// The same, and why the daemon does not answer; `None`: it is not asked.
pub(crate) fn look(daemon: Option<&Daemon>) -> anyhow::Result<(Vec<Running>, anyhow::Result<Option<Host>>)> {
    seen(daemon, PATIENCE)
}

/// The daemon says what it knows while this process looks for itself.
fn seen(
    daemon: Option<&Daemon>,
    patience: Duration,
) -> anyhow::Result<(Vec<Running>, anyhow::Result<Option<Host>>)> {
    let (listed, found) = thread::scope(|both| {
        let listed = both.spawn(|| daemon.and_then(|daemon| daemon.list(patience)));
        let found = found();
        (listed.join().unwrap_or_else(|_| Some(Err(anyhow!("its answer cannot be read")))), found)
    });
    let (host, hosted) = match listed {
        None => (Ok(None), Vec::new()),
        Some(Ok((host, hosted))) => (Ok(Some(host)), hosted),
        Some(Err(error)) => (Err(error), Vec::new()),
    };
    Ok((merged(found?, hosted, &Grounds::find()), host))
}

fn merged(found: Vec<Found>, hosted: Vec<Summary>, grounds: &Grounds) -> Vec<Running> {
    let mut all: BTreeMap<Pid, Running> =
        found.into_iter().map(Running::of_card).map(|session| (session.pid, session)).collect();
    for summary in hosted {
        let pid = Pid::from_raw(summary.supervisor.cast_signed());
        match all.get_mut(&pid) {
            // Nobody's card speaks for another user's session.
            Some(known) if known.uid == summary.uid => known.hosted = Some(summary),
            _ => drop(all.insert(pid, Running::of_daemon(pid, summary, grounds))),
        }
    }
    // Where root works, nobody has to be told of for being ended.
    for id in if geteuid().is_root() { grounds.supervisors() } else { Default::default() } {
        if !all.contains_key(&id.process())
            && let Some(session) = Running::of_group(&id, grounds)
        {
            all.insert(id.process(), session);
        }
    }
    let mut all: Vec<Running> = all.into_values().collect();
    all.sort_by_key(|session| (session.began, session.pid));
    all
}

impl Running {
    fn of_card(Found { card, standing, uid, place }: Found) -> Self {
        Self {
            door: Some(door(&place)),
            key: card.supervisor,
            session: card.session,
            uid,
            pid: standing.supervisor(),
            policy: card.policy,
            revision: card.revision,
            command: card.command,
            audit: Some(card.audit),
            began: card.began,
            standing: Some(standing),
            hosted: None,
        }
    }

    fn of_daemon(pid: Pid, summary: Summary, grounds: &Grounds) -> Self {
        let id = GroupId::of(pid);
        let standing = id.as_ref().and_then(|id| Standing::find(id, grounds).ok().flatten());
        let age = SignedDuration::try_from(Duration::from_millis(summary.age_ms)).unwrap_or_default();
        Self {
            door: None,
            key: id.map_or_else(|| summary.session.to_string(), |id| id.to_string()),
            session: summary.session.to_string(),
            uid: summary.uid,
            pid,
            policy: summary.policy.clone(),
            revision: summary.revision.clone(),
            command: Vec::new(),
            audit: None,
            began: Timestamp::now().checked_sub(age).unwrap_or(Timestamp::UNIX_EPOCH),
            standing,
            hosted: Some(summary),
        }
    }

    /// A session whose card root does not find, while no daemon tells of it.
    fn of_group(id: &GroupId, grounds: &Grounds) -> Option<Self> {
        let standing = Standing::find(id, grounds).ok().flatten()?;
        let process = Process::new(id.process().as_raw()).ok()?;
        Some(Self {
            door: None,
            key: id.to_string(),
            session: id.to_string(),
            uid: process.status().ok()?.ruid,
            pid: id.process(),
            policy: "?".to_owned(),
            revision: String::new(),
            command: Vec::new(),
            audit: None,
            began: began(&process).unwrap_or(Timestamp::UNIX_EPOCH),
            standing: Some(standing),
            hosted: None,
        })
    }

    /// Where it is asked to read its policy again.
    pub(crate) fn door(&self) -> Option<&Path> {
        self.door.as_deref()
    }

    /// Its id at the daemon.
    pub(crate) fn id(&self) -> Option<&SessionId> {
        self.hosted.as_ref().map(|summary| &summary.session)
    }

    /// Whether this user may do something to its processes without the daemon.
    pub(crate) fn is_within_reach(&self) -> bool {
        let user = geteuid();
        user.is_root() || user.as_raw() == self.uid
    }

    /// Its log, if it is this user's. Another user's card may name anything: a pipe on which root would wait for ever, a
    /// device.
    pub(crate) fn log(&self) -> Option<&Path> {
        let own = self.uid == geteuid().as_raw();
        self.audit.as_deref().filter(|_| own).map(Path::new)
    }

    /// Whether it stands still.
    pub(crate) fn is_frozen(&self) -> bool {
        let told = self.hosted.as_ref().is_some_and(|summary| matches!(summary.state, State::Frozen(_)));
        told || self.standing.as_ref().is_some_and(Standing::is_frozen)
    }
}

/// When a process started: in ticks after the boot, by the kernel.
fn began(process: &Process) -> Option<Timestamp> {
    let ticks = process.stat().ok()?.starttime / procfs::ticks_per_second().max(1);
    let age = Uptime::current().ok()?.uptime_duration().saturating_sub(Duration::from_secs(ticks));
    Timestamp::now().checked_sub(SignedDuration::try_from(age).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::super::card::{Card, VERSION};
    use super::*;

    fn found(uid: u32) -> Found {
        let id = GroupId::own().expect("a name");
        let standing = Standing::find(&id, &Grounds::find()).expect("looked at").expect("this process lives");
        let text = |text: &str| text.to_owned();
        let card = Card {
            v: VERSION,
            session: text("5f3c"),
            supervisor: id.to_string(),
            boot: text("b"),
            policy: text("card"),
            revision: text("00"),
            command: vec![text("node")],
            audit: text("/log"),
            began: Timestamp::UNIX_EPOCH,
        };
        Found { card, standing, uid, place: "/run/x.json".into() }
    }

    fn summary(uid: u32) -> Summary {
        let text = format!(
            r#"{{"session":"00000000000000aa","name":"git","uid":{uid},"supervisor":{},"policy":"told","revision":"00",
               "state":{{"frozen":"policy"}},"age_ms":5,"calls":1,"denials":2}}"#,
            std::process::id()
        );
        serde_json::from_str(&text).expect("a summary")
    }

    #[test]
    fn a_session_that_two_know_of_is_told_once() {
        let all = merged(vec![found(7)], vec![summary(7)], &Grounds::find());
        let own: Vec<_> = all.iter().filter(|it| it.pid == Pid::this()).collect();
        assert_eq!(own.len(), 1, "{own:?}");
        assert_eq!((own[0].session.as_str(), own[0].audit.as_deref()), ("5f3c", Some("/log")));
        assert!(own[0].id().is_some() && own[0].is_frozen());
    }

    #[test]
    fn a_card_of_another_users_does_not_speak_for_the_session() {
        let all = merged(vec![found(7)], vec![summary(8)], &Grounds::find());
        let own: Vec<_> = all.iter().filter(|it| it.pid == Pid::this()).collect();
        assert_eq!((own.len(), own[0].policy.as_str(), own[0].uid), (1, "told", 8));
    }
}
