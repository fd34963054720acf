//! Refusals, and what they are made of.

use control::message::{Code, Refusal};
use control::rights::Denied;
use policy::Problems;

use super::link::AskError;
use crate::daemon::wire::{Refused, Why};

/// The most problems that are told, and the most bytes of each: a refusal fits into one message.
const MOST_DETAILS: usize = 100;
const LONGEST: usize = 4096;

/// A refusal with nothing but its sentence.
pub(super) fn refusal(code: Code, sentence: impl Into<String>) -> Refusal {
    let mut sentence = sentence.into();
    sentence.truncate(sentence.floor_char_boundary(LONGEST));
    Refusal { code, sentence, details: Vec::new() }
}

/// A refusal with all that is wrong.
pub(super) fn with_details(code: Code, sentence: &str, details: impl Iterator<Item = String>) -> Refusal {
    let mut details: Vec<String> = details.map(|detail| refusal(code, detail).sentence).collect();
    let more = details.len().saturating_sub(MOST_DETAILS);
    if more > 0 {
        details.truncate(MOST_DETAILS);
        details.push(format!("and {more} more"));
    }
    Refusal { details, ..refusal(code, sentence) }
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
