//! The tree: scalars, lists and mappings, each with its place.

use crate::plan::Origin;

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) origin: Origin,
    pub(crate) kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Text that YAML's core schema reads as nothing else, or that stands in quotes.
    Text(String),
    /// Text without quotes that YAML's core schema reads as a number or a truth value.
    Plain(String),
    /// No value at all, `null` or `~`.
    Null,
    /// Something that was refused and noted already (an alias).
    Refused,
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the text; keys are unique.
    Mapping(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) origin: Origin,
}

impl Kind {
    /// What a person would call it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Text(text) => format!("the text `{text}`"),
            Self::Plain(text) if matches!(&text.to_ascii_lowercase()[..], "true" | "false") => {
                format!("the truth value `{text}`")
            }
            Self::Plain(text) => format!("the number `{text}`"),
            Self::Null | Self::Refused => "nothing".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Mapping(_) => "a mapping".to_owned(),
        }
    }

    /// A scalar as YAML's core schema (YAML 1.2.2 §10.3.2) reads it when it has no quotes.
    pub(crate) fn plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Self::Plain(text.to_owned()),
            _ if is_number(text) => Self::Plain(text.to_owned()),
            _ => Self::Text(text.to_owned()),
        }
    }
}

fn is_number(text: &str) -> bool {
    let digits = |text: &str, radix| !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let special = matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN");
    let based = text.strip_prefix("0x").is_some_and(|rest| digits(rest, 16))
        || text.strip_prefix("0o").is_some_and(|rest| digits(rest, 8));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let decimal = digits(&format!("{whole}{fraction}"), 10) && digits(exponent, 10);
    special || based || decimal
}

#[cfg(test)]
mod tests {
    use super::is_number;

    #[test]
    fn numbers_are_those_of_the_core_schema() {
        for text in ["0", "443", "-1", "+1", "0.5", ".5", "5.", "1e3", "1E-3", "0x1F", "0o17", ".inf", ".nan"]
        {
            assert!(is_number(text), "{text}");
        }
        for text in ["", "-", ".", "e3", "1.2.3", "512MiB", "0x", "1_000", "10.0.0.0/8", "::1", "--1", "1e"] {
            assert!(!is_number(text), "{text}");
        }
    }
}
