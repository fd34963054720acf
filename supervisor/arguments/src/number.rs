//! `number`: within bounds, compared exactly.

use std::cmp::Ordering;

use serde_json::Number;

/// Why a number is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NumberFault {
    /// Less than the least.
    #[error("is less than {least}")]
    Less {
        /// The least that may be.
        least: f64,
    },
    /// Greater than the greatest.
    #[error("is greater than {greatest}")]
    Greater {
        /// The greatest that may be.
        greatest: f64,
    },
    /// A double that stands for more numbers than the bound that it equals.
    #[error(
        "is too long to be compared with {bound}; write it without a fraction and an exponent, or further from that bound"
    )]
    Rounded {
        /// The bound that it was rounded to.
        bound: f64,
    },
    /// Greater than any number that a server could hold.
    #[error("is not finite")]
    NotFinite,
}

/// Two faults are the same when they say the same; bounds are never NaN once they are shown.
impl Eq for NumberFault {}

pub(crate) fn check(number: &Number, min: Option<f64>, max: Option<f64>) -> Result<(), NumberFault> {
    let number = exact(number)?;
    if let Some(bound) = [min, max].into_iter().flatten().find(|bound| rounded_to(number, *bound)) {
        return Err(NumberFault::Rounded { bound });
    }
    if let Some(least) =
        min.filter(|least| !matches!(compare(number, *least), Some(Ordering::Equal | Ordering::Greater)))
    {
        return Err(NumberFault::Less { least });
    }
    if let Some(greatest) =
        max.filter(|most| !matches!(compare(number, *most), Some(Ordering::Equal | Ordering::Less)))
    {
        return Err(NumberFault::Greater { greatest });
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Exact {
    Whole(i128),
    Float(f64),
}

fn exact(number: &Number) -> Result<Exact, NumberFault> {
    if let Some(whole) = number.as_i128() {
        return Ok(Exact::Whole(whole));
    }
    // `1e400` is infinite as a double, and something else to a reader with more room.
    number.as_f64().filter(|float| float.is_finite()).map(Exact::Float).ok_or(NumberFault::NotFinite)
}

/// Whether what was written may lie beyond the bound, and was read as it. Beyond 2⁵³ a double stands for several integers,
/// which Python and others keep apart. Rounding keeps the order (IEEE 754, section 4.3), so that no other number is in doubt. Below,
/// what is lost is less than one part of 2⁵³, of numbers with more digits than anybody writes.
fn rounded_to(number: Exact, bound: f64) -> bool {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    matches!(number, Exact::Float(float) if float.abs() >= WHOLE && float.partial_cmp(&bound) == Some(Ordering::Equal))
}

/// None if the bound is NaN, beside which no number passes.
fn compare(number: Exact, bound: f64) -> Option<Ordering> {
    match number {
        Exact::Float(float) => float.partial_cmp(&bound),
        Exact::Whole(whole) => compare_whole(whole, bound),
    }
}

/// Beyond 2⁵³ a double skips integers, so that integers are not turned into doubles but bounds into integers.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast from a double saturates, and integers of JSON are far below"
)]
fn compare_whole(whole: i128, bound: f64) -> Option<Ordering> {
    if bound.is_nan() {
        return None;
    }
    let floor = bound.floor();
    match whole.cmp(&(floor as i128)) {
        Ordering::Equal if bound > floor => Some(Ordering::Less),
        order => Some(order),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Number;

    use super::{NumberFault, check};

    fn passes(number: &str, min: Option<f64>, max: Option<f64>) -> bool {
        let number: Number = serde_json::from_str(number).expect("a number");
        check(&number, min, max).is_ok()
    }

    #[test]
    fn bounds_are_inclusive() {
        assert!(passes("5", Some(5.0), Some(5.0)));
        assert!(passes("5.0", Some(5.0), Some(5.0)));
        assert!(passes("-0", Some(0.0), Some(0.0)));
        assert!(!passes("5", Some(5.5), None) && passes("6", Some(5.5), None));
        assert!(passes("5", None, Some(5.5)) && !passes("6", None, Some(5.5)));
        assert!(
            passes("-5", None, Some(-4.5))
                && passes("-4", Some(-4.5), None)
                && !passes("-5", Some(-4.5), None)
        );
        assert!(!passes("5.000001", None, Some(5.0)));
        assert!(passes("18446744073709551615", None, None));
    }

    #[test]
    fn integers_beyond_doubles_are_compared_exactly() {
        let bound = 9_007_199_254_740_992.0;
        assert!(
            passes("9007199254740992", None, Some(bound)) && !passes("9007199254740993", None, Some(bound))
        );
        assert!(!passes("18446744073709551615", None, Some(18_446_744_073_709_550_000.0)));
        assert!(!passes("-9007199254740993", Some(-bound), None));
    }

    #[test]
    fn what_was_rounded_to_a_bound_is_refused() {
        let (least, greatest) = (Some(-9_007_199_254_740_992.0), Some(18_446_744_073_709_551_616.0));
        for number in
            ["18446744073709551617", "18446744073709551616.5", "-9007199254740992.5", "-9007199254740992.0"]
        {
            assert!(!passes(number, least, greatest), "{number}");
        }
        for number in ["18446744073709549568", "1e19", "-9007199254740992", "9007199254740992.5", "0.1"] {
            assert!(passes(number, least, greatest), "{number}");
        }
        assert!(passes("1e300", None, None) && passes("1e300", Some(0.0), None));
    }

    #[test]
    fn what_is_no_number_is_no_bound() {
        assert!(!passes("1", Some(f64::NAN), None) && !passes("1", None, Some(f64::NAN)));
        assert!(passes("1", Some(f64::NEG_INFINITY), Some(f64::INFINITY)));
        assert!(!passes("1", Some(f64::INFINITY), None) && !passes("1.5", None, Some(f64::NEG_INFINITY)));
        assert!(serde_json::from_str::<Number>("1e400").is_err(), "the parser refuses what no double holds");
        assert_eq!(NumberFault::Less { least: 3.0 }.to_string(), "is less than 3");
    }
}
