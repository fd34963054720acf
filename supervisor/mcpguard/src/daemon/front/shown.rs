//! What the front counts, and where it is shown.

use std::future::Future;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use anyhow::Context;
use jiff::Timestamp;
use telemetry::{Metrics, MetricsAddress, MetricsListener, serve_metrics};
use tokio::task::JoinSet;

/// What is counted, and where it is shown beside the socket that the keeper passes.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// What is counted.
    pub(crate) metrics: Arc<Metrics>,
    /// A loopback address.
    pub(crate) address: Option<MetricsAddress>,
}

impl Default for Shown {
    fn default() -> Self {
        let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"), Timestamp::now()));
        Self { metrics, address: None }
    }
}

/// Serves metrics at what was passed and at the address, for as long as the future is there.
///
/// # Errors
/// The address is not this host's own, somebody else has it, or what was passed is no socket.
pub(super) fn serve(shown: &Shown, passed: Vec<OwnedFd>) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let Shown { metrics, address } = shown;
    let mut serving = JoinSet::new();
    for socket in passed {
        let listener = MetricsListener::unix(UnixListener::from(socket))?;
        serving.spawn(serve_metrics(listener, Arc::clone(metrics)));
    }
    if let Some(address) = address {
        let listener = MetricsListener::bind(address)
            .context("another address in `metrics.listen` of the daemon's configuration would do")?;
        serving.spawn(serve_metrics(listener, Arc::clone(metrics)));
    }
    Ok(async move {
        while serving.join_next().await.is_some() {}
        // Nothing is shown, which is no reason to end.
        std::future::pending().await
    })
}
