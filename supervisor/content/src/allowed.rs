//! Findings that someone has looked at and allowed.

use std::fmt;
use std::str::FromStr;

use crate::findings::Finding;
use crate::pack::Rule;

/// What is allowed. A finding must meet every condition that is given; without any, nothing is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// The id of the rule.
    pub rule: Option<String>,
    /// The text of the finding, as it stands in the original.
    pub text: Option<String>,
    /// The last day on which this holds; without it, it holds for ever.
    pub until: Option<Day>,
}

impl Allowed {
    pub(crate) fn covers(&self, finding: &Finding, text: &str, today: Day) -> bool {
        let Self { rule, text: allowed, until } = self;
        let same_rule = rule.as_ref().is_none_or(|rule| rule == finding.rule.id());
        let same_text =
            allowed.as_ref().is_none_or(|allowed| text.get(finding.span.clone()) == Some(allowed));
        let in_time = until.is_none_or(|until| today <= until);
        let says_something = rule.is_some() || allowed.is_some();
        says_something && same_rule && same_text && in_time
    }

    /// Whether every finding of the rule is allowed, whatever its text.
    pub(crate) fn covers_all(&self, rule: &Rule, today: Day) -> bool {
        let Self { rule: allowed, text, until } = self;
        let in_time = until.is_none_or(|until| today <= until);
        allowed.as_deref() == Some(rule.id()) && text.is_none() && in_time
    }
}

/// A date of the calendar: `2026-11-30` (RFC 3339 `full-date`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

/// What is no date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no date like 2026-11-30")]
pub struct DayError(String);

impl Day {
    /// The first day of 1970.
    pub const EPOCH: Self = Self { year: 1970, month: 1, day: 1 };
    /// The last day that can be written.
    pub const LAST: Self = Self { year: 9999, month: 12, day: 31 };
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        parsed(text).ok_or_else(|| DayError(text.to_owned()))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

fn parsed(text: &str) -> Option<Day> {
    let shaped = text
        .bytes()
        .enumerate()
        .all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    if text.len() != 10 || !shaped {
        return None;
    }
    let (year, month, day) = (text[..4].parse().ok()?, text[5..7].parse().ok()?, text[8..].parse().ok()?);
    ((1..=12).contains(&month) && (1..=days(year, month)).contains(&day)).then_some(Day { year, month, day })
}

fn days(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::{Allowed, Day};
    use crate::{Classes, Scanner};

    #[test]
    fn dates_are_checked() {
        for date in ["2026-11-30", "2024-02-29", "2000-02-29"] {
            assert_eq!(date.parse::<Day>().expect("a date").to_string(), date);
        }
        for date in [
            "2026-11-31",
            "2025-02-29",
            "1900-02-29",
            "2026-1-1",
            "2026-00-10",
            "26-11-30",
            "2026-11-30Z",
            "äöü-11-30",
        ] {
            assert!(date.parse::<Day>().is_err(), "{date}");
        }
    }

    #[test]
    fn what_is_allowed_is_left_out_until_its_day() {
        let text = "mail to ann@example.com and bob@example.org";
        let findings = Scanner::new().expect("packs").scan(text, Classes::PII);
        let day = |text: &str| text.parse::<Day>().expect("a date");
        let ann = Allowed {
            text: Some("ann@example.com".into()),
            until: Some(day("2026-06-30")),
            ..Allowed::default()
        };
        let any = Allowed { rule: Some("email".into()), ..Allowed::default() };
        assert_eq!(findings.len(), 2);
        assert_eq!(findings.without(text, std::slice::from_ref(&ann), day("2026-06-30")).len(), 1);
        assert_eq!(findings.without(text, &[ann], day("2026-07-01")).len(), 2);
        assert_eq!(findings.without(text, &[any], day("2026-07-01")).len(), 0);
        assert_eq!(findings.without(text, &[Allowed::default()], day("2026-07-01")).len(), 2);
    }
}
