//! The names of a session under another policy.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::rr::RecordType;
use policy::plan::NetworkPlan;

use super::Names;
use crate::addresses::Change;
use crate::pending::Pending;
use crate::{Limits, Settings};

impl Names {
    /// The names under another plan: what they stand for goes on standing for it where a rule of the new plan names it, in
    /// the classes and the way of that rule. The changes are everything that is known under the new plan. What an upstream
    /// is being asked is forgotten, and so are answers that could be given again.
    #[must_use]
    pub fn revised(&self, plan: &NetworkPlan, limits: Limits, now_ns: u64) -> (Self, Vec<Change>) {
        let settings = Settings { limits, ..self.settings.clone() };
        let mut new = Self::new(plan, settings);
        (new.lookups, new.new_names) = (self.lookups, self.new_names);
        new.pending = Pending::after(&self.pending);
        let mut changes = new.preset(now_ns);
        for (name, known_until, addresses) in self.cache.known() {
            changes.extend(new.take_over(name, known_until, &addresses, now_ns));
        }
        // The last change of an address holds all that was learned of it.
        let last: BTreeMap<IpAddr, Change> =
            changes.into_iter().map(|change| (change.address, change)).collect();
        (new, last.into_values().collect())
    }

    /// In every class, as with [`Self::preset`].
    fn take_over(
        &mut self,
        name: &Arc<str>,
        known_until: u64,
        addresses: &[(IpAddr, u64)],
        now_ns: u64,
    ) -> Vec<Change> {
        let Ok(permit) = self.rules.permit(name, RecordType::A, u64::MAX) else { return Vec::new() };
        if known_until > now_ns && self.cache.has_room(name) {
            self.cache.note(name, known_until);
        }
        let alive = addresses.iter().filter(|(_, until)| *until > now_ns);
        // What does not fit is asked for again.
        let learned = alive.map(|(address, until)| {
            self.learn_all(name, &[*address], &permit.grants, *until, now_ns).unwrap_or_default()
        });
        learned.collect::<Vec<_>>().concat()
    }
}
