//! Another policy for the way out: its names are made known before it holds, nobody is answered while it comes into force,
//! and connections that it does not allow as they are end.

use std::io;
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use abi::Learned;
use enforce::LearnError;
use names::{Limits, Names};
use policy::plan::NetworkPlan;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::clock::now_ns;
use super::room::{Room, stamped};

/// Makes an address known under the policy that is prepared.
pub(crate) type Teach = Box<dyn Fn(IpAddr, &Learned) -> Result<(), LearnError> + Send>;

/// How long the way out may take to get ready; then nothing changes.
const PATIENCE: Duration = Duration::from_secs(15);

/// What the thread is asked for.
pub(super) struct Revision {
    plan: NetworkPlan,
    /// See [`abi::stamped`].
    stamp: u32,
    teach: Teach,
    prepared: Sender<Result<(), String>>,
    decided: Receiver<()>,
}

/// The way out stands still, with everything ready. A drop lets it go on as before.
#[derive(Debug)]
pub(crate) struct Ready(Sender<()>);

impl Ready {
    /// The new policy holds for it from now on.
    pub(crate) fn commit(self) {
        // A thread that is gone carries nothing any more.
        let _ = self.0.send(());
    }
}

/// Asks the thread to get ready, and waits until it is.
pub(super) fn ask(
    to: &UnboundedSender<Revision>,
    plan: NetworkPlan,
    stamp: u32,
    teach: Teach,
) -> Result<Ready, String> {
    let (prepared, answer) = channel();
    let (decide, decided) = channel();
    let gone = || "the session's resolver and proxy are not there any more".to_owned();
    to.send(Revision { plan, stamp, teach, prepared, decided }).map_err(|_| gone())?;
    answer.recv_timeout(PATIENCE).map_err(|_| gone())??;
    Ok(Ready(decide))
}

/// Follows what is asked, for ever.
pub(super) async fn follow(room: &Room, asked: &mut UnboundedReceiver<Revision>) -> io::Error {
    while let Some(revision) = asked.recv().await {
        carry_out(room, revision);
    }
    std::future::pending().await
}

/// Blocks this thread until it is decided, by a word or by the drop of [`Ready`]: what is asked and what arrives meanwhile
/// waits. It must not go on by itself, because the decision may come late (a daemon that was lost is asked what holds) and
/// the two sides would then judge by different policies.
fn carry_out(room: &Room, Revision { plan, stamp, teach, prepared, decided }: Revision) {
    let names = match teach_all(room, &plan, stamp, &teach) {
        Ok(names) => names,
        Err(error) => {
            let _ = prepared.send(Err(error.to_string()));
            return;
        }
    };
    let _ = prepared.send(Ok(()));
    if decided.recv().is_ok() {
        room.follow(plan, names, stamp);
    }
}

fn teach_all(room: &Room, plan: &NetworkPlan, stamp: u32, teach: &Teach) -> Result<Names, LearnError> {
    let (names, changes) = room.names.borrow().revised(plan, limits(plan), now_ns());
    for change in changes {
        if let Some(learned) = &change.learned {
            teach(change.address, &stamped(learned, stamp))?;
        }
    }
    Ok(names)
}

/// What a plan says of how much may be asked.
pub(super) fn limits(plan: &NetworkPlan) -> Limits {
    Limits {
        lookups_per_minute: plan.max_lookups_per_minute,
        names_per_minute: plan.max_names_per_minute,
        ..Limits::default()
    }
}
