//! Refusals, and what they are made of.

use control::message::{Code, Refusal};
use control::rights::Denied;
use policy::Problems;

use super::link::AskError;
use crate::daemon::wire::{Refused, Why};

/// The most problems that are told.
const MOST_DETAILS: usize = 100;
/// The most bytes of one.
const LONGEST: usize = 4096;
/// The most bytes of all: in JSON each may become six, and they must fit into one message.
const MOST_BYTES: usize = 128 << 10;

/// A refusal with nothing but its sentence.
pub(super) fn refusal(code: Code, sentence: impl Into<String>) -> Refusal {
    let mut sentence = sentence.into();
    sentence.truncate(sentence.floor_char_boundary(LONGEST));
    Refusal { code, sentence, details: Vec::new() }
}

/// A refusal with all that is wrong.
pub(super) fn with_details(code: Code, sentence: &str, details: impl Iterator<Item = String>) -> Refusal {
    let mut told: Vec<String> = Vec::new();
    let (mut bytes, mut more) = (0, 0);
    for detail in details {
        let Refusal { sentence: detail, .. } = refusal(code, detail);
        bytes += detail.len();
        if told.len() < MOST_DETAILS && bytes <= MOST_BYTES {
            told.push(detail);
        } else {
            more += 1;
        }
    }
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    Refusal { details: told, ..refusal(code, sentence) }
}

/// What is wrong with a policy.
pub(super) fn problems(code: Code, problems: &Problems) -> Refusal {
    let sentence = match code {
        Code::HostRules => "the policy asks for what this host's rules do not allow",
        _ => "the policy has errors",
    };
    with_details(code, sentence, problems.iter().map(ToString::to_string))
}

impl From<Refused> for Refusal {
    fn from(Refused { why, sentence }: Refused) -> Self {
        let code = match why {
            Why::NotAllowed => Code::NotAllowed,
            Why::Process => Code::Process,
            Why::NoSuchSession => Code::NoSuchSession,
            Why::Limit => Code::Limit,
            Why::Kernel => Code::Kernel,
            Why::Behind => Code::Behind,
        };
        refusal(code, sentence)
    }
}

impl From<Denied> for Wrapped {
    fn from(denied: Denied) -> Self {
        Self(refusal(Code::NotAllowed, denied.to_string()))
    }
}

impl From<AskError> for Wrapped {
    fn from(error: AskError) -> Self {
        let code = match error {
            AskError::Gone => Code::Stopping,
            AskError::TooLong(_) => Code::Limit,
        };
        Self(refusal(code, error.to_string()))
    }
}

/// A refusal that `?` makes of other errors.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrapped(pub(super) Refusal);

impl From<Refusal> for Wrapped {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl From<Refused> for Wrapped {
    fn from(refused: Refused) -> Self {
        Self(refused.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_always_fits_into_a_message() {
        let long = "\u{1}".repeat(10_000);
        let told = with_details(Code::Policy, &long, (0..500).map(|_| long.clone()));
        assert!(serde_json::to_vec(&told).unwrap().len() < control::MAX_TOLD);
        assert_eq!(told.details.last().unwrap(), "and 468 more");
        let short = with_details(Code::Policy, "x", (0..101).map(|n| n.to_string()));
        assert_eq!((short.details.len(), short.details[100].as_str()), (101, "and 1 more"));
    }
}
