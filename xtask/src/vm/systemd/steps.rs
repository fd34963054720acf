//! The steps: scripts that lie beside each other, so that the guest and the judge read the same list.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use super::super::verdict::Listed;
use crate::checkout::Checkout;

/// The line of a script that says how many seconds it may take under emulation.
const SECONDS: &str = "# seconds: ";

/// Where the scripts are.
pub(super) fn directory(checkout: &Checkout) -> PathBuf {
    checkout.root().join("tests/vm/systemd")
}

/// What must be reported, in the order in which it runs.
pub(super) fn listed(checkout: &Checkout) -> Result<Vec<Listed>> {
    let place = directory(checkout).join("steps");
    let mut listed = Vec::new();
    for entry in fs::read_dir(&place).with_context(|| format!("no steps in {}", place.display()))? {
        let path = entry?.path();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".sh"));
        let name = name.with_context(|| format!("{} is no step: its name ends with .sh", path.display()))?;
        listed.push(Listed { case: name.to_owned(), seconds: seconds(name, &text)?, skip: None });
    }
    listed.sort_by(|a, b| a.case.cmp(&b.case));
    ensure!(!listed.is_empty(), "no step in {}", place.display());
    Ok(listed)
}

fn seconds(name: &str, text: &str) -> Result<u32> {
    let line = text.lines().find_map(|line| line.strip_prefix(SECONDS));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.with_context(|| format!("step {name} has no line `{SECONDS}NUMBER`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_says_how_long_it_takes() {
        assert_eq!(seconds("a", "# one\n# seconds: 20\ntrue\n").unwrap(), 20);
        assert!(seconds("a", "true\n").is_err() && seconds("a", "# seconds: soon\n").is_err());
    }

    #[test]
    fn the_steps_of_this_checkout_are_in_order() {
        let listed = listed(&Checkout::find().unwrap()).unwrap();
        let names: Vec<&str> = listed.iter().map(|step| step.case.as_str()).collect();
        assert_eq!(names.first(), Some(&"00-booted"));
        assert!(names.contains(&"10-installed") && names.is_sorted());
    }
}
