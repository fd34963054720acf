//! What the keeper says: answers go to whoever waits for them, notices to clients, followers and the log.

use anyhow::bail;
use control::Event;
use control::message::{Actor, Because};
use enforce::keeper::{Key, Notice};
use tokio::task::yield_now;

use super::hub::Hub;
use super::link::Link;
use super::log::Fact;
use super::words;
use crate::daemon::wire::Told;

/// Hears the keeper until it has gone.
///
/// # Errors
/// It has gone, or says what is not understood.
pub(super) async fn hear(hub: &Hub, link: &mut Link) -> anyhow::Result<()> {
    loop {
        match link.next(&hub.keeper).await? {
            (Told::Ready(_), _) => bail!("the keeper begins a second time"),
            (Told::Answer(connection, answer), descriptors) => {
                hub.keeper.answered(connection, (answer, descriptors))?;
            }
            (Told::Notice(number, notice), _) => noticed(hub, number, notice),
        }
        // Clients read what they are told of one read before there is the next one.
        if !link.has_more() {
            yield_now().await;
        }
    }
}

/// Each notice is given to the log once, so that what the log has written is what the keeper may forget.
fn noticed(hub: &Hub, number: u64, notice: Notice) {
    let is_known = hub.sessions.borrow().get(key(&notice)).is_some();
    match notice {
        Notice::Event(key, event) if is_known => denied(hub, number, key, &event),
        Notice::Event(key, event) => {
            hub.record(Some(number), &Fact::DeniedElsewhere(words::id(key), &event));
        }
        Notice::Gone(key) if is_known => {
            let why = "its supervisor has ended, and with it every process of the session".to_owned();
            hub.ended(key, Because { who: Actor::Daemon, why }, Some(number));
        }
        Notice::Unproven(key, why) if is_known => {
            if let Some(session) = hub.sessions.borrow().get(key) {
                hub.record(None, &Fact::Unproven(session.about(), &why));
            }
            let why = format!("the guard was not seen to deny what it must: {why}");
            hub.ended(key, Because { who: Actor::Daemon, why }, Some(number));
        }
        Notice::Proven(key) if is_known => {
            if let Some(session) = hub.sessions.borrow().get(key) {
                hub.record(Some(number), &Fact::Proven(session.about()));
            }
        }
        Notice::Gone(key) | Notice::Unproven(key, _) | Notice::Proven(key) => {
            hub.record(Some(number), &Fact::Stray(words::id(key)));
        }
    }
}

fn key(notice: &Notice) -> Key {
    match notice {
        Notice::Event(key, _) | Notice::Gone(key) | Notice::Unproven(key, _) | Notice::Proven(key) => *key,
    }
}

fn denied(hub: &Hub, number: u64, key: Key, event: &enforce::KernelEvent) {
    let mut sessions = hub.sessions.borrow_mut();
    let Some(session) = sessions.get_mut(key) else { return };
    hub.record(Some(number), &Fact::Denied(session.about(), event));
    let event = words::event(event);
    hub.publish(session, &Event::Denied(Box::new(event.clone())));
    session.denied(event, &hub.settings.limits);
}
