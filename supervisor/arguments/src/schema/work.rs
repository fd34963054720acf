//! What it costs to hold one instance against a schema, counted before it is done.

use serde_json::Value;

use super::cost::Cost;
use super::keywords::{Target, for_each, references, repeats};
use super::references::targets;
use crate::check::MAX_DEPTH;

/// Steps that any instance may take.
const STEPS: u64 = 200_000;
/// Steps for each value of an instance: large results are applied to large schemas.
const STEPS_A_VALUE: u64 = 64;
/// Calls that stand on the stack at once.
const MAX_CALLS: usize = 2000;

/// Whether the steps are bounded. An instance that must be bounded by its size alone is not walked through.
pub(super) fn is_affordable(document: &Value, cost: Cost, instance: &Value) -> bool {
    let Some(size) = Size::of(instance, 0) else { return false };
    if size.depth * cost.chain > MAX_CALLS {
        return false;
    }
    if !cost.recurs && cost.steps.saturating_mul(size.values) <= STEPS {
        return true;
    }
    let left = STEPS + size.values.saturating_mul(STEPS_A_VALUE);
    Walk { document, left }.apply(document, instance).is_some()
}

struct Size {
    values: u64,
    depth: usize,
}

impl Size {
    /// None when it is deeper than JSON is read.
    fn of(value: &Value, depth: usize) -> Option<Self> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut size = Self { values: 1, depth: depth + 1 };
        for inner in children(value) {
            let inner = Self::of(inner, depth + 1)?;
            size = Self { values: size.values + inner.values, depth: size.depth.max(inner.depth) };
        }
        Some(size)
    }
}

fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(elements) => Box::new(elements.iter()),
        Value::Object(members) => Box::new(members.values()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Box::new(std::iter::empty()),
    }
}

/// As a validator that never stops early would go.
struct Walk<'a> {
    document: &'a Value,
    left: u64,
}

impl<'a> Walk<'a> {
    fn apply(&mut self, schema: &'a Value, instance: &Value) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        let Value::Object(keywords) = schema else { return Some(()) };
        for _ in 0..repeats(keywords) {
            for_each(keywords, &mut |target, inner| self.inner(target, inner, instance).ok_or(())).ok()?;
            for reference in references(keywords) {
                for meant in targets(self.document, reference) {
                    self.apply(meant, instance)?;
                }
            }
        }
        Some(())
    }

    fn inner(&mut self, target: Target<'a>, schema: &'a Value, instance: &Value) -> Option<()> {
        match target {
            Target::Same => self.apply(schema, instance),
            Target::Member(name) => instance.get(name).map_or(Some(()), |member| self.apply(schema, member)),
            Target::Element(at) => instance.get(at).map_or(Some(()), |element| self.apply(schema, element)),
            Target::Each => children(instance).try_for_each(|child| self.apply(schema, child)),
        }
    }
}
