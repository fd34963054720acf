//! Another policy for the session that runs: see [`Layer::prepare`](crate::bpf::Layer::prepare).

use std::net::SocketAddr;

use nix::unistd::Pid;
use policy::Plan;

use super::prepare::{bait_entry, unreachable};
use super::{EncloseError, Enclosure, EnclosureError};
use crate::bpf::Terms;
use crate::encode::{self, Implied, Tables};

/// A plan as the programs look it up.
#[derive(Debug)]
pub struct Revised {
    tables: Tables,
    unreachable: SocketAddr,
}

impl Revised {
    /// Looks the plan's paths up. `revision` counts the session's policies, from 0: see [`abi::stamped`].
    ///
    /// # Errors
    /// The plan has more than the tables can say, or a grant leads to where the server could have planted it.
    pub fn of(plan: &Plan, implied: &Implied, revision: u32) -> Result<Self, EncloseError> {
        let real = encode::look_up(plan, implied)?;
        let mut tables = encode::encode(plan, implied, &real)?;
        tables.stamp(revision);
        Ok(Self { tables, unreachable: unreachable(plan) })
    }
}

impl Enclosure {
    /// Writes down what the session may do next; nothing is decided by it before [`Self::commit`].
    ///
    /// # Errors
    /// No programs watch here, or it cannot be written down. Nothing has changed then.
    pub fn prepare(&mut self, revised: &Revised, server: Pid) -> Result<(), EnclosureError> {
        let watch = self.watch.as_mut().ok_or(EnclosureError::Unwatched)?;
        let session = watch.session.as_ref().ok_or(EnclosureError::Unwatched)?;
        let mut tables = revised.tables.clone();
        // Where there are no hooks the bait is no file.
        let place = self.place.as_ref().filter(|_| watch.bait.file.is_some());
        tables.objects.extend(place.and_then(bait_entry));
        watch.layer.prepare(session, &Terms { tables: &tables, server: Some(server), identity: None })?;
        Ok(())
    }

    /// Puts it in force, by one store.
    ///
    /// # Errors
    /// No programs watch here, or the store failed: the old policy holds.
    pub fn commit(&mut self, revised: &Revised) -> Result<(), EnclosureError> {
        let watch = self.watch.as_mut().ok_or(EnclosureError::Unwatched)?;
        let session = watch.session.as_ref().ok_or(EnclosureError::Unwatched)?;
        watch.layer.commit(session)?;
        watch.bait.address = Some(revised.unreachable);
        Ok(())
    }

    /// Forgets what was prepared.
    pub fn abandon(&mut self) {
        if let Some(watch) = &mut self.watch
            && let Some(session) = &watch.session
        {
            // What stays written down holds for nobody, and goes with the session.
            let _ = watch.layer.abandon_prepared(session);
        }
    }
}
