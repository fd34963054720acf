//! What the front does by itself: it says that it lives, has the log written, and looks at what sessions use.

use std::time::{Duration, Instant};

use control::Event;
use enforce::keeper::{Key, Usage};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::hub::Hub;
use super::log::Fact;
use super::sessions::Session;
use super::words;
use crate::daemon::wire::{Answer, Ask, Connection};

/// How long facts are gathered until they are written together.
const GATHER: Duration = Duration::from_millis(10);

/// The front itself, where it asks for no client.
const NOBODY: Connection = Connection(0);

/// Does so for ever.
pub(super) async fn beat(hub: &Hub) {
    tokio::join!(live(hub), write(hub), look(hub));
}

async fn live(hub: &Hub) {
    let mut ticks = interval(hub.settings.deadlines.alive);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        hub.keeper.say(&Ask::Alive);
        // What could not be written is tried again.
        hub.flush_log();
    }
}

async fn write(hub: &Hub) {
    loop {
        hub.noted.notified().await;
        sleep(GATHER).await;
        hub.flush_log();
        // The keeper waits for it, and with it whoever ends.
        while hub.is_writing() {
            sleep(GATHER).await;
            hub.flush_log();
        }
    }
}

async fn look(hub: &Hub) {
    let mut ticks = interval(hub.settings.deadlines.usage);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let nobody = hub.sessions.borrow().len() == 0;
        if !nobody {
            usage(hub, NOBODY).await;
        }
        hub.look();
    }
}

/// Asks what every session uses, and tells what is new.
pub(super) async fn usage(hub: &Hub, connection: Connection) {
    let asked = hub.keeper.ask(connection, &Ask::Usage(connection), None).await;
    let Ok((Answer::Usage(all), _)) = asked else { return };
    for (key, usage) in all {
        used(hub, key, usage);
    }
}

fn used(hub: &Hub, key: Key, usage: Usage) {
    let mut sessions = hub.sessions.borrow_mut();
    let Some(session) = sessions.get_mut(key) else { return };
    let before = std::mem::replace(&mut session.usage, usage);
    if let Some(cpu_us) = session.usage.cpu_us {
        session.pace.seen(Instant::now(), cpu_us);
    }
    let is_first = std::mem::take(&mut session.outlived);
    for (kind, count) in session.usage.dropped.iter().filter(|_| !is_first) {
        let known = before.dropped.get(kind).copied().unwrap_or(0);
        if let Some(new) = count.checked_sub(known).filter(|new| *new > 0) {
            session.events.lose(words::kind(*kind), new);
        }
    }
    if session.line.is_some()
        && let Some(lost) = session.events.take_lost()
    {
        session.tell(Event::Dropped(lost.clone()));
        hub.lost(session, lost);
    }
    if before.limits != session.usage.limits {
        limits(hub, session);
    }
}

fn limits(hub: &Hub, session: &mut Session) {
    let resources = words::resources(&session.usage.limits);
    if resources == session.resources {
        return;
    }
    session.resources = resources;
    hub.record(None, &Fact::Resources(session.about(), resources));
    hub.publish(session, &Event::Resources(resources));
    session.tell(Event::Resources(resources));
}
