//! The doors of a session: whatever server it asks, its names are looked up at its resolver; where hosts are named, its
//! connections come to its proxy; and each believes to talk to whom it wanted. Every way is gone without a guard first.
//!
//! ```text
//! hands in the session ──► hook ──► 127.0.0.1 or ::1, a door ──► stand-in of resolver or proxy
//!                            └────► the host itself (a port where nobody is named)
//! ```
//! The same steps run in virtual machines, with programs on the security hooks, and on any Linux as root (`init --doors`).

mod ends;
mod faces;
mod lookups;
mod product;
mod stage;
mod streams;
mod times;
mod world;

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::case::Case;
use crate::ground::Ground;
use crate::need::Need;
use stage::Stage;

pub(super) const CASES: &[Case] =
    &[Case::new("doors/lead_there_and_nowhere_else", in_a_machine).needs(&[Need::Hooks]).seconds(40)];

type Step = fn(&mut Stage) -> Result<()>;

/// In this order; each leaves what it found, and the last one closes.
const STEPS: &[(&str, Step)] = &[
    ("every way is open without a guard", faces::free),
    ("nothing is reached that nobody has learned", faces::unlearned),
    ("a learned host is reached through the proxy", streams::to_the_proxy),
    ("another port of it straight", streams::straight),
    ("an address alone is enough where the policy says so", streams::unchecked),
    ("connections that begin with their data", streams::with_data),
    ("a socket that connects once more", streams::again),
    ("the doors themselves are closed", streams::no_door_by_hand),
    ("a socket from elsewhere", streams::from_elsewhere),
    ("names are looked up at the resolver", lookups::datagrams),
    ("by one socket at two servers", lookups::two_servers),
    ("by a connected socket", lookups::connected),
    ("by a socket of the other family", lookups::of_the_other_family),
    ("by TCP", lookups::streams),
    ("QUIC is closed", lookups::quic),
    ("what is known ends", times::ends),
    ("by itself", times::ends_by_itself),
    ("what is open goes on", times::goes_on),
    ("a class that is not active sends nothing", times::classes),
    ("a range of a class", times::ranges),
    ("another session", ends::strangers),
    ("a session without doors", ends::without_doors),
    ("there is room for so many", ends::room),
    ("a session takes with it what it knew", ends::closes),
];

fn in_a_machine(ground: &Ground) -> Result<()> {
    let mut stage = Stage::set(ground.slow(Duration::from_secs(2)))?;
    ensure!(stage.layer.way().is_some(), "the programs stand on no security hook");
    stage.layer.pin()?;
    walk(&mut stage)?;
    let misses: Vec<_> =
        stage.layer.recursion_misses()?.into_iter().filter(|(_, count)| *count > 0).collect();
    ensure!(misses.is_empty(), "the kernel skipped programs: {misses:?}");
    product::walk(stage.ends(), ground.directory())
}

/// `init --doors`: with whatever programs this kernel takes.
pub(crate) fn alone() -> Result<()> {
    let mut stage = Stage::set(Duration::from_secs(2))?;
    walk(&mut stage)?;
    let directory = std::env::temp_dir().join(format!("doors-{}", std::process::id()));
    std::fs::create_dir_all(directory.join("workspace"))?;
    let told = product::walk(stage.ends(), &directory);
    std::fs::remove_dir_all(&directory)?;
    told?;
    println!("{} steps", STEPS.len());
    Ok(())
}

/// All steps; what went wrong is told together.
fn walk(stage: &mut Stage) -> Result<()> {
    let mut wrong = String::new();
    for (name, step) in STEPS {
        let done = step(stage).and_then(|()| stage.world.is_quiet());
        if let Err(error) = done {
            writeln!(wrong, "{name}: {error:#}")?;
            let _ = stage.world.is_quiet();
        }
    }
    ensure!(wrong.is_empty(), "{wrong}");
    Ok(())
}
