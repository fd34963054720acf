//! What a reference within a document means.

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// The parts of the document that `#`, `#/pointer` or `#anchor` may mean. A dynamic anchor may be in several places.
pub(super) fn targets<'a>(document: &'a Value, reference: &str) -> Vec<&'a Value> {
    let fragment = reference.strip_prefix('#').unwrap_or(reference);
    let fragment = percent_decode_str(fragment).decode_utf8_lossy();
    match fragment.is_empty() || fragment.starts_with('/') {
        true => document.pointer(&fragment).into_iter().collect(),
        false => {
            let mut found = Vec::new();
            anchored(document, &fragment, &mut found);
            found
        }
    }
}

fn anchored<'a>(value: &'a Value, anchor: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(members) => {
            let named = |keyword: &str| members.get(keyword).and_then(Value::as_str);
            let own = ["$anchor", "$dynamicAnchor"].iter().any(|keyword| named(keyword) == Some(anchor));
            let old = ["$id", "id"]
                .iter()
                .any(|keyword| named(keyword).and_then(|id| id.strip_prefix('#')) == Some(anchor));
            if own || old {
                found.push(value);
            }
            members.values().for_each(|member| anchored(member, anchor, found));
        }
        Value::Array(elements) => elements.iter().for_each(|element| anchored(element, anchor, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
