//! Servers in few words.

use pins::{Change, Item, List, Lock, Report, Surface, Told, Tool, compare_server};
use serde_json::value::{RawValue, to_raw_value};

pub(crate) fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).expect("JSON")
}

pub(crate) fn tool(json: &str) -> Tool {
    Tool::read(&raw(json)).expect("a tool")
}

/// A tool with a description and nothing else.
pub(crate) fn described(name: &str, description: &str) -> Tool {
    let value = serde_json::json!({ "name": name, "description": description });
    Tool::read(&to_raw_value(&value).expect("JSON")).expect("a tool")
}

pub(crate) fn surface(tools: &[Tool]) -> Surface {
    let mut surface = Surface::default();
    tools.iter().for_each(|tool| surface.add_tool(tool.clone()).expect("room"));
    surface.complete(List::Tools);
    surface
}

pub(crate) fn with_item(mut surface: Surface, list: List, json: &str) -> Surface {
    surface.add(Item::read(list, &raw(json)).expect("an item")).expect("room");
    surface.complete(list);
    surface
}

pub(crate) fn instructions(text: &str) -> Told {
    Told { name: Some("files".into()), version: Some("1".into()), instructions: Some(text.into()) }
}

pub(crate) fn lock(surface: &Surface) -> Lock {
    let mut lock = Lock::default();
    lock.accept("files", surface).expect("room");
    lock
}

/// Stands for the caller's scanner.
pub(crate) fn suspicion(text: &str) -> Option<String> {
    text.to_lowercase().contains("ignore previous").then(|| "hidden instructions".to_owned())
}

pub(crate) fn report(old: &Surface, new: &Surface) -> Report {
    let lock = lock(old);
    compare_server(lock.server("files").expect("accepted"), new, &suspicion)
}

/// `weight what place: reasons`.
pub(crate) fn told(changes: &[Change]) -> Vec<String> {
    let one = |change: &Change| {
        let what = format!("{:?}", change.what).to_lowercase();
        format!("{} {what} {}: {}", change.weight, change.place, change.reasons.join("; "))
    };
    changes.iter().map(one).collect()
}
