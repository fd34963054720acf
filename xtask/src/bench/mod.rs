//! `cargo xtask bench`: whole processes, in pairs and interleaved, as ratios.
//!
//! Every subject runs the same command in the same environment, one after the other in each round, so that a slow
//! moment of the machine hits all of them. What is told is the median, the spread, and the median of the
//! differences to the bare run of the same round.
//!
//! ```text
//! rig (directories, policies, wrappers) ─► starts, round_trips, payloads, memory, send, network ─► report
//! ```

mod line_client;
mod measure;
mod network;
mod report;
mod rig;
mod send;
mod stats;

use anyhow::Result;

use crate::checkout::Checkout;
use crate::setup;

use report::Report;
use rig::Rig;

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Print JSON on stdout; the table goes to stderr
    #[arg(long)]
    json: bool,
    /// A tenth of the rounds, to see that everything runs; such figures are for nobody's eyes
    #[arg(long)]
    quick: bool,
    /// An `mcpguard` that is already built, instead of building this checkout's release
    #[arg(long, value_name = "FILE")]
    binary: Option<std::path::PathBuf>,
    /// Only the section "network", or everything else
    #[arg(long, value_enum)]
    only: Option<Section>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Section {
    Network,
    Processes,
}

pub(crate) use network::{Hands, become_side};

/// Measures and prints.
pub(crate) fn run(checkout: &Checkout, options: &Options) -> Result<()> {
    setup::run(checkout, setup::Scope::Everything)?;
    let mcpguard = match &options.binary {
        Some(binary) => binary.canonicalize()?,
        None => crate::dist::build(checkout)?,
    };
    let rounds = if options.quick { 10 } else { 1 };
    let rig = Rig::new(checkout, mcpguard)?;
    let mut report = Report::new(&rig);
    if options.only != Some(Section::Network) {
        report.add(measure::start_of_true(&rig, 200 / rounds)?);
        report.add(measure::start_to_initialize(&rig, 20 / rounds)?);
        report.add(measure::round_trips(&rig, 2000 / rounds)?);
        report.add(measure::payload(&rig, "1 MB result", 1_000_000, 20 / rounds)?);
        report.add(measure::payload(&rig, "10 MB result", 10_000_000, 10 / rounds)?);
        report.memory = measure::memory(&rig)?;
        report.sending = send::measure(checkout, 60 / rounds)?;
    }
    if options.only != Some(Section::Processes)
        && let Some(network) = network::measure(checkout, &rig, 14 / rounds + 1)?
    {
        report.add_network(network);
    }
    report.print(options.json)
}
