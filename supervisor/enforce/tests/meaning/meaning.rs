//! What is meant: by the policy, slowly and plainly, and by its plan for any set of classes.

use std::net::IpAddr;

use policy::plan::{ClassId, ClassMask, DomainRule, NetworkPlan};
use policy::{Context, Plan, Policy, Request, permits};

/// A name for each domain that a random policy may allow.
const NAMES: [&str; 5] = ["example.com", "b.example.com", "a.example.com", "b.a.example.com", "other.org"];

/// What the plan says of any set of classes, also one that no calls lead to.
pub(crate) fn by_plan(plan: &Plan, request: &Request, classes: u64) -> Option<bool> {
    let all = (0..64).filter(|bit| classes >> bit & 1 == 1).filter_map(ClassId::new);
    let mask = all.fold(ClassMask::NONE, |mask, class| mask.union(ClassMask::only(class)));
    match request {
        Request::Read(_) | Request::Write(_) | Request::Execute(_) => Some(plan.allows(request, mask)),
        Request::ConnectAddress(address, port) => {
            let NetworkPlan { domains, cidrs, ports, .. } = &plan.network;
            let in_range = cidrs.iter().any(|rule| rule.contains(*address) && rule.classes.intersects(mask));
            let named = domains.iter().any(|rule| rule.classes.intersects(mask));
            Some((in_range || named) && is_open(ports, domains, *port))
        }
        Request::Connect(..) => None,
    }
}

/// Where there are domains, their names can be looked up.
fn is_open(ports: &[u16], domains: &[DomainRule], port: u16) -> bool {
    ports.contains(&port) || (!domains.is_empty() && port == 53)
}

/// What a policy means, and what coverage says to hold in its place.
pub(crate) struct Meaning<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) plan: &'a Plan,
    pub(crate) context: Context<'a>,
}

impl Meaning<'_> {
    /// `None`: the kernel is not asked by name.
    pub(crate) fn of(&self, request: &Request, in_flight: &[&str]) -> Option<bool> {
        match request {
            Request::ConnectAddress(address, port) => Some(self.floor(request, *address, *port, in_flight)),
            Request::Connect(..) => None,
            files => Some(self.permits(files, in_flight)),
        }
    }

    fn permits(&self, request: &Request, in_flight: &[&str]) -> bool {
        permits(self.policy, &self.context, request, in_flight).expect("it compiled")
    }

    /// Until domains are resolved: while one of them may be reached, any host may be, and port 53 is open where there
    /// are domains at all.
    fn floor(&self, request: &Request, address: IpAddr, port: u16, in_flight: &[&str]) -> bool {
        let NetworkPlan { domains, ports, .. } = &self.plan.network;
        let on_any_port = |request: &dyn Fn(u16) -> Request| {
            ports.iter().any(|port| self.permits(&request(*port), in_flight))
        };
        let in_range = on_any_port(&|port| Request::ConnectAddress(address, port));
        let named = NAMES.iter().any(|name| on_any_port(&|port| Request::Connect((*name).to_owned(), port)));
        let floor = (in_range || named) && is_open(ports, domains, port);
        assert!(floor || !self.permits(request, in_flight), "the floor is never narrower than the policy");
        floor
    }
}
