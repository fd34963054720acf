//! The host's rules as they were read last. What cannot be read refuses every session, until it can.

use std::path::PathBuf;
use std::sync::Arc;

use control::message::{Code, Refusal};
use policy::{HostRules, Problems};

use super::refusal::{problems, refusal};
use crate::host_rules;
use crate::trust::Keepers;

/// The rules that new sessions are compiled under.
#[derive(Debug)]
pub(super) struct Rules(Result<Option<Arc<HostRules>>, Refusal>);

impl Rules {
    /// Reads them.
    pub(super) fn read(place: &(PathBuf, Keepers)) -> Self {
        let (directory, keepers) = place;
        Self(host_rules::read(directory, keepers).map(|rules| rules.map(Arc::new)).map_err(refused))
    }

    /// The rules that hold now, if the host has any.
    ///
    /// # Errors
    /// Nobody knows what holds: nothing is opened.
    pub(super) fn now(&self) -> Result<Option<Arc<HostRules>>, Refusal> {
        self.0.clone()
    }

    /// Their revision.
    pub(super) fn revision(&self) -> Option<&str> {
        self.0.as_ref().ok()?.as_ref().map(|rules| rules.revision())
    }
}

fn refused(error: anyhow::Error) -> Refusal {
    let sentence = "this host's rules are not in order, so that no session is opened";
    match error.downcast::<Problems>() {
        Ok(found) => Refusal { sentence: sentence.to_owned(), ..problems(Code::HostRules, &found) },
        Err(error) => refusal(Code::HostRules, format!("{sentence}: {error:#}")),
    }
}
