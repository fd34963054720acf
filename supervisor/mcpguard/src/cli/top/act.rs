//! Kill, freeze and thaw, as the commands of these names do it.

use super::super::{freeze, kill, told};
use super::model::{Notice, Target};
use crate::sessions::{Found, found};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Kill,
    Freeze,
    Thaw,
}

impl Deed {
    /// What is said while it is done.
    pub(super) fn doing(self) -> &'static str {
        match self {
            Self::Kill => "killing",
            Self::Freeze => "freezing",
            Self::Thaw => "thawing",
        }
    }

    fn on(self, session: &Found) -> (&'static str, Result<(), String>) {
        let stand = |deed: freeze::Deed| (deed.word(), deed.on(session));
        match self {
            Self::Kill => ("ended", outcome(kill::end(std::slice::from_ref(session)))),
            Self::Freeze => stand(freeze::Deed::Freeze),
            Self::Thaw => stand(freeze::Deed::Thaw),
        }
    }
}

/// The one outcome of the one session.
fn outcome(mut outcomes: Vec<Result<(), String>>) -> Result<(), String> {
    outcomes.pop().unwrap_or_else(|| Err("nothing was done".to_owned()))
}

/// Does it, and says what came of it. The session is looked up anew: its number may be another process's by now.
pub(super) fn act(deed: Deed, target: &Target) -> Notice {
    let sessions = match found() {
        Ok(sessions) => sessions,
        Err(error) => return Notice { text: format!("{error:#}"), is_failure: true },
    };
    let is_it =
        |session: &&Found| session.card.supervisor == target.key.0 && session.card.session == target.name;
    let Some(session) = sessions.iter().find(is_it) else {
        return Notice { text: format!("{} has ended already", target.shown()), is_failure: true };
    };
    let (done, outcome) = deed.on(session);
    Notice { text: told::line(done, session, &outcome), is_failure: outcome.is_err() }
}
