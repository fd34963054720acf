//! Lengths of time as people write them.

use std::time::Duration;

use serde::Deserialize;

/// `500ms`, `60s`, `5m`, `1h`, `7d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Span(pub(crate) Duration);

impl TryFrom<String> for Span {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const SHAPE: &str = "a time is a whole number and its unit: `500ms`, `60s`, `5m`, `1h`, `7d`";
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(SHAPE),
        };
        let number: u64 = number.parse().map_err(|_| SHAPE)?;
        number
            .checked_mul(unit)
            .map(|millis| Self(Duration::from_millis(millis)))
            .ok_or("the time is too long")
    }
}
