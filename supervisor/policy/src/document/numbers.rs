//! Numbers with units and bounds. What could be read in two ways is refused.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::decode::{Decode, FromText, number, text};
use super::section::Merge;
use super::words::scalar;
use crate::problem::{Complaint, Report};
use crate::yaml::Node;

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whole<const MIN: u64, const MAX: u64>(u64);

/// Events per minute.
pub(crate) type PerMinute = Whole<1, 1_000_000>;

impl<const MIN: u64, const MAX: u64> Whole<MIN, MAX> {
    /// The number.
    pub(crate) fn get(self) -> u64 {
        self.0
    }

    /// The number, where `MAX` fits.
    pub(crate) fn get32(self) -> u32 {
        const { assert!(MAX <= u32::MAX as u64) };
        self.0 as u32
    }
}

impl<const MIN: u64, const MAX: u64> FromText for Whole<MIN, MAX> {
    const WHAT: &str = "a whole number";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let wrong =
            || Complaint::new(format!("a whole number from {MIN} to {MAX} is wanted here, not `{text}`"));
        if !text.bytes().all(|b| b.is_ascii_digit()) || (text.len() > 1 && text.starts_with('0')) {
            return Err(wrong());
        }
        let number: u64 = text.parse().map_err(|_| wrong())?;
        match number {
            0 if MIN == 1 => Err(Complaint::new(format!(
                "a whole number from 1 to {MAX} is wanted here; what is not wanted at all is left out or disabled"
            ))),
            number if (MIN..=MAX).contains(&number) => Ok(Self(number)),
            _ => Err(wrong()),
        }
    }
}

impl<const MIN: u64, const MAX: u64> Decode for Whole<MIN, MAX> {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        number(node, report)
    }
}

impl<const MIN: u64, const MAX: u64> Merge for Whole<MIN, MAX> {
    fn merge(self, later: Self) -> Self {
        later
    }
}

impl<const MIN: u64, const MAX: u64> JsonSchema for Whole<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Whole_{MIN}_{MAX}").into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// The version of the policy language. There is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version;

impl FromText for Version {
    const WHAT: &str = "the version";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        match text {
            "1" => Ok(Self),
            other => {
                let message = format!("this mcpguard reads version 1 of the policy language, not `{other}`");
                Err(Complaint::new(message).instead("1"))
            }
        }
    }
}

/// A number of bytes, with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

/// The units of sizes, each with the power of two that it stands for.
pub(crate) const SHIFTS: [(&str, u32); 5] = [("B", 0), ("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];

impl FromText for Bytes {
    const WHAT: &str = "a size with its unit (B, KiB, MiB, GiB, TiB), such as `512MiB`,";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let wrong = || {
            Complaint::new(format!(
                "a size is a whole number and one of B, KiB, MiB, GiB, TiB; this is `{text}`"
            ))
        };
        if number.is_empty() || number.starts_with('0') {
            return Err(wrong());
        }
        let Some((_, shift)) = SHIFTS.iter().find(|(known, _)| *known == unit) else {
            return Err(match likely_unit(unit.trim()) {
                Some(likely) => wrong().instead(format!("{number}{likely}")),
                None => wrong(),
            });
        };
        let bytes =
            number.parse::<u64>().ok().and_then(|n| n.checked_mul(1 << shift)).filter(|n| *n <= 1 << 62);
        bytes.map(Self).ok_or_else(|| Complaint::new(format!("`{text}` is more than any machine has")))
    }
}

fn likely_unit(unit: &str) -> Option<&'static str> {
    match &unit.to_ascii_lowercase()[..] {
        "b" | "byte" | "bytes" => Some("B"),
        "k" | "kb" | "ki" | "kib" => Some("KiB"),
        "" | "m" | "mb" | "mi" | "mib" => Some("MiB"),
        "g" | "gb" | "gi" | "gib" => Some("GiB"),
        "t" | "tb" | "ti" | "tib" => Some("TiB"),
        _ => None,
    }
}

/// A size is text for YAML; a bare number gets the message about units, not the one about quotes.
fn size(node: &Node, report: &mut Report) -> Option<Bytes> {
    match &node.kind {
        crate::yaml::Kind::Plain(_) => number(node, report),
        _ => text(node, report),
    }
}

/// A share of processors, in thousandths of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cpus(pub(crate) u32);

impl FromText for Cpus {
    const WHAT: &str = "a number of processors";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let wrong = || {
            Complaint::new(format!(
                "processors are a number from 0.001 to 1024 with at most three decimals, not `{text}`"
            ))
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 3 {
            return Err(match text.strip_suffix('m').and_then(|m| m.parse::<u32>().ok()) {
                Some(millis) => wrong().instead(format!("{}", f64::from(millis) / 1000.0)),
                None => wrong(),
            });
        }
        let parse = |text: &str| text.parse::<u32>().map_err(|_| wrong());
        let millis = parse(whole)? * 1000 + parse(&format!("{fraction:0<3}"))?;
        match millis {
            1..=1_024_000 => Ok(Self(millis)),
            _ => Err(wrong()),
        }
    }
}

/// A number that bounds an argument.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bound(pub(crate) f64);

impl Eq for Bound {}

impl FromText for Bound {
    const WHAT: &str = "a number";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let Some(number) = text.parse::<f64>().ok().filter(|n| n.is_finite()) else {
            return Err(Complaint::new(format!("a finite decimal number is wanted here, not `{text}`")));
        };
        match number.abs() < WHOLE || text.parse::<i128>().is_ok_and(|whole| whole == number as i128) {
            true => Ok(Self(number)),
            false => Err(Complaint::new(format!(
                "a bound beyond 2^53 is a whole number that a double holds, written out, not `{text}`"
            ))
            .instead(format!("{number:.0}"))),
        }
    }
}

/// 2⁵³: from there on a double stands for several whole numbers (IEEE 754).
const WHOLE: f64 = 9_007_199_254_740_992.0;

scalar! {
    Version: number, json_schema!({ "const": 1 });
    Bytes: size, json_schema!({ "type": "string", "pattern": "^[1-9][0-9]*(B|KiB|MiB|GiB|TiB)$" });
    Cpus: number, json_schema!({ "type": "number", "minimum": 0.001, "maximum": 1024 });
    Bound: number, json_schema!({ "type": "number" });
}

#[cfg(test)]
mod tests {
    use super::{Bound, Bytes, Cpus, FromText, Whole};

    #[test]
    fn bounds_are_what_is_written() {
        for text in ["0", "-1.5", "1e3", "9007199254740991", "-9007199254740992", "18446744073709551616"] {
            assert!(Bound::from_text(text).is_ok(), "{text}");
        }
        for (text, instead) in [
            ("9007199254740993", "9007199254740992"),
            ("18446744073709551615", "18446744073709551616"),
            ("1e17", "100000000000000000"),
        ] {
            let complaint = Bound::from_text(text).expect_err(text);
            assert_eq!(complaint.suggestion.as_deref(), Some(instead), "{text}");
        }
        assert!(Bound::from_text(".nan").is_err() && Bound::from_text("1e999").is_err());
    }

    #[test]
    fn sizes_need_a_binary_unit() {
        let good = [("1B", 1), ("64KiB", 65_536), ("512MiB", 536_870_912), ("2GiB", 2_147_483_648)];
        for (text, bytes) in good {
            assert_eq!(Bytes::from_text(text), Ok(Bytes(bytes)), "{text}");
        }
        let bad = [
            ("512", "512MiB"),
            ("512MB", "512MiB"),
            ("512M", "512MiB"),
            ("10 KiB", "10KiB"),
            ("1gb", "1GiB"),
        ];
        for (text, instead) in bad {
            let complaint = Bytes::from_text(text).expect_err(text);
            assert_eq!(complaint.suggestion.as_deref(), Some(instead), "{text}");
        }
        for text in ["", "MiB", "0MiB", "-1MiB", "1.5GiB", "99999999TiB", "18446744073709551615B", "1 potato"]
        {
            assert!(Bytes::from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn processors_have_three_decimals() {
        for (text, millis) in [("0.5", 500), ("2", 2000), ("1.25", 1250), ("0.001", 1), ("1024", 1_024_000)] {
            assert_eq!(Cpus::from_text(text), Ok(Cpus(millis)), "{text}");
        }
        for text in ["0", "0.0005", "-1", "1025", ".5", "1.", "1e3", "9999", "half"] {
            assert!(Cpus::from_text(text).is_err(), "{text}");
        }
        assert_eq!(Cpus::from_text("500m").expect_err("millis").suggestion.as_deref(), Some("0.5"));
    }

    #[test]
    fn whole_numbers_keep_their_bounds() {
        type Port = Whole<1, 65_535>;
        assert_eq!(Port::from_text("443").map(Port::get), Ok(443));
        for text in ["0", "65536", "-1", "0x1bb", "4_43", "1e2", "01", "99999999999999999999", ""] {
            assert!(Port::from_text(text).is_err(), "{text}");
        }
    }
}
