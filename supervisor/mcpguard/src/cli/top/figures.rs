//! Numbers in few columns.

use std::time::Duration;

use super::super::ps;

/// A count in six columns at most: `999999`, `1.2M`, `3.4G`.
pub(super) fn count(number: u64) -> String {
    if number < 1_000_000 {
        number.to_string()
    } else {
        scaled(number as f64, 1000.0, &["", "k", "M", "G", "T", "P", "E"])
    }
}

/// A rate or a percentage in six columns at most: `0.0`, `99.9`, `1234`, `1.2M`.
pub(super) fn rate(number: f64) -> String {
    match number {
        _ if number < 1000.0 => format!("{number:.1}"),
        _ if number < 100_000.0 => format!("{number:.0}"),
        _ => scaled(number, 1000.0, &["", "k", "M", "G", "T", "P", "E"]),
    }
}

/// Bytes in seven columns at most: `0B`, `9.77KiB`, `96.3MiB`, `1023GiB`.
pub(super) fn bytes(number: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if number < 1024 { format!("{number}B") } else { scaled(number as f64, 1024.0, &units) }
}

/// Processor time: `12.4s`, `5m9s`.
pub(super) fn spent(time: Duration) -> String {
    if time.as_secs() < 100 { format!("{:.1}s", time.as_secs_f64()) } else { ps::age(time) }
}

/// Three digits and a unit; four where a unit has more than a thousand of the smaller.
fn scaled(mut number: f64, step: f64, units: &[&str]) -> String {
    let mut unit = 0;
    // What would be rounded up to the next unit is in it.
    while number >= step - 0.5 && unit + 1 < units.len() {
        number /= step;
        unit += 1;
    }
    let digits = match number {
        _ if number < 9.995 => 2,
        _ if number < 99.95 => 1,
        _ => 0,
    };
    format!("{number:.digits$}{}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_few_columns() {
        assert_eq!([0, 999_999, 1_234_567, u64::MAX].map(count), ["0", "999999", "1.23M", "18.4E"]);
        assert_eq!([0.0, 12.34, 999.9, 99_999.0, 1e7].map(rate), ["0.0", "12.3", "999.9", "99999", "10.0M"]);
        assert_eq!(
            [0, 1023, 10_000, 100_976_558, u64::MAX].map(bytes),
            ["0B", "1023B", "9.77KiB", "96.3MiB", "16.0EiB"]
        );
        assert_eq!(bytes((1 << 30) - 1), "1.00GiB");
        for shift in 0..64 {
            assert!(bytes(1 << shift).len() <= 7 && bytes((1 << shift) - 1).len() <= 7, "{shift}");
            assert!(count(1 << shift).len() <= 6 && rate((1_u64 << shift) as f64).len() <= 6, "{shift}");
        }
    }

    #[test]
    fn processor_time_is_told_like_ages() {
        assert_eq!(
            [12_440, 99_900, 309_000].map(|ms| spent(Duration::from_millis(ms))),
            ["12.4s", "99.9s", "5m9s"]
        );
    }
}
