//! Whether a record holds a call's arguments as they were sent.

use audit::ToolCall;
use serde_json::Value;

/// What stands in a record in place of what was cut out or left out.
const LEFT_OUT: [&str; 3] = ["[cut: ", "[redacted:", "[not JSON: "];

/// The words that stand for values where the policy wants names only.
const TYPES: [&str; 5] = ["string", "array", "number", "boolean", "null"];

/// What a record holds of a call's arguments.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    /// All of them, if the call has any.
    Whole(Option<Value>),
    /// Not all of them.
    Part,
}

impl Recorded {
    /// `names_only`: the policy under which the record was written wants no values.
    pub(super) fn of(call: &ToolCall, names_only: bool) -> Self {
        match &call.arguments {
            None if call.argument_bytes == 0 => Self::Whole(None),
            Some(arguments) if !names_only && is_whole(arguments, call.argument_bytes) => {
                Self::Whole(Some(arguments.clone()))
            }
            _ => Self::Part,
        }
    }
}

fn is_whole(arguments: &Value, bytes: u64) -> bool {
    let same_length = arguments.to_string().len() as u64 == bytes;
    let mut leaves = Leaves::default();
    leaves.walk(arguments);
    // Who recorded only names left type names, which have another length.
    let only_names = leaves.all_types && leaves.any && !same_length;
    // Numbers that readers would round are recorded as texts, and blanks around one may make up for its quotes.
    !leaves.left_out && !only_names && !leaves.number_as_text
}

/// What is told by the texts and names of a value.
struct Leaves {
    any: bool,
    all_types: bool,
    left_out: bool,
    number_as_text: bool,
}

impl Default for Leaves {
    fn default() -> Self {
        Self { any: false, all_types: true, left_out: false, number_as_text: false }
    }
}

impl Leaves {
    fn walk(&mut self, value: &Value) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| {
                self.mark(name);
                self.walk(value);
            }),
            Value::Array(elements) => {
                self.all_types = false;
                elements.iter().for_each(|element| self.walk(element));
            }
            Value::String(text) => {
                self.any = true;
                self.all_types &= TYPES.contains(&text.as_str());
                self.number_as_text |= is_written_as_text(text);
                self.mark(text);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => self.all_types = false,
        }
    }

    fn mark(&mut self, text: &str) {
        self.left_out |= LEFT_OUT.iter().any(|mark| text.contains(mark));
    }
}

/// Whether this is how a number is recorded that readers would not tell as it was written; others are recorded as numbers.
fn is_written_as_text(text: &str) -> bool {
    serde_json::from_str::<serde_json::Number>(text).is_ok_and(|number| number.to_string() != text)
}

/// Whether a recorded text is not the one that was sent.
pub(super) fn is_altered(text: &str) -> bool {
    LEFT_OUT.iter().any(|mark| text.contains(mark))
}
