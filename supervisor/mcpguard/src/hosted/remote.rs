//! The daemon as whoever decides about the session's addresses: its maps are taught and asked over the link.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU64;
use std::sync::Arc;

use abi::{Learned, Spending};
use control::message::{Arrived, Code, Forget, Grant, Learn};
use control::{Answer, Request};
use enforce::bpf::ActiveMask;
use enforce::{Egress, LearnError};

use super::link::Asking;

/// The session's egress.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) page: Arc<ActiveMask>,
    pub(super) asking: Asking,
}

impl Egress for Remote {
    fn learn(&self, address: IpAddr, learned: &Learned) -> Result<(), LearnError> {
        let grants = grants(learned);
        let request = match grants.is_empty() {
            true => Request::Forget(Forget { address }),
            false => Request::Learn(Learn { address, grants }),
        };
        match self.asking.ask(request) {
            Some(Answer::Done) => Ok(()),
            Some(Answer::Refused(refusal)) if refusal.code == Code::Full => Err(LearnError::Full),
            _ => Err(LearnError::Daemon),
        }
    }

    /// It is asked for on the connection on which the policy is prepared: see [`super::next`].
    fn learn_next(&self, _: IpAddr, _: &Learned) -> Result<(), LearnError> {
        Err(LearnError::Daemon)
    }

    fn forget(&self, address: IpAddr) {
        // What could not be forgotten ends by itself.
        let _ = self.asking.ask(Request::Forget(Forget { address }));
    }

    fn arrived(&self, peer: SocketAddr) -> Option<SocketAddr> {
        match self.asking.ask(Request::Arrived(Arrived { peer }))? {
            Answer::Wanted(wanted) => wanted.address,
            _ => None,
        }
    }

    fn moment(&self) -> (u64, u64) {
        self.page.load()
    }

    fn follow(&self, active: u64, call: u64) {
        self.page.store(active, call);
    }

    fn grant(&self, what: Spending, class: u8, upto: u64) {
        self.page.grant(what, class, upto);
    }

    fn spent(&self, what: Spending, class: u8) -> u64 {
        self.page.spent(what, class)
    }
}

/// What is granted, as it is told.
pub(super) fn grants(learned: &Learned) -> Vec<Grant> {
    learned.grants.iter().filter_map(grant).collect()
}

fn grant(learning: &abi::Learning) -> Option<Grant> {
    let &abi::Learning { classes, until_ns, rule, checked } = learning;
    Some(Grant { classes: NonZeroU64::new(classes)?, until_ns, rule, checked: checked != 0 })
}
