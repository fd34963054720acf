//! What is meant: by the policy, slowly and plainly, and by its plan for any set of classes.

use policy::plan::{ClassId, ClassMask, NetworkPlan};
use policy::{Context, Plan, Policy, Request, permits};

/// What the plan says of any set of classes, also one that no calls lead to.
pub(crate) fn by_plan(plan: &Plan, request: &Request, classes: u64) -> Option<bool> {
    let all = (0..64).filter(|bit| classes >> bit & 1 == 1).filter_map(ClassId::new);
    let mask = all.fold(ClassMask::NONE, |mask, class| mask.union(ClassMask::only(class)));
    match request {
        Request::Read(_) | Request::Write(_) | Request::Execute(_) => Some(plan.allows(request, mask)),
        Request::ConnectAddress(address, port) => {
            let NetworkPlan { cidrs, ports, .. } = &plan.network;
            let in_range = cidrs.iter().any(|rule| rule.contains(*address) && rule.classes.intersects(mask));
            Some((in_range && ports.contains(port)) || leads_to_the_resolver(&plan.network, *port))
        }
        Request::Connect(..) => None,
    }
}

/// Where names are wanted, they are looked up at the session's own resolver, whichever server is asked.
fn leads_to_the_resolver(network: &NetworkPlan, port: u16) -> bool {
    network.resolves() && port == 53
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
            Request::ConnectAddress(_, port) => Some(self.by_address(request, *port, in_flight)),
            Request::Connect(..) => None,
            files => Some(self.permits(files, in_flight)),
        }
    }

    fn permits(&self, request: &Request, in_flight: &[&str]) -> bool {
        permits(self.policy, &self.context, request, in_flight).expect("it compiled")
    }

    /// No name stands for an address here: what a domain opens is learned while a session runs.
    fn by_address(&self, request: &Request, port: u16, in_flight: &[&str]) -> bool {
        self.permits(request, in_flight) || leads_to_the_resolver(&self.plan.network, port)
    }
}
