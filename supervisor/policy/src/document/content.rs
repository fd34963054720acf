//! What texts between client and server may hold: kinds of findings, what is done about them, what is allowed.

use std::borrow::Cow;

use content::Day;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::decode::{At, Decode, FromText, text};
use super::list::{Filled, Item, Subject};
use super::names::Literal;
use super::section::section;
use super::words::{scalar, words};
use crate::plan::Treatment;
use crate::problem::{Complaint, Report};
use crate::yaml::Node;

section! {
    /// What texts between client and server may hold, by kind. What is not named passes unseen.
    Content requires [] {
        /// Everything that the server writes to the client: answers, errors, notifications, questions, and what it says of itself and its tools.
        answers: Treatments,
        /// The arguments of calls and prompts. A call is passed on as it is or not at all.
        arguments: Screenings,
        /// The server's stderr, line by line.
        stderr: Treatments,
        /// Findings that somebody has looked at and that are no reason to act.
        allowed: Filled<Item<Allowance>>,
    }
}

section! {
    /// What is done about each kind of finding.
    Treatments requires [] {
        /// The values of `environment.secrets`, and keys and tokens in well-known forms.
        secrets: Treatment,
        /// E-mail addresses, phone numbers, card numbers, bank accounts.
        personal_data: Treatment,
        /// Texts that speak to a model as its user or system would.
        hidden_instructions: Treatment,
        /// Texts that would carry data out: images with data in their address, pipes into a shell.
        exfiltration: Treatment,
        /// Characters that a person does not see: escape sequences, tag characters, zero-width and direction controls.
        invisible_characters: Treatment,
    }
}

section! {
    /// What is done about each kind of finding in what cannot be changed.
    Screenings requires [] {
        /// The values of `environment.secrets`, and keys and tokens in well-known forms.
        secrets: Screening,
        /// E-mail addresses, phone numbers, card numbers, bank accounts.
        personal_data: Screening,
        /// Texts that speak to a model as its user or system would.
        hidden_instructions: Screening,
        /// Texts that would carry data out: images with data in their address, pipes into a shell.
        exfiltration: Screening,
        /// Characters that a person does not see: escape sequences, tag characters, zero-width and direction controls.
        invisible_characters: Screening,
    }
}

words! { "pass, flag, redact or block", Treatment {
    /// Not looked for.
    Treatment::Pass = "pass",
    /// It passes, and a record tells of it.
    Treatment::Flag = "flag",
    /// It is cut out, and a record tells of it. Where nothing can be cut out, as `block`.
    Treatment::Redact = "redact",
    /// What holds it does not pass: a tool is hidden and refused, an answer becomes an error.
    Treatment::Block = "block",
} }

/// A treatment of what cannot be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Screening {
    Pass,
    Flag,
    Block,
}

impl From<Screening> for Treatment {
    fn from(screening: Screening) -> Self {
        match screening {
            Screening::Pass => Self::Pass,
            Screening::Flag => Self::Flag,
            Screening::Block => Self::Block,
        }
    }
}

words! { "pass, flag or block", Screening {
    /// Not looked for.
    Screening::Pass = "pass",
    /// It passes, and a record tells of it.
    Screening::Flag = "flag",
    /// The call is refused.
    Screening::Block = "block",
} }

/// A finding that is no reason to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// The rule that finds it.
    pub(crate) rule: String,
    /// What stands beside it.
    pub(crate) options: AllowanceOptions,
}

section! {
    /// Which of the rule's findings are meant.
    AllowanceOptions requires [] {
        /// Only this text; without it every text that the rule finds.
        text: Literal,
        /// The last day on which this holds, in UTC.
        until: LastDay,
    }
}

/// A date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastDay(pub(crate) Day);

impl FromText for LastDay {
    const WHAT: &str = "a date";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        text.parse().map(Self).map_err(|error: content::DayError| Complaint::new(error.to_string()))
    }
}

scalar! {
    LastDay: text, json_schema!({ "type": "string", "format": "date" });
}

impl FromText for Allowance {
    const WHAT: &str = "a rule's name";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        if content::is_rule(text) {
            return Ok(Self { rule: text.to_owned(), options: AllowanceOptions::default() });
        }
        let complaint = Complaint::new(format!(
            "`{text}` is no rule that finds something; the rules' names stand in the records and in `docs/content.md`"
        ));
        Err(match super::spelling::nearest(text, content::rule_names()) {
            Some(suggestion) => complaint.instead(suggestion),
            None => complaint,
        })
    }
}

impl Subject for Allowance {
    const KEY: &str = "rule";
    type Options = AllowanceOptions;
    fn show(&self) -> String {
        self.rule.clone()
    }
    fn with(self, options: AllowanceOptions) -> Self {
        Self { options, ..self }
    }
}

impl Decode for Allowance {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        text::<Self>(node, report)
    }
}

impl JsonSchema for Allowance {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Allowance".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

/// One treatment with its place.
pub(crate) type Written = Option<At<Treatment>>;

impl From<Screenings> for Treatments {
    fn from(screenings: Screenings) -> Self {
        let Screenings { secrets, personal_data, hidden_instructions, exfiltration, invisible_characters } =
            screenings;
        let treatment =
            |at: Option<At<Screening>>| at.map(|At { value, origin }| At { value: value.into(), origin });
        Self {
            secrets: treatment(secrets),
            personal_data: treatment(personal_data),
            hidden_instructions: treatment(hidden_instructions),
            exfiltration: treatment(exfiltration),
            invisible_characters: treatment(invisible_characters),
        }
    }
}
