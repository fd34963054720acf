//! `cargo xtask`: the project's own tasks, one file a task.
//!
//! It never installs anything outside of the checkout's `target/` and never edits tracked files (but `schema`).
//!
//! ```text
//! setup ──► target/servers/…            pinned npm and PyPI packages
//!   └─ demo, test, bench                call it themselves
//! test  ──► tidy ──► cargo test ──► tally (the last line)
//! ```

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task talks to the person who started it")]

mod bench;
mod checkout;
mod demo;
mod detection;
mod dist;
mod ebpf;
mod internet;
mod peers;
mod schema;
mod setup;
mod step;
mod tally;
mod test;
mod tidy;
mod tricks;
mod vm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::checkout::Checkout;

/// The project's own tasks.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install the pinned servers and clients into target/servers; quick when they are there.
    Setup,
    /// Start a real server under its policy and show what is allowed and what is not.
    Demo,
    /// Everything that must be green: tidy, then every test; the last line counts them.
    Test(test::Options),
    /// The rules of the house that no compiler checks.
    Tidy(tidy::Options),
    /// Figures: start, round trip, large results, memory, network; bare, guarded and the peers.
    Bench(bench::Options),
    /// Not for people: one of the two sides of the bench's network.
    #[command(hide = true)]
    BenchNetwork(bench::Hands),
    /// The table of the corpora: which attacks are caught, and which honest calls and texts are suspected.
    Detection(detection::Options),
    /// Build what is given out, in target/dist: the static binary, man pages, completions, the .deb and the .rpm.
    Dist(dist::Options),
    /// Build the BPF programs into ebpf/mcpguard.bpf.o, or check that they are what the sources give.
    Ebpf(ebpf::Options),
    /// The tests inside of virtual machines, on real kernels of Debian; the last line counts them.
    VmTest(vm::Options),
    /// Fetch the kernels and the emulator of `vm-test`, and run nothing.
    VmFetch(vm::FetchOptions),
    /// The Debian package on a Debian 12 with systemd, in a virtual machine: installed, started, attacked, killed, removed.
    VmSystemd(vm::SystemdOptions),
    /// Not for people: becomes the command, and dies with the task that started it.
    #[command(hide = true)]
    VmChild(vm::ChildOptions),
    /// The table of tricks in the test internet: what works without a guard, and what with one. Needs root.
    Tricks(tricks::Options),
    /// Write the JSON Schema of the policy language into policies/.
    Schema(schema::Options),
}

fn main() -> ExitCode {
    let done = perform(Arguments::parse().task);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> anyhow::Result<()> {
    // Not everything runs where the checkout can be seen.
    let checkout = Checkout::find;
    match task {
        Task::Setup => setup::run(&checkout()?, setup::Scope::Everything),
        Task::Demo => demo::run(&checkout()?),
        Task::Test(options) => test::run(&checkout()?, &options),
        Task::Tidy(options) => tidy::run(&checkout()?, &options),
        Task::Bench(options) => bench::run(&checkout()?, &options),
        Task::BenchNetwork(hands) => bench::become_side(&hands),
        Task::Detection(options) => detection::run(&checkout()?, &options),
        Task::Dist(options) => dist::run(&checkout()?, &options),
        Task::Ebpf(options) => ebpf::run(&checkout()?, &options),
        Task::VmTest(options) => vm::run(&checkout()?, &options),
        Task::VmFetch(options) => vm::fetch(&checkout()?, &options),
        Task::VmSystemd(options) => vm::systemd(&checkout()?, &options),
        Task::VmChild(options) => vm::become_child(&options),
        Task::Tricks(options) => tricks::run(&checkout()?, &options),
        Task::Schema(options) => schema::run(&checkout()?, &options),
    }
}
