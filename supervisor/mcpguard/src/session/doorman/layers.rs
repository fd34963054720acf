//! What the layers below have to say meanwhile: the kernel, the way out, the system call filter.

use std::time::Instant;

use policy::plan::OnViolation;

use super::Doorman;
use crate::session::Layers;
use crate::session::ending::Ending;
use crate::session::kernel::Demand;

impl Doorman<'_> {
    /// Hears what the kernel denied, and does what the policy demands for it.
    pub(super) fn hear(&self) -> Result<(), Ending> {
        let Layers { kernel, outside, .. } = self.layers;
        let mut engine = self.engine.borrow_mut();
        let demand = kernel.hear(&mut engine);
        let demand = demand.or(outside.hear(Some(&mut engine), kernel));
        drop(engine);
        match demand {
            None => Ok(()),
            Some(Demand::End(what)) => Err(Ending::Violation(what)),
            Some(Demand::Freeze(why)) => self.freeze(&why),
        }
    }

    fn freeze(&self, why: &str) -> Result<(), Ending> {
        self.layers
            .kernel
            .freeze()
            .map_err(|error| Ending::Violation(format!("{why}; it could not be frozen: {error}")))?;
        tracing::warn!("the session is frozen: {why}");
        self.record_kernel(vec![self.layers.kernel.frozen(why)])
    }

    pub(super) fn record_kernel(&self, records: Vec<audit::Body>) -> Result<(), Ending> {
        let mut journal = self.journal.borrow_mut();
        let mut all = records.into_iter();
        all.try_for_each(|body| journal.body(body)).map_err(|error| Ending::AuditFailed(format!("{error:#}")))
    }

    /// The kernel's side: events, limits, and the proofs that the guard denies.
    pub(super) async fn watched(&self) -> Ending {
        loop {
            tokio::select! {
                () = self.layers.kernel.stir() => {}
                () = self.layers.outside.stir() => {}
            }
            if let Err(ending) = self.watch_once() {
                return ending;
            }
        }
    }

    fn watch_once(&self) -> Result<(), Ending> {
        self.hear()?;
        let now = Instant::now();
        self.record_kernel(self.layers.kernel.records(now, false))?;
        self.record_kernel(self.layers.outside.records(now, false))?;
        self.reached()?;
        self.layers.kernel.prove(now).or_else(|failed| {
            // Frozen first, so that nothing more happens while the session is brought to its end.
            let _ = self.layers.kernel.freeze();
            self.record_kernel(vec![self.layers.kernel.unproven(&failed)])?;
            Err(Ending::Violation(format!("the guard was not seen to deny what it must: {failed}")))
        })
    }

    /// Hosts that were reached, for the rules that look at them.
    fn reached(&self) -> Result<(), Ending> {
        let mut journal = self.journal.borrow_mut();
        let mut hosts = std::iter::from_fn(|| self.layers.outside.reached());
        let heard = hosts.try_for_each(|host| journal.reached(&host));
        heard.map_err(|error| Ending::AuditFailed(format!("{error:#}")))
    }

    /// Writes denied system calls down.
    pub(super) async fn denied(&self) -> Ending {
        loop {
            let batch = self.layers.denials.next().await;
            let in_flight = self.engine.borrow().in_flight();
            if let Err(error) = self.journal.borrow_mut().denied(batch, &in_flight) {
                return Ending::AuditFailed(format!("{error:#}"));
            }
            if self.on_syscall.get() == OnViolation::Kill {
                return Ending::Violation("a refused system call".to_owned());
            }
        }
    }
}
