//! `tests/vm/matrix.toml`: kernels, command lines, and what each combination must offer.

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::checkout::Checkout;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Matrix {
    pub(super) qemu: Emulator,
    #[serde(rename = "kernel")]
    pub(super) all_kernels: Vec<Kernel>,
    #[serde(rename = "variant")]
    pub(super) variants: Vec<Variant>,
}

/// Where QEMU comes from when the host has none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Emulator {
    pub(super) suite: String,
    pub(super) packages: Vec<String>,
}

/// A kernel, before anything is resolved.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kernel {
    pub(super) name: String,
    /// Suites of Debian; the first one with a match is taken.
    pub(super) suites: Vec<String>,
    /// Names of packages with `*`; the first pattern with a match is taken.
    pub(super) packages: Vec<String>,
    /// Whether its absence is a failure.
    pub(super) required: bool,
    pub(super) variants: Vec<String>,
    pub(super) machines: Vec<MachineKind>,
    /// Machines that take minutes: they run only where `--filter` names their cases.
    #[serde(default)]
    pub(super) on_request: Vec<MachineKind>,
    /// The areas of cases that run where `--kernel` does not name it; all if absent.
    #[serde(default)]
    pub(super) sample: Vec<String>,
    /// Properties for whose absence cases may be skipped.
    pub(super) lacks: Vec<String>,
    facts: Map<String, Value>,
}

/// A kernel command line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Variant {
    pub(super) name: String,
    pub(super) cmdline: String,
    /// The areas of cases that run; all if absent.
    #[serde(default)]
    pub(super) areas: Vec<String>,
    /// The machines that it is tried on; all of the kernel's if absent.
    #[serde(default)]
    machines: Vec<MachineKind>,
    #[serde(default)]
    pub(super) lacks: Vec<String>,
    /// Whether process 1 can end QEMU by an I/O port; not where the kernel is locked down.
    #[serde(default = "yes")]
    pub(super) exit_by_port: bool,
    /// What is different from the kernel's own facts.
    #[serde(default)]
    facts: Map<String, Value>,
}

fn yes() -> bool {
    true
}

/// The hardware of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MachineKind {
    /// One processor.
    Plain,
    /// Two processors.
    Smp,
    /// One processor whose time stamp counter counts instructions.
    Icount,
    /// One processor, and the real servers on a disk.
    Servers,
    /// The same for the table of tricks, which takes minutes.
    Tricks,
}

impl MachineKind {
    /// Whether its disk holds the real servers and the test internet.
    pub(super) fn has_a_full_disk(self) -> bool {
        matches!(self, Self::Servers | Self::Tricks)
    }
}

impl Matrix {
    /// Reads the file and checks its references.
    pub(super) fn read(checkout: &Checkout) -> Result<Self> {
        let path = checkout.root().join("tests/vm/matrix.toml");
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{}", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let matrix: Self = toml::from_str(text)?;
        for kernel in &matrix.all_kernels {
            for name in &kernel.variants {
                matrix.variant(name).with_context(|| format!("kernel {}", kernel.name))?;
            }
        }
        Ok(matrix)
    }

    /// The variant of this name.
    pub(super) fn variant(&self, name: &str) -> Result<&Variant> {
        let found = self.variants.iter().find(|variant| variant.name == name);
        found.with_context(|| format!("there is no variant `{name}`"))
    }

    /// The kernels of these names; `all` is all.
    pub(super) fn kernels(&self, names: &[String]) -> Result<Vec<Kernel>> {
        if names.iter().any(|name| name == "all") {
            return Ok(self.all_kernels.clone());
        }
        let known =
            || self.all_kernels.iter().map(|kernel| kernel.name.as_str()).collect::<Vec<_>>().join(", ");
        let find = |name: &String| {
            let found = self.all_kernels.iter().find(|kernel| kernel.name == *name);
            found
                .cloned()
                .with_context(|| format!("there is no kernel `{name}` in the matrix; there are {}", known()))
        };
        names.iter().map(find).collect()
    }

    /// The variants of a kernel among these names; `all` is all of the kernel's.
    pub(super) fn variants(&self, kernel: &Kernel, names: &[String]) -> Result<Vec<&Variant>> {
        for name in names.iter().filter(|name| *name != "all") {
            self.variant(name)?;
        }
        let wanted = |name: &&String| names.iter().any(|given| given == "all" || given == *name);
        kernel.variants.iter().filter(wanted).map(|name| self.variant(name)).collect()
    }
}

impl Kernel {
    /// What a kernel offers under a command line.
    pub(super) fn facts(&self, variant: &Variant) -> Result<Map<String, Value>> {
        let mut facts = self.facts.clone();
        for (name, value) in &variant.facts {
            ensure!(
                facts.contains_key(name),
                "variant {}: kernel {} has no fact `{name}`",
                variant.name,
                self.name
            );
            facts.insert(name.clone(), value.clone());
        }
        Ok(facts)
    }

    /// The machines of a kernel under a command line, and those on request that are requested.
    pub(super) fn machines(
        &self,
        variant: &Variant,
        requested: impl Fn(MachineKind) -> bool,
    ) -> Vec<MachineKind> {
        let wanted = |kind: &&MachineKind| variant.machines.is_empty() || variant.machines.contains(kind);
        let more = self.on_request.iter().filter(|kind| requested(**kind));
        self.machines.iter().chain(more).filter(wanted).copied().collect()
    }

    /// The areas of its cases under a command line; all if there are none. `named`: it was asked for by name.
    pub(super) fn areas(&self, variant: &Variant, named: bool) -> Vec<String> {
        match (variant.areas.is_empty(), named) {
            (false, _) => variant.areas.clone(),
            (true, true) => Vec::new(),
            (true, false) => self.sample.clone(),
        }
    }

    /// Whether a case may be skipped for this lack.
    pub(super) fn may_lack(&self, variant: &Variant, what: &str) -> Result<()> {
        if self.lacks.iter().chain(&variant.lacks).any(|lack| lack == what) {
            return Ok(());
        }
        bail!(
            "kernel {} under {} may not lack `{what}`: the matrix does not allow that skip",
            self.name,
            variant.name
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> Matrix {
        Matrix::parse(include_str!("../../../tests/vm/matrix.toml")).unwrap()
    }

    #[test]
    fn the_matrix_of_the_project_is_whole() {
        let matrix = matrix();
        let required: Vec<_> =
            matrix.all_kernels.iter().filter(|kernel| kernel.required).map(|kernel| &kernel.name).collect();
        assert_eq!(required, ["5.10", "6.1", "6.12", "7.2"]);
        for kernel in &matrix.all_kernels {
            for variant in matrix.variants(kernel, &["all".into()]).unwrap() {
                assert!(kernel.facts(variant).unwrap().contains_key("landlock_abi"));
                assert!(kernel.machines(variant, |_| false).contains(&MachineKind::Plain));
            }
        }
    }

    #[test]
    fn what_takes_minutes_runs_on_one_kernel_and_elsewhere_on_request() {
        let matrix = matrix();
        let default = matrix.variant("default").unwrap();
        let has = |name: &str, requested: bool| {
            let kernel = &matrix.kernels(&[name.into()]).unwrap()[0];
            kernel.machines(default, |_| requested).contains(&MachineKind::Tricks)
        };
        assert_eq!(["6.1", "6.12", "7.2"].map(|name| has(name, false)), [false, true, false]);
        assert_eq!(["6.1", "6.12", "7.2"].map(|name| has(name, true)), [true; 3]);
    }

    #[test]
    fn a_kernel_that_is_not_named_may_run_a_sample() {
        let matrix = matrix();
        let kernel = &matrix.kernels(&["6.18".into()]).unwrap()[0];
        let areas = |variant: &str, named: bool| kernel.areas(matrix.variant(variant).unwrap(), named);
        assert!(!areas("default", false).is_empty() && areas("default", true).is_empty());
        assert_eq!(areas("nolandlock", false), areas("nolandlock", true));
        let required = matrix.all_kernels.iter().filter(|kernel| kernel.required);
        assert!(required.into_iter().all(|kernel| kernel.sample.is_empty()));
    }

    #[test]
    fn a_variant_changes_only_facts_that_there_are() {
        let matrix = matrix();
        let mut variant = matrix.variant("nobpf").unwrap().clone();
        let kernel = &matrix.kernels(&["6.12".into()]).unwrap()[0];
        assert_eq!(kernel.facts(&variant).unwrap()["lsm"].as_array().unwrap().len(), 4);
        variant.facts.insert("landlok_abi".into(), Value::from(1));
        assert!(kernel.facts(&variant).is_err());
    }

    #[test]
    fn only_the_named_lacks_may_be_skipped() {
        let matrix = matrix();
        let kernel = &matrix.kernels(&["6.12".into()]).unwrap()[0];
        assert!(kernel.may_lack(matrix.variant("nobpf").unwrap(), "bpf-lsm").is_ok());
        assert!(kernel.may_lack(matrix.variant("default").unwrap(), "bpf-lsm").is_err());
        assert!(matrix.kernels(&["6.13".into()]).is_err());
    }
}
