//! Order statistics of samples in microseconds.

/// Samples of one subject, in the order of the rounds; microseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples(Vec<f64>);

impl Samples {
    pub(super) fn push(&mut self, micros: f64) {
        self.0.push(micros);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The value that `share` (0 to 1) of the samples do not exceed: nearest rank. Zero without samples.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(0.0)
    }

    pub(super) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// What each round took longer than the same round of `base`.
    pub(super) fn added_to(&self, base: &Self) -> Self {
        Self(self.0.iter().zip(&base.0).map(|(own, bare)| own - bare).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Samples;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let samples = Samples((1..=100).rev().map(f64::from).collect());
        assert_eq!((samples.quantile(0.0), samples.median(), samples.quantile(0.99)), (1.0, 50.0, 99.0));
        assert_eq!(samples.quantile(1.0), 100.0);
        assert_eq!(Samples::default().median(), 0.0);
    }

    #[test]
    fn differences_are_taken_round_by_round() {
        let (bare, own) = (Samples(vec![1.0, 100.0, 3.0]), Samples(vec![2.0, 101.0, 4.0]));
        assert_eq!(own.added_to(&bare).median(), 1.0);
    }
}
