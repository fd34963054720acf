//! What operators ask for, and users about their own sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use control::message::{
    Acted, Actor, Because, Code, Filter, NotActed, NotReloaded, Refusal, Release, Reloaded, Sessions, Status,
};
use control::rights::{self, Reach};
use control::{Answer, Candidate, Event, RequestId, Selector};
use enforce::keeper::Key;
use futures_util::future::join_all;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::log::Fact;
use super::quarantine::save;
use super::refusal::{Wrapped, refusal};
use super::rules::Rules;
use super::words;
use super::worker::Client;
use super::{frozen, pulse};
use crate::daemon::wire::{Act, Ask};

/// Sessions in one part of a list: about 1 KiB each at most.
const PART: usize = 256;

/// How long a list waits for what sessions use at this very moment.
const USAGE: Duration = Duration::from_millis(10);

/// Sessions that are told of after the rules were read again.
const MOST_KEPT: usize = 2_000;

/// The sessions that the client may see, in parts.
pub(super) async fn list(client: &Client, id: RequestId, reach: Reach) -> Result<(), Wrapped> {
    // Who wants sessions to end does not wait for what they use; it was asked for a second ago, too.
    let _ = timeout(USAGE, pulse::usage(&client.hub, client.line.number)).await;
    let mut all: Vec<_> = {
        let sessions = client.hub.sessions.borrow();
        sessions.iter().filter(|session| reach.covers(session.uid)).map(|session| session.summary()).collect()
    };
    loop {
        client.room().await;
        let rest = all.split_off(all.len().min(PART));
        let more = !rest.is_empty();
        client.line.answer(id, Answer::Sessions(Sessions { sessions: all, more }), Vec::new());
        match more {
            true => all = rest,
            false => return Ok(()),
        }
    }
}

/// From now on the client is told of what the filter lets through.
pub(super) fn follow(client: &Client, id: RequestId, filter: Filter) -> Result<(), Wrapped> {
    client.follows();
    client.line.answer(id, Answer::Done, Vec::new());
    client.hub.followers.add(Rc::clone(&client.line), id, filter);
    Ok(())
}

/// Does something to the sessions that are meant, to all at once.
pub(super) async fn act(
    client: &Client,
    id: RequestId,
    reach: Reach,
    selector: &Selector,
    act: rights::Act,
) -> Result<(), Wrapped> {
    let mut acted = Acted::default();
    let keys = meant(client, reach, selector)?;
    if act == rights::Act::Kill {
        client.hub.record(None, &Fact::Doomed(selector, reach.who()));
    }
    // Each is asked for before the first is waited for.
    let outcomes = join_all(keys.iter().map(|key| one(client, reach, *key, act))).await;
    for (key, outcome) in keys.into_iter().zip(outcomes) {
        note(&mut acted, key, outcome);
    }
    if act != rights::Act::Kill {
        remember(client).await;
    }
    client.line.answer(id, Answer::Acted(acted), Vec::new());
    Ok(())
}

fn note(acted: &mut Acted, key: Key, outcome: Result<(), Wrapped>) {
    let session = words::id(key);
    match outcome {
        Ok(()) => acted.done.push(session),
        Err(Wrapped(refusal)) => acted.failed.push(NotActed { session, refusal }),
    }
}

/// The sessions that are meant, among those that the client may see.
pub(super) fn meant(client: &Client, reach: Reach, selector: &Selector) -> Result<Vec<Key>, Refusal> {
    let sessions = client.hub.sessions.borrow();
    let seen: Vec<Candidate<'_>> = sessions
        .iter()
        .filter(|session| reach.covers(session.uid))
        .map(|session| session.candidate())
        .collect();
    let picked = selector.pick(&seen).map_err(|error| refusal(Code::NoSuchSession, error.to_string()))?;
    Ok(picked.into_iter().filter_map(words::key).collect())
}

async fn one(client: &Client, reach: Reach, key: Key, act: rights::Act) -> Result<(), Wrapped> {
    let gone = || refusal(Code::NoSuchSession, "the session has ended meanwhile");
    let because = {
        let sessions = client.hub.sessions.borrow();
        let session = sessions.get(key).ok_or_else(gone)?;
        let frozen = session.frozen.as_ref().map(|because| because.who);
        reach.may(act, session.uid, frozen)?;
        let why = format!("asked for by user {}", client.peer.identity.uid);
        Because { who: reach.actor(session.uid), why }
    };
    let word = match act {
        rights::Act::Kill => Act::Kill,
        rights::Act::Freeze => Act::Freeze,
        rights::Act::Thaw => Act::Thaw,
    };
    client.ask(&Ask::Act(client.line.number, key, word)).await?;
    done(client, key, act, because);
    Ok(())
}

/// It is done: the session's client and followers are told.
fn done(client: &Client, key: Key, act: rights::Act, because: Because) {
    let hub = &client.hub;
    if act == rights::Act::Kill {
        if let Some(session) = hub.sessions.borrow().get(key) {
            hub.record(None, &Fact::Killed(session.about(), &because));
        }
        return hub.ended(key, because, None);
    }
    let mut sessions = hub.sessions.borrow_mut();
    let Some(session) = sessions.get_mut(key) else { return };
    let frozen = act == rights::Act::Freeze;
    session.frozen = frozen.then(|| because.clone());
    let about = session.about();
    hub.record(None, &if frozen { Fact::Frozen(about, &because) } else { Fact::Thawed(about, &because) });
    let event = if frozen { Event::Frozen(because) } else { Event::Thawed(because) };
    hub.publish(session, &event);
    session.tell(event);
}

/// Who has stopped which sessions is written for the front after this one. If that fails, only operators let them go on.
async fn remember(client: &Client) {
    let hub = &client.hub;
    let _one_at_a_time = hub.writing.lock().await;
    let frozen: BTreeMap<Key, Actor> = {
        let sessions = hub.sessions.borrow();
        sessions.iter().filter_map(|it| Some((it.key, it.frozen.as_ref()?.who))).collect()
    };
    let directory = hub.quarantine.borrow().directory();
    if let Ok(Err(error)) = spawn_blocking(move || frozen::save(&mut &*directory, &frozen)).await {
        tracing::warn!("who has frozen sessions cannot be written: {error}");
    }
}

/// Stops the sessions, and opens none of their policies from now on.
pub(super) async fn quarantine(
    client: &Client,
    id: RequestId,
    reach: Reach,
    selector: &Selector,
) -> Result<(), Wrapped> {
    let keys = meant(client, reach, selector)?;
    let revisions: Vec<String> = {
        let sessions = client.hub.sessions.borrow();
        let found = keys.iter().filter_map(|key| sessions.get(*key));
        // A session of another build's has no revision that could be kept apart.
        found.map(|session| session.memo.revision.clone()).filter(|it| it.len() == 64).collect()
    };
    // At once in this process, then the sessions, then on the disk: nothing hostile runs for as long as a disk takes.
    let list = client.hub.quarantine.borrow().with(revisions.iter().cloned());
    client.hub.quarantine.borrow_mut().set(list);
    let mut frozen = Vec::new();
    for key in keys {
        frozen.push((key, one(client, reach, key, rights::Act::Freeze).await));
    }
    let kept = keep_apart(client, &revisions).await;
    let mut acted = Acted::default();
    for (key, outcome) in frozen {
        note(&mut acted, key, outcome.and_then(|()| kept.clone().map_err(Wrapped)));
    }
    remember(client).await;
    client.line.answer(id, Answer::Acted(acted), Vec::new());
    Ok(())
}

/// Puts revisions on the list, where they may be already. They are there after a restart if this succeeds.
async fn keep_apart(client: &Client, revisions: &[String]) -> Result<(), Refusal> {
    let hub = &client.hub;
    let _one_at_a_time = hub.writing.lock().await;
    let list = hub.quarantine.borrow().with(revisions.iter().cloned());
    hub.quarantine.borrow_mut().set(list.clone());
    let uid = client.peer.identity.uid;
    revisions.iter().for_each(|revision| hub.record(None, &Fact::Quarantined(revision, uid)));
    written(client, list).await.map_err(|why| {
        refusal(
            Code::Internal,
            format!("its policy is in quarantine only until the daemon is started again: {why}"),
        )
    })
}

/// Sessions of a policy may be opened again.
pub(super) async fn release(client: &Client, id: RequestId, release: &Release) -> Result<(), Wrapped> {
    let (hub, revision) = (&client.hub, &release.revision);
    let _one_at_a_time = hub.writing.lock().await;
    let list = hub.quarantine.borrow().without(revision);
    let list = list.ok_or_else(|| {
        refusal(Code::NoSuchSession, format!("no policy of the revision `{revision}` is in quarantine"))
    })?;
    written(client, list.clone())
        .await
        .map_err(|why| refusal(Code::Internal, format!("the policy stays in quarantine: {why}")))?;
    // More may be in quarantine meanwhile.
    let list = hub.quarantine.borrow().without(revision);
    if let Some(list) = list {
        hub.quarantine.borrow_mut().set(list);
    }
    hub.record(None, &Fact::Released(revision, client.peer.identity.uid));
    client.line.answer(id, Answer::Done, Vec::new());
    Ok(())
}

async fn written(client: &Client, list: BTreeSet<String>) -> Result<(), String> {
    let directory = client.hub.quarantine.borrow().directory();
    let saved = spawn_blocking(move || save(&mut &*directory, &list)).await;
    match saved {
        Ok(saved) => saved.map_err(|error| format!("{error:#}")),
        Err(_) => Err("the list could not be written".to_owned()),
    }
}

/// Reads the host's rules again, for sessions that are opened from now on.
pub(super) async fn reload(client: &Client, id: RequestId) -> Result<(), Wrapped> {
    let place = client.hub.settings.host_rules.clone();
    let read = spawn_blocking(move || Rules::read(&place)).await;
    let read = read.map_err(|_| refusal(Code::Internal, "the host's rules could not be read"))?;
    if let Err(refused) = read.now() {
        let sentence = format!("{}; those that held before still hold", refused.sentence);
        return Err(Refusal { sentence, ..refused }.into());
    }
    client.hub.record(None, &Fact::Reloaded(client.peer.identity.uid));
    let answer = reloaded(client, read.revision());
    *client.hub.rules.borrow_mut() = read;
    client.line.answer(id, Answer::Reloaded(answer), Vec::new());
    Ok(())
}

/// Rules hold for the sessions that were opened under them: none is changed while it runs.
fn reloaded(client: &Client, revision: Option<&str>) -> Reloaded {
    let sessions = client.hub.sessions.borrow();
    let mut reloaded = Reloaded::default();
    for session in sessions.iter() {
        if session.memo.host_rules.as_deref() == revision {
            reloaded.sessions += 1;
        } else if reloaded.kept.len() < MOST_KEPT {
            let reason =
                "it was opened under other host rules, which hold for it until it ends; start it again";
            let session = session.id.clone();
            reloaded.kept.push(NotReloaded { session, reason: reason.to_owned() });
        }
    }
    reloaded
}

/// How the daemon is.
pub(super) fn status(client: &Client, id: RequestId) -> Result<(), Wrapped> {
    let hub = &client.hub;
    let ebpf = hub.offer.ebpf();
    let status = Status {
        build: hub.build.clone(),
        process: std::process::id(),
        age_ms: u64::try_from(hub.began.elapsed().as_millis()).unwrap_or(u64::MAX),
        sessions: hub.sessions.borrow().len() as u64,
        connections: hub.seats.connections() as u64,
        dropped: hub.dropped.get(),
        hooks: words::hooks(&ebpf),
        network: ebpf.network,
    };
    client.line.answer(id, Answer::Status(status), Vec::new());
    Ok(())
}

/// What is enforced for a session that is opened now.
pub(super) fn offer(client: &Client, id: RequestId) -> Result<(), Wrapped> {
    client.line.answer(id, Answer::Offered(words::offered(&client.hub.offer)), Vec::new());
    Ok(())
}
