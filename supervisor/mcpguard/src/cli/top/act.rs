//! Kill, freeze and thaw, as the commands of these names do it.

pub(super) use super::super::deed::Deed;
use super::super::told;
use super::model::{Notice, Target};
use crate::sessions::{Daemon, Running, look};

/// Does it, and says what came of it. The session is looked up anew: its number may be another process's by now.
pub(super) fn act(deed: Deed, target: &Target, daemon: &Daemon) -> Notice {
    let (sessions, host) = match look(Some(daemon)) {
        Ok(found) => found,
        Err(error) => return Notice { text: format!("{error:#}"), is_failure: true },
    };
    let is_it = |session: &Running| session.key == target.key.0 && session.session == target.name;
    let session: Vec<Running> = sessions.into_iter().filter(is_it).collect();
    let outcome = deed.on(&session, host.ok().flatten(), None).pop();
    match session.first().zip(outcome) {
        None => Notice { text: format!("{} has ended already", target.shown()), is_failure: true },
        Some((session, outcome)) => {
            Notice { text: told::line(deed.word(), session, &outcome), is_failure: outcome.is_err() }
        }
    }
}
