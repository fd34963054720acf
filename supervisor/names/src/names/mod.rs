//! One session's names.

mod answered;
mod ask;
mod look_up;
mod revise;

use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::rr::RecordType;
use policy::plan::{ClassMask, NetworkPlan, RuleId};

pub use answered::Answered;
pub use ask::Asked;

use crate::addresses::{Addresses, Change};
use crate::cache::Cache;
use crate::deadlines::NEVER;
use crate::hosts::{Hosts, Search, plain};
use crate::pending::Pending;
use crate::rate::Bucket;
use crate::reach::Reach;
use crate::rules::{Grant, Rules};
use crate::{Facts, Limit, Limits, Settings, Why};

/// The names of one session: which may be looked up, what they stand for, and what was refused.
///
/// Every instant is `CLOCK_BOOTTIME` in nanoseconds and never before that of an earlier call.
#[derive(Debug)]
pub struct Names {
    rules: Rules,
    reach: Reach,
    hosts: Hosts,
    search: Search,
    limits: Limits,
    /// What it was made with.
    settings: Settings,
    lookups: Bucket,
    new_names: Bucket,
    cache: Cache,
    addresses: Addresses,
    pending: Pending,
    facts: Facts,
}

/// Why a host that somebody names must not be spoken to at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unspeakable {
    /// No rule names it.
    #[error("no rule names this host")]
    Unnamed,
    /// Rules name it, but not now.
    #[error("no call of a tool that may reach this host is in flight")]
    Inactive {
        /// The first of the rules.
        rule: RuleId,
    },
    /// The address was not learned for this very name, or that has ended.
    #[error("this host was not looked up at this address")]
    NotLearned {
        /// The first rule that names the host.
        rule: RuleId,
    },
}

impl Names {
    /// The names of a session that is ruled by this plan.
    pub fn new(plan: &NetworkPlan, settings: Settings) -> Self {
        let Settings { hosts, search, limits } = settings.clone();
        let rules = Rules::new(&plan.domains, plan.any_name);
        Self {
            hosts: Hosts::new(hosts, &rules),
            search: Search::new(&search),
            reach: Reach::new(&plan.cidrs),
            cache: Cache::new(limits.names),
            addresses: Addresses::new(limits.addresses),
            pending: Pending::default(),
            lookups: Bucket::default(),
            new_names: Bucket::default(),
            facts: Facts::default(),
            rules,
            limits,
            settings,
        }
    }

    /// The addresses of allowed names in the hosts file, which never end. Without this call they are made known when
    /// they are asked for.
    pub fn preset(&mut self, now_ns: u64) -> Vec<Change> {
        let mut names: Vec<String> = self.hosts.names().map(str::to_owned).collect();
        names.sort();
        names.iter().flat_map(|name| self.preset_name(name, now_ns)).collect()
    }

    /// In every class: what a tool may reach is known before its call, and open only while it is in flight.
    fn preset_name(&mut self, name: &str, now_ns: u64) -> Vec<Change> {
        let Ok(permit) = self.rules.permit(name, RecordType::A, u64::MAX) else { return Vec::new() };
        let addresses = self.hosts.addresses(name).unwrap_or_default().to_vec();
        let learned = self.learn_all(&Arc::from(name), &addresses, &permit.grants, NEVER, now_ns);
        let noted = learned.map_err(|limit| self.facts.add(name, limit.into(), ClassMask::ALWAYS.bits()));
        noted.unwrap_or_default()
    }

    /// What has changed by the time that has passed. To be called at [`Self::next_expiry`]; later is no hole, because each
    /// grant carries its end, but places stay taken until then.
    pub fn expire(&mut self, now_ns: u64) -> Vec<Change> {
        self.cache.expire(now_ns);
        self.addresses.expire(now_ns)
    }

    /// When something ends next. Changes with every call that takes the names mutably.
    pub fn next_expiry(&self) -> Option<u64> {
        self.cache.next().into_iter().chain(self.addresses.next()).min()
    }

    /// Whether a host may be spoken to at an address: it is allowed, a class of it is active, and the address was learned
    /// for this very name. `now_ns` is the instant at which the connection was let through.
    ///
    /// # Errors
    /// See [`Unspeakable`].
    pub fn may_speak(
        &self,
        name: &str,
        address: IpAddr,
        active: u64,
        now_ns: u64,
    ) -> Result<RuleId, Unspeakable> {
        let name = plain(name);
        let permit = self.rules.permit(&name, RecordType::A, active).map_err(|why| match why {
            Why::Inactive { rule } => Unspeakable::Inactive { rule },
            _ => Unspeakable::Unnamed,
        })?;
        let until = self.cache.until(&name, address.to_canonical());
        match until.is_some_and(|until| until > now_ns) {
            true => Ok(permit.rule),
            false => Err(Unspeakable::NotLearned { rule: permit.rule }),
        }
    }

    /// A change could not be made: nothing is known about its address, and no answer with it is given from the cache.
    pub fn unlearn(&mut self, address: IpAddr) {
        let address = address.to_canonical();
        self.addresses.forget(address);
        self.cache.forget(address);
    }

    /// What was refused since this was asked last; to be written down.
    pub fn facts(&mut self) -> Facts {
        std::mem::take(&mut self.facts)
    }

    /// Makes a name stand for those of the addresses that it may stand for: all of these, or none.
    fn learn_all(
        &mut self,
        name: &Arc<str>,
        addresses: &[IpAddr],
        grants: &[Grant],
        until_ns: u64,
        now_ns: u64,
    ) -> Result<Vec<Change>, Limit> {
        let mut addresses = addresses.to_vec();
        addresses.retain(|address| self.is_reachable(*address, grants));
        addresses.sort();
        addresses.dedup();
        if !self.addresses.has_room(&addresses) {
            return Err(Limit::Addresses);
        }
        if !self.cache.has_room(name) {
            return Err(Limit::Names);
        }
        let learn = |address| {
            if grants.is_empty() {
                return None;
            }
            self.cache.hold(name, address, until_ns);
            let grants = within(grants, self.reach.classes(address));
            self.addresses.learn(address, grants, until_ns, now_ns)
        };
        Ok(addresses.into_iter().filter_map(learn).collect())
    }

    /// Whether a name with these grants may stand for an address.
    fn is_reachable(&self, address: IpAddr, grants: &[Grant]) -> bool {
        // A name that nothing is granted to is looked up because the addresses are open by themselves.
        match grants.is_empty() {
            true => self.reach.is_in_range(address),
            false => within(grants, self.reach.classes(address)).next().is_some(),
        }
    }
}

/// The grants as far as they lie in these classes.
fn within(grants: &[Grant], classes: u64) -> impl Iterator<Item = Grant> + Clone {
    let cut = grants.iter().map(move |grant| Grant { classes: grant.classes & classes, ..*grant });
    cut.filter(|grant| grant.classes != 0)
}

#[cfg(test)]
mod tests {
    use policy::plan::{DomainRule, Records, Verify};

    use super::*;
    use crate::SECOND;

    /// A session may move to another thread of the supervisor.
    const _: fn() = || {
        fn sendable<T: Send>() {}
        sendable::<Names>();
    };

    #[test]
    fn ten_thousand_names_leave_no_trace_in_any_table() {
        let rule = DomainRule {
            name: "wild.test".to_owned(),
            subdomains_only: true,
            classes: ClassMask::ALWAYS,
            verify: Verify::Name,
            records: Records::default(),
            from: RuleId(0),
        };
        let plan = NetworkPlan { domains: vec![rule], ..NetworkPlan::default() };
        let mut names = Names::new(&plan, Settings::default());
        let grants = names.rules.permit("a.wild.test", RecordType::A, 1).expect("allowed").grants;
        for number in 0..10_000_u32 {
            let [_, _, a, b] = number.to_be_bytes();
            let addresses = [IpAddr::from([8, 8, a, b]), IpAddr::from([9, 9, 9, 9])];
            let name = Arc::from(format!("n{number}.wild.test"));
            let until = (60 + u64::from(number) % 600) * SECOND;
            names.learn_all(&name, &addresses, &grants, until, 0).expect("there is room");
        }
        assert_eq!((names.cache.sizes(), names.addresses.sizes()), ((10_000, 10_000), (10_001, 10_001)));
        names.expire(359 * SECOND);
        assert_eq!(names.cache.sizes(), (names.addresses.sizes().0 - 1, names.addresses.sizes().1 - 1));
        names.expire(659 * SECOND);
        assert_eq!((names.cache.sizes(), names.addresses.sizes()), ((0, 0), (0, 0)));
    }
}
