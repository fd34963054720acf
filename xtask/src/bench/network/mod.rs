//! The section "network": what a guarded process pays for names, connections and bytes, in a network namespace of its own.
//!
//! ```text
//! near: one process a round and subject,      ──► resolver, proxy ──►  far: a name server, and a host that speaks TLS
//!       bare, by eBPF, by user notification,                           as far as a proxy looks at it
//!       by the sandbox runtime
//! ```
//! Both sides are this program again ([`Hands`]); all subjects of a round run one after the other, in changing order.

mod far;
mod hello;
mod near;
mod orders;
mod subject;
mod world;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use self::near::Found;
use self::subject::Side;
use self::world::World;
use super::measure::kilobytes;
use super::report::Table;
use super::rig::Rig;
use crate::checkout::Checkout;

/// Options of the hidden task that is either side.
#[derive(clap::Args)]
pub(crate) struct Hands {
    #[command(subcommand)]
    side: Which,
}

#[derive(clap::Subcommand)]
enum Which {
    /// The name server and the host.
    Far,
    /// Who looks up, connects and transfers.
    Near(near::Work),
}

/// Becomes one of the sides.
pub(crate) fn become_side(hands: &Hands) -> Result<()> {
    match &hands.side {
        Which::Far => far::serve(),
        Which::Near(work) => near::work(work),
    }
}

/// Everything of this section.
pub(super) struct Network {
    pub(super) tables: Vec<Table>,
    /// The supervisor without and with a network, KiB resident and proportional.
    pub(super) memory: Vec<(&'static str, u64, u64)>,
}

/// Measures; nothing if this is not root.
pub(super) fn measure(checkout: &Checkout, rig: &Rig, rounds: usize) -> Result<Option<Network>> {
    if fs::metadata("/proc/self").context("there is no /proc")?.uid() != 0 {
        eprintln!("bench: namespaces and programs on control groups are root's: the network is not measured");
        return Ok(None);
    }
    let world = World::raise(checkout, rig)?;
    let sides: Vec<Side> = Side::ALL.into_iter().filter(|side| is_there(&world, *side)).collect();
    let names: Vec<&'static str> = sides.iter().map(|side| side.name()).collect();
    let mut tables: Vec<Table> = near::FIGURES.iter().map(|figure| Table::of(figure, &names)).collect();
    for round in 0..rounds {
        for turn in 0..sides.len() {
            let index = (round + turn) % sides.len();
            // The slow peer needs fewer rounds to be seen to be slow.
            if sides[index] == Side::Srt && round % 5 != 1 {
                continue;
            }
            match run(&world, sides[index]) {
                // The first round warms caches.
                Ok(found) if round > 0 => found.add_to(&mut tables, index),
                Ok(_) => {}
                Err(error) if sides[index] == Side::Srt => eprintln!("bench: {error:#}"),
                Err(error) => return Err(error),
            }
        }
    }
    tables.retain(|table| !table.is_empty());
    Ok(Some(Network { tables, memory: memory(&world)? }))
}

/// A peer that does not run here is left out, and why is told.
fn is_there(world: &World, side: Side) -> bool {
    match run(world, side) {
        Ok(_) => true,
        Err(error) => {
            eprintln!("bench: {} does not run here: {error:#}", side.name());
            false
        }
    }
}

/// One process of a side, from its start to its end, and what it has found.
fn run(world: &World, side: Side) -> Result<Found> {
    let result = world.result(side);
    let _ = fs::remove_file(&result);
    let mut child = world.spawn(side, world.near())?;
    // The pipe stays open: a session ends with its client.
    let _open = child.stdin.take();
    let status = child.wait()?;
    if side == Side::Srt && !world.said(side).is_empty() {
        eprintln!("bench: srt says: {}", world.said(side));
    }
    let Ok(text) = fs::read_to_string(&result) else {
        bail!("{}: it ended with {status} and told nothing: {}", side.name(), world.said(side));
    };
    Found::read(&text)
}

/// The supervisor of a session that does nothing, without a network and with one that was used once.
fn memory(world: &World) -> Result<Vec<(&'static str, u64, u64)>> {
    let mut told = Vec::new();
    for (name, side) in [
        ("no network, eBPF", Side::EbpfWithout),
        ("domains, eBPF", Side::Ebpf),
        ("no network, no root", Side::GateWithout),
        ("domains, user notification", Side::Gate),
    ] {
        let mut child = world.spawn(side, world.idle(side))?;
        let open = child.stdin.take();
        std::thread::sleep(Duration::from_secs(2));
        let kib = |file, field| kilobytes(child.id(), file, field);
        told.push((name, kib("status", "VmRSS:")?, kib("smaps_rollup", "Pss:")?));
        drop(open);
        child.wait()?;
    }
    Ok(told)
}
