//! From a call to the values that rules name.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::excerpt::Excerpt;
use crate::path::Tree;
use crate::rules::{Kind, Names, Rules, Unknown};
use crate::violation::{Violation, Why};
use crate::{choice, command, number, path, pattern, sql, text, url};

/// The most values of one call that are checked.
pub const MAX_VALUES: usize = 10_000;
/// As deep as `serde_json` reads.
pub(crate) const MAX_DEPTH: usize = 128;
/// Members through which an object of JavaScript reaches its prototype.
const INHERITED: [&str; 3] = ["__proto__", "constructor", "prototype"];

/// Whether the arguments are what the rules say. A missing argument passes: what must be there is the schema's matter.
///
/// # Errors
/// The first argument that is not what it must be.
pub fn check<R: Copy>(
    arguments: &Map<String, Value>,
    rules: &Rules<R>,
    tree: &dyn Tree,
) -> Result<(), Violation<R>> {
    let mut checking = Checking { unknown: rules.unknown, tree, left: MAX_VALUES };
    checking.members(arguments, &rules.root, Place { above: None, step: Step::Root, depth: 0 })
}

struct Checking<'a> {
    unknown: Unknown,
    tree: &'a dyn Tree,
    left: usize,
}

impl Checking<'_> {
    fn members<R: Copy>(
        &mut self,
        object: &Map<String, Value>,
        names: &Names<R>,
        place: Place<'_>,
    ) -> Result<(), Violation<R>> {
        for (name, value) in object {
            let member = place.beneath(Step::Member(name));
            match names.member(name) {
                Some(names) => self.member(value, names, member)?,
                None => self.stranger(name, names).map_err(|why| member.violation(None, why))?,
            }
        }
        Ok(())
    }

    /// Servers that compare names without case, or after normalising them, take these for ruled ones: `encoding/json`
    /// of Go reads `PATH` and `ſ` (U+017F) into fields named `path` and `s`.
    fn stranger<R>(&self, name: &str, names: &Names<R>) -> Result<(), Why> {
        match names.resembling(name) {
            Some(ruled) => Err(Why::Mistakable { ruled: Excerpt::of(&ruled) }),
            None if self.unknown == Unknown::Refuse => Err(Why::Unknown),
            None if !names.ends() && is_treacherous(name) => Err(Why::Name),
            None => Ok(()),
        }
    }

    fn member<R: Copy>(
        &mut self,
        value: &Value,
        names: &Names<R>,
        place: Place<'_>,
    ) -> Result<(), Violation<R>> {
        if value.is_null() {
            return Ok(());
        }
        for (kind, rule) in &names.rules {
            self.values(value, kind, *rule, place)?;
        }
        match names.ends() {
            true => Ok(()),
            false => self.holders(value, names, place),
        }
    }

    /// The objects that hold what is ruled: the value, or each element of it.
    fn holders<R: Copy>(
        &mut self,
        value: &Value,
        names: &Names<R>,
        place: Place<'_>,
    ) -> Result<(), Violation<R>> {
        self.count().and_then(|()| place.bounded()).map_err(|why| place.violation(None, why))?;
        match value {
            Value::Object(object) => self.members(object, names, place),
            Value::Array(elements) => elements
                .iter()
                .enumerate()
                .try_for_each(|(at, element)| self.holders(element, names, place.beneath(Step::Element(at)))),
            other => Err(place.violation(None, wrong_type("an object", other))),
        }
    }

    /// The value, or each element of it.
    fn values<R: Copy>(
        &mut self,
        value: &Value,
        kind: &Kind,
        rule: R,
        place: Place<'_>,
    ) -> Result<(), Violation<R>> {
        match value {
            Value::Array(elements) if !is_argv(kind, elements) => {
                place.bounded().map_err(|why| place.violation(Some(rule), why))?;
                elements.iter().enumerate().try_for_each(|(at, element)| {
                    self.values(element, kind, rule, place.beneath(Step::Element(at)))
                })
            }
            _ => self
                .count()
                .and_then(|()| one(value, kind, self.tree))
                .map_err(|why| place.violation(Some(rule), why)),
        }
    }

    fn count(&mut self) -> Result<(), Why> {
        self.left = self.left.checked_sub(1).ok_or(Why::TooMany)?;
        Ok(())
    }
}

/// The words of a command are one value. An array of arrays is several commands.
fn is_argv(kind: &Kind, elements: &[Value]) -> bool {
    matches!(kind, Kind::Command { .. }) && !elements.first().is_some_and(Value::is_array)
}

fn one(value: &Value, kind: &Kind, tree: &dyn Tree) -> Result<(), Why> {
    match kind {
        Kind::Path { within } => path::check(string(value)?, within, tree)?,
        Kind::Url { schemes, hosts, max_length } => url::check(string(value)?, schemes, hosts, *max_length)?,
        Kind::Command { programs, max_length } => match value {
            Value::Array(words) => command::check_words(&strings(words)?, programs, *max_length)?,
            line => command::check(string(line)?, programs, *max_length)?,
        },
        Kind::Sql { statements, max_length } => sql::check(string(value)?, statements, *max_length)?,
        Kind::Text { max_length } => text::check(string(value)?, *max_length)?,
        Kind::Number { min, max } => match value {
            Value::Number(number) => number::check(number, *min, *max)?,
            other => return Err(wrong_type("a number", other)),
        },
        Kind::Enum { values } => choice::check(value, values)?,
        Kind::Pattern { regex, max_length } => pattern::check(string(value)?, regex, *max_length)?,
    }
    Ok(())
}

fn string(value: &Value) -> Result<&str, Why> {
    value.as_str().ok_or_else(|| wrong_type("a string", value))
}

fn strings(words: &[Value]) -> Result<Vec<&str>, Why> {
    words.iter().map(string).collect()
}

fn wrong_type(wanted: &'static str, found: &Value) -> Why {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    Why::Type { wanted, found }
}

/// A name that some servers cut at a control character, or through which JavaScript reaches what all objects share: with
/// `__proto__`, a member that the call lacks is another object's.
fn is_treacherous(name: &str) -> bool {
    let mut parts = name.split(['.', '[', ']']);
    name.contains(char::is_control) || parts.any(|part| INHERITED.contains(&part))
}

/// Where a value stands, spelled out only when it is refused.
#[derive(Clone, Copy)]
struct Place<'a> {
    above: Option<&'a Place<'a>>,
    step: Step<'a>,
    depth: usize,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Member(&'a str),
    Element(usize),
}

impl Place<'_> {
    fn beneath<'b>(&'b self, step: Step<'b>) -> Place<'b> {
        Place { above: Some(self), step, depth: self.depth + 1 }
    }

    fn bounded(self) -> Result<(), Why> {
        if self.depth > MAX_DEPTH { Err(Why::TooDeep) } else { Ok(()) }
    }

    fn violation<R>(self, rule: Option<R>, why: Why) -> Violation<R> {
        let mut argument = String::new();
        self.write(&mut argument);
        Violation { argument: Excerpt::of(&argument).to_string(), rule, why }
    }

    fn write(self, name: &mut String) {
        if let Some(above) = self.above {
            above.write(name);
        }
        match self.step {
            Step::Root => {}
            Step::Member(member) => {
                let dot = if name.is_empty() { "" } else { "." };
                let _ = write!(name, "{dot}{}", Excerpt::of(member));
            }
            Step::Element(at) => {
                let _ = write!(name, "[{at}]");
            }
        }
    }
}
