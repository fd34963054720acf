//! Whether a session's addresses are decided here, and by which tables.

use std::path::PathBuf;
use std::sync::Arc;

use policy::{Plan, Support};

use super::session::Session;
use super::tables::Tables;
use super::unix::UnixSockets;
use crate::egress::{Doors, Egress};
use crate::encode::{self, EncodeError, Implied, LookUpError};
use crate::seccomp::Addresses;

/// Why the gate cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The network cannot be said in tables.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A unix socket lies behind a link that the server could have planted.
    #[error(transparent)]
    LookUp(#[from] LookUpError),
}

/// Who decides about the addresses of a plan on a host: the gate, if the plan opens the network or unix sockets at all,
/// the kernel lets the supervisor carry calls out, and no eBPF program does it better.
pub(crate) fn who_decides(plan: &Plan, support: &Support) -> Addresses {
    let wanted = plan.network.wants_ip() || !plan.network.unix_sockets.is_empty();
    let possible = support.seccomp_filter && support.seccomp_notify && support.seccomp_gate;
    match wanted && possible && !support.ebpf.network {
        true => Addresses::Gate,
        false => Addresses::Kernel,
    }
}

/// All that the gate needs to know before there is a server.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(super) session: Arc<Session>,
    pub(super) unix: UnixSockets,
}

impl Prepared {
    /// Asks the file system where the unix sockets of the plan really are.
    pub(crate) fn of(plan: &Plan, doors: Option<Doors>) -> Result<Self, GateError> {
        let session = Arc::new(Session::new(Tables::of(plan)?, doors));
        Ok(Self { session, unix: UnixSockets::new(granted(plan)?) })
    }

    /// A session that may go nowhere.
    pub(crate) fn closed() -> Self {
        let session = Arc::new(Session::new(Tables::default(), None));
        Self { session, unix: UnixSockets::new(Vec::new()) }
    }

    /// What the resolver, the proxy and the doorman share with the gate.
    pub(crate) fn egress(&self) -> Arc<dyn Egress> {
        Arc::<Session>::clone(&self.session)
    }
}

fn granted(plan: &Plan) -> Result<Vec<PathBuf>, LookUpError> {
    let rules = &plan.network.unix_sockets;
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let real = encode::look_up(plan, &Implied::default())?;
    Ok(rules.iter().map(|rule| real.of(&rule.path).as_path().to_owned()).collect())
}
