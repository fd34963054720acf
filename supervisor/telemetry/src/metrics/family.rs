//! One metric: its name, its labels, its values.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Series of one metric. What comes after them is counted together, with `other` as each label.
pub(super) const MAX_SERIES: usize = 256;

/// Characters of a label's value; the rest is cut off.
const MAX_LABEL: usize = 64;

/// Whether a metric only ever grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It grows from 0.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// What a metric is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Description {
    /// The name, without the `_total` that a counter gets.
    pub(crate) name: &'static str,
    /// What is counted, as a sentence.
    pub(crate) help: &'static str,
    pub(crate) kind: Kind,
    /// The names of the labels.
    pub(crate) labels: &'static [&'static str],
    /// How many of what is kept make one of what is shown.
    pub(crate) scale: u32,
}

/// Label values in the order of [`Description::labels`], and the value.
pub(crate) type Sample = (Vec<String>, f64);

/// A metric with its values.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) description: Description,
    cells: Mutex<BTreeMap<Vec<String>, u64>>,
}

impl Family {
    /// Without labels it is there from the start, with 0.
    pub(super) fn new(description: Description) -> Self {
        let family = Self { description, cells: Mutex::default() };
        if description.labels.is_empty() {
            family.add(&[], 0);
        }
        family
    }

    /// Adds to a series.
    pub(super) fn add(&self, labels: &[&str], amount: u64) {
        self.change(labels, |value| value.saturating_add(amount));
    }

    /// Sets a series.
    pub(super) fn set(&self, labels: &[&str], value: u64) {
        self.change(labels, |_| value);
    }

    /// Drops every series and puts these in their place; what has the same labels is summed up.
    pub(super) fn replace(&self, series: impl IntoIterator<Item = (Vec<String>, u64)>) {
        self.cells().clear();
        for (labels, amount) in series {
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            self.add(&labels, amount);
        }
    }

    /// All series, in order.
    pub(crate) fn samples(&self) -> Vec<Sample> {
        let scale = f64::from(self.description.scale);
        #[expect(clippy::cast_precision_loss, reason = "metrics are floating point, and exact up to 2^53")]
        self.cells().iter().map(|(labels, value)| (labels.clone(), *value as f64 / scale)).collect()
    }

    fn change(&self, labels: &[&str], change: impl FnOnce(u64) -> u64) {
        let mut cells = self.cells();
        let mut labels: Vec<String> =
            labels.iter().map(|label| label.chars().take(MAX_LABEL).collect()).collect();
        if cells.len() >= MAX_SERIES && !cells.contains_key(&labels) {
            labels.iter_mut().for_each(|label| "other".clone_into(label));
        }
        let cell = cells.entry(labels).or_default();
        *cell = change(*cell);
    }

    /// A panic elsewhere leaves whole numbers behind.
    fn cells(&self) -> std::sync::MutexGuard<'_, BTreeMap<Vec<String>, u64>> {
        self.cells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family() -> Family {
        let labels = &["policy", "user"];
        Family::new(Description { name: "x", help: "X.", kind: Kind::Gauge, labels, scale: 2 })
    }

    #[test]
    fn more_series_than_are_kept_are_counted_together() {
        let family = family();
        for policy in 0..1000 {
            family.add(&[&policy.to_string(), "1000"], 2);
        }
        let samples = family.samples();
        assert_eq!(samples.len(), MAX_SERIES + 1);
        let total: f64 = samples.iter().map(|(_, value)| value).sum();
        let other = samples.iter().find(|(labels, _)| labels == &["other", "other"]).map(|(_, value)| *value);
        assert_eq!((total, other), (1000.0, Some(1000.0 - MAX_SERIES as f64)));
    }

    #[test]
    fn labels_are_cut_and_replaced_series_are_gone() {
        let family = family();
        family.set(&[&"é".repeat(500), "0"], 4);
        assert_eq!(family.samples(), [(vec!["é".repeat(MAX_LABEL), "0".to_owned()], 2.0)]);
        let labels = || vec!["a".to_owned(), "b".to_owned()];
        family.replace([(labels(), 1), (labels(), 3)]);
        assert_eq!(family.samples(), [(labels(), 2.0)]);
    }
}
