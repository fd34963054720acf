//! Sending by a process that nobody guards, while somebody else is guarded: measured inside of one process by the bench
//! `send` of `mcpguard-enforce`, as it is too small for whole processes.

use std::fs;
use std::os::unix::fs::MetadataExt;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::stats::Samples;
use crate::checkout::Checkout;
use crate::step;

/// Ratios to nothing attached, one a round.
#[derive(Deserialize)]
struct Told {
    control: Vec<f64>,
    attached: Vec<f64>,
    hooks: Option<String>,
}

/// Ratios of all rounds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Ratio {
    median: f64,
    min: f64,
    max: f64,
}

/// What sending costs a process outside.
#[derive(Debug, Serialize)]
pub(super) struct Sending {
    rounds: usize,
    /// Nothing attached once more.
    control: Ratio,
    /// A session's group elsewhere has the programs.
    attached: Ratio,
    /// How the programs on security hooks stand, if they do: they are attached in the control too.
    hooks: Option<String>,
}

/// Measures; nothing if this is not root.
pub(super) fn measure(checkout: &Checkout, rounds: usize) -> Result<Option<Sending>> {
    if fs::metadata("/proc/self").context("there is no /proc")?.uid() != 0 {
        eprintln!("bench: programs on control groups are root's: UDP send is not measured");
        return Ok(None);
    }
    let rounds = rounds.to_string();
    let mut command = checkout.cargo();
    command.args(["bench", "--quiet", "--package", "mcpguard-enforce", "--bench", "send", "--", &rounds]);
    Ok(Some(Sending::of(&step::read("bench of sending", &mut command)?)?))
}

impl Sending {
    fn of(line: &str) -> Result<Self> {
        let Told { control, attached, hooks } =
            serde_json::from_str(line).with_context(|| format!("the bench of sending told {line:?}"))?;
        ensure!(!control.is_empty() && control.len() == attached.len(), "rounds are missing: {line}");
        Ok(Self {
            rounds: control.len(),
            control: Ratio::of(&control),
            attached: Ratio::of(&attached),
            hooks,
        })
    }

    /// As people read it.
    pub(super) fn line(&self) -> String {
        let Self { rounds, control, attached, hooks } = self;
        let hooks = hooks.as_deref().map_or(String::new(), |way| format!(", programs on hooks by {way}"));
        format!(
            "UDP send by a process outside, a session elsewhere: ratio {attached}, control {control} ({rounds} rounds{hooks})"
        )
    }
}

impl Ratio {
    fn of(ratios: &[f64]) -> Self {
        let mut samples = Samples::default();
        ratios.iter().for_each(|ratio| samples.push(*ratio));
        Self { median: samples.median(), min: samples.quantile(0.0), max: samples.quantile(1.0) }
    }
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{:.3} [{:.3}, {:.3}]", self.median, self.min, self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::Sending;

    #[test]
    fn the_middle_of_the_rounds_is_told_and_their_ends() {
        let told = r#"{"control":[1.0,0.9,1.1],"attached":[1.01,1.5,1.0],"hooks":null}"#;
        let line = Sending::of(told).unwrap().line();
        assert!(
            line.contains("ratio 1.010 [1.000, 1.500], control 1.000 [0.900, 1.100] (3 rounds)"),
            "{line}"
        );
        assert!(Sending::of(r#"{"control":[],"attached":[],"hooks":null}"#).is_err());
    }
}
