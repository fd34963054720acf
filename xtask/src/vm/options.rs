//! What can be said on the command line.

use std::time::Duration;

use super::matrix::MachineKind;

/// As many machines at a time as do best on two processors.
const JOBS: usize = 3;

/// Options of `cargo xtask vm-test`.
#[derive(clap::Args, Clone)]
pub(crate) struct Options {
    /// Kernels by their names in tests/vm/matrix.toml, or `all`
    #[arg(long, value_delimiter = ',', default_value = "all")]
    pub(super) kernel: Vec<String>,
    /// Command lines by their names in the matrix, or `all`
    #[arg(long, value_delimiter = ',', default_value = "all")]
    pub(super) variant: Vec<String>,
    /// The accelerator; `auto` takes KVM where a guest really starts with it
    #[arg(long, value_enum, default_value_t = Accel::Auto)]
    pub(super) accel: Accel,
    /// Virtual machines at a time; more than processors, because a guest waits a third of its time for grace periods
    #[arg(long, default_value_t = JOBS)]
    pub(super) jobs: usize,
    /// Only cases whose name holds this text
    #[arg(long, default_value = "")]
    pub(super) filter: String,
    /// Also the cases with the real servers and, on one kernel, the table of tricks (on all: `--filter tricks`; ten thousand
    /// connections at once: `--filter throng`); they have a disk with node, Python and the test internet
    #[arg(long)]
    pub(super) with_servers: bool,
    /// Only the machine that counts instructions
    #[arg(long)]
    pub(super) icount: bool,
    /// Take what the cache has; no network
    #[arg(long)]
    pub(super) offline: bool,
    /// Keep the consoles and results of machines that passed, too
    #[arg(long)]
    pub(super) keep: bool,
    /// Open a shell in one machine instead (name one kernel and one variant)
    #[arg(long)]
    pub(super) shell: bool,
    /// The longest that all machines together may take: `90s`, `25m`
    #[arg(long, default_value = "25m", value_parser = duration)]
    pub(super) budget: Duration,
}

impl Options {
    /// Whether cases that take minutes are asked for by name, so that they run on every kernel that can.
    pub(super) fn requests(&self, kind: MachineKind) -> bool {
        match kind {
            MachineKind::Tricks => ["tricks", "throng"].iter().any(|area| self.filter.starts_with(area)),
            MachineKind::Servers => self.with_servers && self.filter.starts_with("servers"),
            MachineKind::Plain | MachineKind::Smp | MachineKind::Icount => false,
        }
    }

    /// Whether a kernel is asked for by name, so that all of its cases run.
    pub(super) fn names(&self, kernel: &str) -> bool {
        self.kernel.iter().any(|named| named == kernel)
    }

    /// What `cargo xtask test` runs: the whole matrix, the real servers included.
    pub(crate) fn everything() -> Self {
        Self {
            kernel: vec!["all".to_owned()],
            variant: vec!["all".to_owned()],
            accel: Accel::Auto,
            jobs: JOBS,
            filter: String::new(),
            with_servers: true,
            icount: false,
            offline: false,
            keep: false,
            shell: false,
            budget: Duration::from_secs(60 * 60),
        }
    }
}

/// Options of `cargo xtask vm-fetch`.
#[derive(clap::Args)]
pub(crate) struct FetchOptions {
    /// Kernels by their names in tests/vm/matrix.toml, or `all`
    #[arg(long, value_delimiter = ',', default_value = "all")]
    pub(super) kernel: Vec<String>,
}

/// Which accelerator is asked for.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Accel {
    /// KVM where a guest really starts with it, else emulation.
    Auto,
    /// Emulation.
    Tcg,
    /// Hardware.
    Kvm,
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration; say `90s` or `25m`");
    let (digits, unit) = text.split_at(text.len().saturating_sub(1));
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    match unit {
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("25m"), Ok(Duration::from_secs(1500)));
        assert!(duration("25").is_err() && duration("").is_err() && duration("m").is_err());
    }
}
