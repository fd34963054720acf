//! What a schema costs, told before it is compiled: two references that each mean two more double with every step.

use std::collections::HashMap;

use serde_json::Value;

use super::SchemaError;
use super::keywords::{Target, for_each, references, repeats};
use super::references::targets;
use crate::excerpt::Excerpt;

/// Steps of the schema when every part of it is applied.
const MAX_STEPS: u64 = 10_000;
/// Parts that are applied to the same value, one within the other.
const MAX_CHAIN: usize = 64;
/// Parts that are applied one within the other, through references as well.
const MAX_NESTED: usize = 256;

/// What a schema costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    /// Steps, if nothing in it recurs.
    pub(super) steps: u64,
    /// Parts that are applied to the same value, one within the other.
    pub(super) chain: usize,
    /// Whether a part is applied to what lies within what it was applied to before.
    pub(super) recurs: bool,
}

/// Bounds of a schema that refers to itself in no harmful way.
pub(super) fn survey(document: &Value) -> Result<Cost, SchemaError> {
    let mut survey = Survey { document, seen: HashMap::new(), chains: HashMap::new(), recurs: false };
    let all = survey.all(document, 0)?;
    let mut same = Reach { parts: 0, steps: 0 };
    for part in survey.seen.keys().copied().collect::<Vec<_>>() {
        same = same.max(survey.same(part.0, 0)?);
    }
    // Where parts recur, steps depend on the instance and are counted then.
    match same.steps > MAX_STEPS || (all.steps > MAX_STEPS && !survey.recurs) {
        true => Err(SchemaError::TooCostly),
        false => Ok(Cost { steps: all.steps, chain: same.parts, recurs: survey.recurs }),
    }
}

/// What a part applies, itself included.
#[derive(Clone, Copy)]
struct Reach {
    /// One within the other.
    parts: usize,
    /// In all.
    steps: u64,
}

impl Reach {
    const ONE: Self = Self { parts: 1, steps: 1 };

    fn max(self, other: Self) -> Self {
        Self { parts: self.parts.max(other.parts), steps: self.steps.max(other.steps) }
    }

    fn with(self, inner: Self, times: u64) -> Self {
        let steps = self.steps.saturating_add(inner.steps.saturating_mul(times));
        Self { parts: self.parts.max(inner.parts + 1), steps }
    }

    fn bounded(self, most: usize) -> Result<Self, SchemaError> {
        if self.parts > most { Err(SchemaError::TooDeep) } else { Ok(self) }
    }
}

/// A part is known by where it stands, not by what it says.
#[derive(Clone, Copy)]
struct Part<'a>(&'a Value);

impl PartialEq for Part<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Part<'_> {}

impl std::hash::Hash for Part<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        std::ptr::hash(self.0, state);
    }
}

struct Survey<'a> {
    document: &'a Value,
    /// What each part applies; none while it is counted.
    seen: HashMap<Part<'a>, Option<Reach>>,
    /// The same of what is applied to the same value.
    chains: HashMap<Part<'a>, Option<Reach>>,
    recurs: bool,
}

impl<'a> Survey<'a> {
    fn all(&mut self, part: &'a Value, depth: usize) -> Result<Reach, SchemaError> {
        match self.seen.get(&Part(part)) {
            Some(Some(known)) => return Ok(*known),
            Some(None) => {
                self.recurs = true;
                return Ok(Reach::ONE);
            }
            None if depth > MAX_NESTED => return Err(SchemaError::TooDeep),
            None => self.seen.insert(Part(part), None),
        };
        let mut reach = Reach::ONE;
        let again = part.as_object().map_or(1, repeats);
        for (target, inner) in applied(self.document, part)? {
            let times = if target == Target::Same { again } else { 1 };
            reach = reach.with(self.all(inner, depth + 1)?, times).bounded(MAX_NESTED)?;
        }
        self.seen.insert(Part(part), Some(reach));
        Ok(reach)
    }

    fn same(&mut self, part: &'a Value, depth: usize) -> Result<Reach, SchemaError> {
        match self.chains.get(&Part(part)) {
            Some(Some(known)) => return Ok(*known),
            Some(None) => return Err(SchemaError::Endless),
            None if depth > MAX_CHAIN => return Err(SchemaError::TooDeep),
            None => self.chains.insert(Part(part), None),
        };
        let mut reach = Reach::ONE;
        let again = part.as_object().map_or(1, repeats);
        for (target, inner) in applied(self.document, part)? {
            if target == Target::Same {
                reach = reach.with(self.same(inner, depth + 1)?, again).bounded(MAX_CHAIN)?;
            }
        }
        self.chains.insert(Part(part), Some(reach));
        Ok(reach)
    }
}

/// The schemas that a part applies, also by reference.
fn applied<'a>(document: &'a Value, part: &'a Value) -> Result<Vec<(Target<'a>, &'a Value)>, SchemaError> {
    let mut applied = Vec::new();
    let Value::Object(schema) = part else { return Ok(applied) };
    for_each(schema, &mut |target, inner| {
        applied.push((target, inner));
        Ok(())
    })?;
    for reference in references(schema) {
        let meant = targets(document, reference);
        if meant.is_empty() {
            return Err(SchemaError::Dangling(Excerpt::of(reference)));
        }
        applied.extend(meant.into_iter().map(|target| (Target::Same, target)));
    }
    Ok(applied)
}
