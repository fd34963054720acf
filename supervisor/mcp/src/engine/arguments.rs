//! What a call's arguments must be: by the policy's rules, and by the schema that the server itself has told.

use std::collections::BTreeMap;
use std::rc::Rc;

use arguments::{Kind, Rule, Rules, Tree, Unknown};
use policy::plan::{ArgumentKind, ArgumentRule, Finite, RuleId, SchemaCheck, ToolRule, ToolsPlan};
use serde_json::{Map, Value};

use super::schemas::{Known, Schemas};
use crate::fact::Refusal;
use crate::value;

/// Why a call's arguments do not pass, in a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Objection {
    pub(super) reason: Refusal,
    /// `None`: no rule of the policy says it.
    pub(super) rule: Option<RuleId>,
    pub(super) sentence: String,
}

/// The rules of every tool, ready to be asked.
pub(super) struct Arguments {
    /// By [`ToolRule::key`]; no entry for a tool whose arguments no rule names.
    rules: BTreeMap<String, Rules<RuleId>>,
    tree: Rc<dyn Tree>,
}

impl Arguments {
    pub(super) fn new(tools: &ToolsPlan, tree: Rc<dyn Tree>) -> Self {
        let all =
            tools.exact.values().chain(tools.globs.iter().map(|(_, rule)| rule)).chain([&tools.default]);
        Self { rules: all.filter_map(rules_of).collect(), tree }
    }

    /// The same for another policy.
    pub(super) fn followed_by(&self, tools: &ToolsPlan) -> Self {
        Self::new(tools, Rc::clone(&self.tree))
    }

    /// Why a call does not pass. `wants_answer`: the rule by which its answer is checked against the tool's schema.
    pub(super) fn objection(
        &self,
        tool: &str,
        rule: &ToolRule,
        arguments: &[u8],
        schemas: &mut Schemas,
        wants_answer: Option<RuleId>,
    ) -> Option<Objection> {
        let rules = self.rules.get(&rule.key);
        let always = match rule.schema {
            SchemaCheck::Always(from) => Some(from),
            SchemaCheck::Known | SchemaCheck::Never => None,
        };
        if let Some(objection) = unusable(tool, schemas, always, wants_answer) {
            return Some(objection);
        }
        let schema = if rule.schema == SchemaCheck::Never { None } else { schemas.input(tool) };
        if rules.is_none() && schema.is_none() {
            return None;
        }
        // A text that was cut inside of a character has no path and no host, but the server's own schema may let it be.
        let mended = rules.is_none().then(|| value::mended(arguments));
        let arguments = match read(mended.as_deref().unwrap_or(arguments)) {
            Ok(arguments) => arguments,
            Err(error) => return Some(unreadable(&error)),
        };
        if let Some(violation) =
            rules.and_then(|rules| arguments::check(&arguments, rules, &*self.tree).err())
        {
            let rule = violation.rule.or(rule.unknown_arguments).or(Some(rule.from));
            return Some(Objection { reason: Refusal::Argument, rule, sentence: violation.to_string() });
        }
        let mismatch = schema?.validate(&Value::Object(arguments)).err()?;
        let sentence = format!("the arguments do not fit the tool's own schema: {mismatch}");
        Some(Objection { reason: Refusal::Schema, rule: always, sentence })
    }
}

/// Why a check that the policy wants in any case cannot be made.
fn unusable(
    tool: &str,
    schemas: &mut Schemas,
    input: Option<RuleId>,
    output: Option<RuleId>,
) -> Option<Objection> {
    let rule = input.or(output)?;
    let known = schemas.known(tool);
    if known == Known::Unlisted {
        let sentence =
            "its schema is not known before the server has listed it. Ask for `tools/list`, all of its \
                        pages, and call it then."
                .to_owned();
        return Some(Objection { reason: Refusal::Unlisted, rule: Some(rule), sentence });
    }
    let broken = |(rule, fault): (RuleId, String)| Objection {
        reason: Refusal::Schema,
        rule: Some(rule),
        sentence: format!("the schema that the server tells for it cannot be used: {fault}."),
    };
    let input = input.and_then(|rule| Some((rule, schemas.input_fault(tool)?)));
    input.or_else(|| output.and_then(|rule| Some((rule, schemas.output_fault(tool)?)))).map(broken)
}

fn read(arguments: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    match arguments {
        b"" | b"null" => Ok(Map::new()),
        arguments => serde_json::from_slice(arguments),
    }
}

fn unreadable(error: &serde_json::Error) -> Objection {
    let sentence = format!("the arguments cannot be read, so that they cannot be checked: {error}");
    Objection { reason: Refusal::Argument, rule: None, sentence }
}

fn rules_of(tool: &ToolRule) -> Option<(String, Rules<RuleId>)> {
    if tool.arguments.is_empty() && tool.unknown_arguments.is_none() {
        return None;
    }
    let unknown = if tool.unknown_arguments.is_some() { Unknown::Refuse } else { Unknown::Pass };
    Some((tool.key.clone(), Rules::new(tool.arguments.iter().map(rule), unknown)))
}

fn rule(ArgumentRule { name, kind, from }: &ArgumentRule) -> Rule<RuleId> {
    Rule { name: name.clone(), kind: self::kind(kind), from: *from }
}

fn kind(kind: &ArgumentKind) -> Kind {
    match kind {
        ArgumentKind::Path { within } => {
            Kind::Path { within: within.iter().map(|path| path.as_path().to_owned()).collect() }
        }
        ArgumentKind::Url { schemes, hosts, max_length } => {
            Kind::Url { schemes: schemes.clone(), hosts: hosts.clone(), max_length: *max_length }
        }
        ArgumentKind::Command { programs, max_length } => {
            Kind::Command { programs: programs.clone(), max_length: *max_length }
        }
        ArgumentKind::Sql { statements, max_length } => {
            Kind::Sql { statements: statements.clone(), max_length: *max_length }
        }
        ArgumentKind::Text { max_length } => Kind::Text { max_length: *max_length },
        ArgumentKind::Number { min, max } => {
            Kind::Number { min: min.map(Finite::get), max: max.map(Finite::get) }
        }
        ArgumentKind::Enum { values } => Kind::Enum { values: values.clone() },
        // The policy was not loaded with an expression that does not compile; one that does not nevertheless lets nothing pass.
        ArgumentKind::Pattern { pattern, max_length } => {
            Kind::pattern(pattern, *max_length).unwrap_or(Kind::Enum { values: Vec::new() })
        }
    }
}
