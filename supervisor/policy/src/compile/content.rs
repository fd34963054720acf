//! `content`, and the short form `responses.redact` → what is looked for in texts.

use super::Compiler;
use crate::document::At;
use crate::document::content::{Allowance, AllowanceOptions, Content, LastDay, Treatments, Written};
use crate::document::list::Item;
use crate::document::names::Literal;
use crate::document::words::{Redaction, Word};
use crate::plan::{AllowedFinding, Ask, ContentPlan, Treatment, Treatments as Treated};

impl Compiler<'_> {
    /// `redact` is the list of `responses`: what it names is written as `redact` in `content.answers`.
    pub(super) fn content(&mut self, content: Content, redact: Vec<At<Redaction>>) -> ContentPlan {
        let Content { answers, arguments, stderr, allowed } = content;
        let value = |at: Option<At<Treatments>>| at.map(|at| at.value).unwrap_or_default();
        let mut answers = value(answers);
        let short: Vec<&str> = redact.iter().map(|kind| kind.value.word()).collect();
        redact.into_iter().for_each(|kind| self.short_form(&mut answers, kind));
        let answers = self.treatments("answers", answers, &short);
        let arguments = arguments.map(|at| at.value.into()).unwrap_or_default();
        ContentPlan {
            answers,
            arguments: self.treatments("arguments", arguments, &[]),
            stderr: self.treatments("stderr", value(stderr), &[]),
            allowed: super::network::items(allowed).into_iter().map(|item| self.allowed(item)).collect(),
        }
    }

    fn short_form(&mut self, answers: &mut Treatments, At { value: kind, origin }: At<Redaction>) {
        let place = match kind {
            Redaction::Secrets => &mut answers.secrets,
            Redaction::PersonalData => &mut answers.personal_data,
            Redaction::HiddenInstructions => &mut answers.hidden_instructions,
            Redaction::Exfiltration => &mut answers.exfiltration,
            Redaction::InvisibleCharacters => &mut answers.invisible_characters,
        };
        match place {
            Some(At { value, .. }) if *value != Treatment::Redact => {
                let message = format!(
                    "`content.answers.{}` says `{}`, and this says `redact`; one of both must go",
                    kind.word(),
                    value.word()
                );
                self.ledger.report.error(&origin, message);
            }
            _ => *place = Some(At { value: Treatment::Redact, origin }),
        }
    }

    /// `short`: the kinds that are written as `responses.redact`.
    fn treatments(&mut self, whose: &str, treatments: Treatments, short: &[&str]) -> Treated {
        let Treatments { secrets, personal_data, hidden_instructions, exfiltration, invisible_characters } =
            treatments;
        let mut treated = |kind: &str, written: Written| {
            let At { value, origin } = written.filter(|at| at.value != Treatment::Pass)?;
            let text = match short.contains(&kind) {
                true => format!("responses.redact: {kind}"),
                false => format!("content.{whose}.{kind}: {}", value.word()),
            };
            Some((value, self.ledger.rule(text, &origin, None, Ask::Content)))
        };
        Treated {
            secrets: treated("secrets", secrets),
            personal_data: treated("personal_data", personal_data),
            hidden_instructions: treated("hidden_instructions", hidden_instructions),
            exfiltration: treated("exfiltration", exfiltration),
            invisible_characters: treated("invisible_characters", invisible_characters),
        }
    }

    fn allowed(&mut self, item: Item<Allowance>) -> AllowedFinding {
        let Item { value: Allowance { rule, options }, reason, origin } = item;
        let AllowanceOptions { text, until } = options;
        let from = self.ledger.rule(format!("content.allowed: {rule}"), &origin, reason, Ask::Content);
        let text = text.map(|At { value: Literal(text), .. }| text);
        AllowedFinding { rule, text, until: until.map(|At { value: LastDay(day), .. }| day), from }
    }
}
