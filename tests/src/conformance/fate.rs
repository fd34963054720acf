//! What became of a line, in the words of the table.

use serde_json::Value;

/// `there` is what the other side heard, `back` what the speaker heard.
pub(super) fn fate(line: &[u8], there: &[Vec<u8>], back: &[Vec<u8>]) -> String {
    let onward = match there {
        [] if back.is_empty() => return "dropped".to_owned(),
        [] => None,
        [same] if same == line => Some("passes".to_owned()),
        [other] => Some(instead(other).unwrap_or_else(|| "cut".to_owned())),
        many => Some(format!("{} lines", many.len())),
    };
    let answers = back.iter().map(|answer| match error_code(answer) {
        Some(code) => format!("refused {code}"),
        None if is_error(answer) => "refused isError".to_owned(),
        None => format!("answered {}", String::from_utf8_lossy(answer)),
    });
    onward.into_iter().chain(answers).collect::<Vec<_>>().join(", ")
}

/// An error of the guard's in the place of what was said.
fn instead(heard: &[u8]) -> Option<String> {
    match error_code(heard) {
        Some(code) => Some(format!("instead {code}")),
        None => is_error(heard).then(|| "instead isError".to_owned()),
    }
}

fn error_code(line: &[u8]) -> Option<i64> {
    serde_json::from_slice::<Value>(line).ok()?["error"]["code"].as_i64()
}

fn is_error(line: &[u8]) -> bool {
    serde_json::from_slice::<Value>(line).is_ok_and(|value| value["result"]["isError"] == true)
}
