//! What sessions are held to: shown, and changed for whoever may.
//!
//! ```text
//! limits ─ meant ─► for each: keeper tells what holds ─ rights, host rules ─► keeper sets, all or none ─► log
//! ```
//! Two that change the same session at once: the keeper sets only if what was judged here still holds.

use control::message::{Because, Code, Limit, Limits, LimitsOf, NotActed, Refusal, SessionLimits, Used};
use control::rights::Reach;
use control::{Answer, Event, RequestId};
use enforce::keeper::{self, Key};
use policy::limits::{MostLimits, spell_cpus, spell_memory};

use super::log::Fact;
use super::operate::meant;
use super::pulse;
use super::refusal::{Wrapped, refusal};
use super::sessions::Session;
use super::words;
use super::worker::Client;
use crate::daemon::wire::{Answer as Kept, Ask};

/// Sessions in one part of an answer. A refusal has up to 4 KiB, and each byte of it may become six.
const PART: usize = 32;

/// Shows the limits of the sessions that are meant, one after another, and sets those that are asked for.
pub(super) async fn limits(
    client: &Client,
    id: RequestId,
    reach: Reach,
    limit: &Limit,
) -> Result<(), Wrapped> {
    let keys = meant(client, reach, &limit.sessions)?;
    // Nothing is changed while nobody knows what the host allows.
    let most = if limit.to.is_empty() { MostLimits::default() } else { most(client)? };
    pulse::usage(&client.hub, client.line.number).await;
    let mut part = LimitsOf::default();
    for key in keys {
        if part.sessions.len() + part.failed.len() == PART {
            client.room().await;
            let full = LimitsOf { more: true, ..std::mem::take(&mut part) };
            client.line.answer(id, Answer::Limits(full), Vec::new());
        }
        match one(client, reach, key, &limit.to, &most).await {
            Ok(limits) => part.sessions.push(limits),
            Err(Wrapped(refusal)) => part.failed.push(NotActed { session: words::id(key), refusal }),
        }
    }
    client.line.answer(id, Answer::Limits(part), Vec::new());
    Ok(())
}

fn most(client: &Client) -> Result<MostLimits, Refusal> {
    let rules = client.hub.rules.borrow().now()?;
    Ok(rules.map(|rules| rules.most_limits()).unwrap_or_default())
}

async fn one(
    client: &Client,
    reach: Reach,
    key: Key,
    to: &Limits,
    most: &MostLimits,
) -> Result<SessionLimits, Wrapped> {
    let present = held(client, &Ask::Limits(client.line.number, key)).await?;
    if to.is_empty() {
        return told(client, key, &present);
    }
    let owner = client.hub.sessions.borrow().get(key).map(|session| session.uid).ok_or_else(gone)?;
    reach.may_limit(owner, &from_keeper(&present), to)?;
    within(to, most)?;
    let set = Ask::Limit(client.line.number, key, present, to_keeper(to));
    let now = held(client, &set).await?;
    record(client, reach, key, &difference(&from_keeper(&present), &from_keeper(&now)));
    told(client, key, &now)
}

async fn held(client: &Client, ask: &Ask) -> Result<keeper::Limits, Wrapped> {
    match client.ask(ask).await? {
        Kept::Limits(limits) => Ok(limits),
        _ => Err(refusal(Code::Internal, "the keeper does not say what the limits are").into()),
    }
}

fn gone() -> Refusal {
    refusal(Code::NoSuchSession, "the session has ended meanwhile")
}

fn told(client: &Client, key: Key, limits: &keeper::Limits) -> Result<SessionLimits, Wrapped> {
    let sessions = client.hub.sessions.borrow();
    let session = sessions.get(key).ok_or_else(gone)?;
    let limits = from_keeper(limits);
    Ok(SessionLimits { session: session.id.clone(), limits, used: used(session) })
}

fn used(session: &Session) -> Used {
    let keeper::Usage { memory, processes, .. } = session.usage;
    Used { memory_bytes: memory, processes, cpu_millis: session.pace.millis() }
}

/// Nobody is given more than the host's rules allow now, whatever held when the session was opened.
fn within(to: &Limits, most: &MostLimits) -> Result<(), Refusal> {
    let MostLimits { memory_bytes, max_processes, cpu_millis } = most;
    for ((name, wanted), most) in to.each().into_iter().zip([memory_bytes, max_processes, cpu_millis]) {
        let (Some(wanted), Some((most, rule))) = (wanted, most) else { continue };
        if wanted > *most {
            let sentence = format!(
                "{name}: {wanted} is more than this host allows, which is {most} (`{}`, {}); ask for no more than that",
                rule.text, rule.origin
            );
            return Err(refusal(Code::HostRules, sentence));
        }
    }
    Ok(())
}

/// It is on record what was changed, and by whom; the session's client and followers are told.
fn record(client: &Client, reach: Reach, key: Key, difference: &str) {
    let mut sessions = client.hub.sessions.borrow_mut();
    let Some(session) = sessions.get_mut(key) else { return };
    let why = format!("{difference}; asked for by user {}", client.peer.identity.uid);
    let because = Because { who: reach.actor(session.uid), why };
    client.hub.record(None, &Fact::Limited(session.about(), &because));
    let event = Event::Limited(because);
    client.hub.publish(session, &event);
    session.tell(event);
}

/// `memory 512MiB, before 1GiB; processes 8, before no limit`: in the spelling of a policy.
fn difference(before: &Limits, now: &Limits) -> String {
    let pairs = [
        ("memory", before.memory_bytes.map(spell_memory), now.memory_bytes.map(spell_memory)),
        ("processes", spelled(before.max_processes), spelled(now.max_processes)),
        ("cpus", before.cpu_millis.map(spell_cpus), now.cpu_millis.map(spell_cpus)),
    ];
    let word = |value: Option<String>| value.unwrap_or_else(|| "no limit".to_owned());
    let changed = pairs.into_iter().filter(|(_, before, now)| before != now);
    let changed: Vec<String> =
        changed.map(|(what, before, now)| format!("{what} {}, before {}", word(now), word(before))).collect();
    if changed.is_empty() { "the same limits as before".to_owned() } else { changed.join("; ") }
}

fn spelled(count: Option<u32>) -> Option<String> {
    count.map(|count| count.to_string())
}

fn to_keeper(limits: &Limits) -> keeper::Limits {
    let &Limits { memory_bytes, max_processes, cpu_millis } = limits;
    keeper::Limits { memory_bytes, cpu_millis, max_processes }
}

fn from_keeper(limits: &keeper::Limits) -> Limits {
    let &keeper::Limits { memory_bytes, cpu_millis, max_processes } = limits;
    Limits { memory_bytes, max_processes, cpu_millis }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_says_what_was_changed() {
        let limits =
            |memory_bytes, max_processes, cpu_millis| Limits { memory_bytes, max_processes, cpu_millis };
        let before = limits(Some(1 << 30), None, Some(500));
        assert_eq!(
            difference(&before, &limits(Some(512 << 20), Some(8), Some(500))),
            "memory 512MiB, before 1GiB; processes 8, before no limit"
        );
        assert_eq!(difference(&before, &before), "the same limits as before");
    }

    #[test]
    fn the_protocol_and_the_policy_have_the_same_bounds() {
        assert_eq!(control::message::MOST_MEMORY_BYTES, policy::limits::MOST_MEMORY_BYTES);
        assert_eq!(control::message::MOST_PROCESSES, policy::limits::MOST_PROCESSES);
        assert_eq!(control::message::MOST_CPU_MILLIS, policy::limits::MOST_CPU_MILLIS);
    }
}
