//! Secrets: whatever form they come in, they are not in the log.

use std::sync::Arc;

use audit::*;
use base64::prelude::*;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::room::{Room, end, noise};

/// Secrets of 8 bytes and more: tokens, phrases with quotes and line breaks, any characters.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9_/+=-]{8,80}",
        "[a-z \"\\\\/%&+\n\t{}\\[\\]:,]{10,40}",
        "\\PC{8,30}",
        "[0-9]{8,30}",
    ]
    .prop_filter("blanks around it are not part of a secret", |s| s.trim_ascii().len() >= 8)
    .prop_filter("the marker's own words", |s| !"[redacted:TOKEN]".contains(s.trim()))
}

fn percent(text: &str, keep: impl Fn(u8) -> bool, upper: bool) -> String {
    let each = |byte: u8| match (keep(byte), upper) {
        (true, _) => char::from(byte).to_string(),
        (false, true) => format!("%{byte:02X}"),
        (false, false) => format!("%{byte:02x}"),
    };
    text.bytes().map(each).collect()
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The text in each form that the redactor promises to know.
fn encodings(text: &str) -> Vec<String> {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let json = serde_json::to_string(text).unwrap();
    let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
    let mut all = vec![
        text.to_owned(),
        percent(text, unreserved, true),
        percent(text, unreserved, false),
        percent(text, |_| false, true),
        percent(text, unreserved, true).replace("%20", "+"),
        json[1..json.len() - 1].to_owned(),
        escaped,
        hex(text),
        hex(text).to_uppercase(),
        hex(text)
            .chars()
            .enumerate()
            .map(|(i, c)| if i % 3 == 0 { c.to_ascii_uppercase() } else { c })
            .collect(),
    ];
    for before in ["", "x", "xy"] {
        let plain = format!("{before}{text}");
        all.extend([BASE64_STANDARD.encode(&plain), BASE64_URL_SAFE_NO_PAD.encode(format!("{plain}z"))]);
    }
    let wrapped: Vec<String> = all[10..]
        .iter()
        .map(|code| {
            code.as_bytes()
                .chunks(7)
                .map(|c| std::str::from_utf8(c).unwrap())
                .collect::<Vec<_>>()
                .join("\r\n")
        })
        .collect();
    all.extend(wrapped);
    all
}

/// Everything that a reader could turn the text back into.
fn decodings(text: &str) -> Vec<String> {
    let bytes = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let joined: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let mut all = vec![text.to_owned(), joined.clone()];
    all.extend(serde_json::from_str::<String>(&format!("\"{text}\"")));
    all.push(bytes(percent_decode(text)));
    all.push(bytes(percent_decode(&text.replace('+', " "))));
    // base64 and hex runs, whatever stands around them.
    for run in joined.split(|c: char| !(c.is_ascii_alphanumeric() || "+/-_".contains(c))) {
        let standard = run.replace('-', "+").replace('_', "/");
        for start in 0..standard.len().min(4) {
            let part = &standard[start..];
            let whole = &part[..part.len() - part.len() % 4];
            all.extend(BASE64_STANDARD.decode(whole).map(bytes));
            all.extend(BASE64_STANDARD_NO_PAD.decode(part).map(bytes));
        }
        for start in 0..run.len().min(2) {
            let pairs = run.as_bytes()[start..].chunks_exact(2);
            all.push(bytes(
                pairs.filter_map(|p| u8::from_str_radix(std::str::from_utf8(p).ok()?, 16).ok()).collect(),
            ));
        }
    }
    all
}

fn percent_decode(text: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let pair = rest.get(1..3).filter(|_| *first == b'%').and_then(|p| std::str::from_utf8(p).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => (out.push(byte), rest = &rest[3..]),
            None => (out.push(*first), rest = tail),
        };
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_form_of_a_secret_comes_through(secret in secret(), before in "[ -~]{0,12}", after in "[ -~]{0,12}") {
        let redactor = Redactor::new([("TOKEN", &secret)]);
        let core = secret.trim_ascii();
        for (number, encoded) in encodings(&secret).into_iter().enumerate() {
            let text = format!("{before} {encoded} {after}");
            let clean = redactor.text(&text);
            prop_assert!(clean.contains("[redacted:TOKEN]"), "form {}: {:?} → {:?}", number, text, clean);
            for decoded in decodings(&clean) {
                prop_assert!(!decoded.contains(core), "form {}: {:?} → {:?}", number, text, clean);
            }
        }
    }

    #[test]
    fn no_secret_reaches_the_file(secret in secret(), secret2 in secret(), form in 0..18_usize) {
        let secrets = [("TOKEN", secret.clone()), ("OTHER", secret2.clone())];
        let redactor = Arc::new(Redactor::new(secrets));
        let room = Room::new();
        let mut log = Log::open(LogConfig { redactor: redactor.clone(), ..room.config("s1") }).unwrap();
        let said = encodings(&secret)[form].clone();
        let arguments = json!({"a": {"b": [said, format!("Bearer {secret}")]}, secret.clone(): 1, "n": 5, "o": secret2});
        let given = redactor.json(&arguments.to_string(), Detail::Redacted);
        // Both what went through `json` and what did not must be clean in the file.
        for arguments in [given, Some(arguments)] {
            log.write(Body::ToolCall(ToolCall {
                call: 1,
                request_id: format!("\"{said}\""),
                tool: secret.clone(),
                arguments,
                argument_bytes: 9,
                caller: Some(secret.clone()),
                verdict: Verdict::Refused,
                cause: Some(Cause::ToolDisabled),
                rule: Some(RuleRef { text: said.clone(), source: secret.clone(), reason: Some(said.clone()), ..RuleRef::default() }),
                reason: Some(format!("no {secret2}!")),
                limit: None,
                waited_ms: 0,
                classes: vec![],
            })).unwrap();
        }
        log.write(noise(&format!("stderr: {said}"))).unwrap();
        log.write(end()).unwrap();
        log.close().unwrap();
        prop_assert_eq!(verify(&room.path()).unwrap().records, 4);
        for record in room.records() {
            let mut texts = Vec::new();
            strings(&serde_json::to_value(&record.body).unwrap(), &mut texts);
            for text in texts.iter().flat_map(|text| decodings(text)) {
                prop_assert!(!text.contains(secret.trim_ascii()), "{:?}", text);
                prop_assert!(!text.contains(secret2.trim_ascii()), "{:?}", text);
            }
        }
    }

    #[test]
    fn texts_without_a_secret_stay_as_they_are(text in "\\PC{0,200}") {
        let redactor = Redactor::new([("TOKEN", "\u{1}never in a printable text\u{1}")]);
        prop_assert_eq!(redactor.text(&text), text.as_str());
    }

    #[test]
    fn any_json_is_recorded_within_bounds(text in "\\PC{0,200}", detail in prop::sample::select(vec![Detail::Names, Detail::Redacted])) {
        prop_assert!(Redactor::none().json(&text, detail).is_some());
    }
}

/// Every text of a value that is not one of the vocabulary's own words.
fn strings(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| strings(value, found)),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            found.push(name.clone());
            strings(value, found);
        }),
        _ => {}
    }
}
