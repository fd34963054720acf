//! Which calls are at the server, so that what the kernel denies can be told together with the calls that caused it.

use super::Engine;

/// A call at the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallInFlight {
    /// The number of the call, as in [`crate::Fact::CallAdmitted`].
    pub seq: u64,
    /// The tool's name.
    pub tool: String,
}

impl Engine {
    /// The calls at the server, in the order of arrival. Those that wait for their turn cannot have caused anything.
    pub fn in_flight(&self) -> Vec<CallInFlight> {
        let call = |id| {
            let call = self.flight.get(&id)?.call.as_ref().filter(|call| call.waiting.is_none())?;
            Some(CallInFlight { seq: call.seq, tool: call.tool.clone() })
        };
        self.flight.open_calls().into_iter().filter_map(call).collect()
    }
}
