//! The scanner against a table, against serde_json, and against itself in other chunks.

use std::collections::HashSet;
use std::fmt;

use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Fault, MAX_DEPTH, Outline, Scanner, Slot};

fn scan(line: &[u8]) -> Result<Outline, Fault> {
    Scanner::new().whole(line)
}

#[test]
fn what_is_refused_and_why() {
    let cases: &[(&[u8], Fault)] = &[
        (b"\xef\xbb\xbf{}", Fault::ByteOrderMark),
        (b"{\"a\":\"\xc3\x28\"}", Fault::Utf8(6)),
        (b"{\"a\":\"\xed\xa0\x80\"}", Fault::Utf8(6)),
        (b"{\"a\":\"\xc0\x80\"}", Fault::Utf8(6)),
        (b"{\"a\":\"\xf4\x90\x80\x80\"}", Fault::Utf8(6)),
        (b"{\"a\":\"\xe4", Fault::Utf8(6)),
        (b"\"a\x00b\"", Fault::Control(2)),
        (b"\"a\tb\"", Fault::Control(2)),
        (b"\x0b{}", Fault::Control(0)),
        (b"{}\x00", Fault::Control(2)),
        (b"{\r}", Fault::CarriageReturn(1)),
        (b"\r{}", Fault::CarriageReturn(0)),
        (b"{}\r\r", Fault::CarriageReturn(2)),
        (b"{} {}", Fault::Grammar(3)),
        (b"{}]", Fault::Grammar(2)),
        (b"[1,]", Fault::Grammar(3)),
        (b"{\"a\":1,}", Fault::Grammar(7)),
        (b"{a:1}", Fault::Grammar(1)),
        (b"{'a':1}", Fault::Grammar(1)),
        (b"[01]", Fault::Grammar(2)),
        (b"[+1]", Fault::Grammar(1)),
        (b"[.5]", Fault::Grammar(1)),
        (b"[1.]", Fault::Grammar(3)),
        (b"[1e]", Fault::Grammar(3)),
        (b"[NaN]", Fault::Grammar(1)),
        (b"[tru]", Fault::Grammar(4)),
        (b"[\"\\x\"]", Fault::Grammar(3)),
        (b"[\"\\u12g4\"]", Fault::Grammar(6)),
        (b"[1 2]", Fault::Grammar(3)),
        (b"{\"a\" 1}", Fault::Grammar(5)),
        (b"[}", Fault::Grammar(1)),
        (b"// x", Fault::Grammar(0)),
        (b"{\"a\":", Fault::Truncated),
        (b"\"abc", Fault::Truncated),
        (b"-", Fault::Truncated),
        (b"tru", Fault::Truncated),
        (b"{\"a\":1,\"b\":2,\"a\":3}", Fault::DuplicateKey(18)),
        (b"{\"a\":1,\"\\u0061\":3}", Fault::DuplicateKey(17)),
        (b"[{\"x\":{\"\":1,\"\":3}}]", Fault::DuplicateKey(16)),
        (b"{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":3}", Fault::DuplicateKey(26)),
        (b"{\"\\ud800\":1}", Fault::LoneSurrogate(2)),
        (b"{\"\\udc00\\ud800\":1}", Fault::LoneSurrogate(2)),
    ];
    for (line, fault) in cases {
        assert_eq!(scan(line).err(), Some(*fault), "{}", String::from_utf8_lossy(line));
    }
}

#[test]
fn what_is_accepted() {
    for line in [
        "{}",
        "[]",
        " {\t} ",
        "{}\r",
        "7",
        "\"\"",
        "null",
        "-0.0e+0",
        "[1,-2.5e-3,true,false,null,\"\\u0000\\/\"]",
        "{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}",
        "{\"a\":[{\"a\":1},{\"a\":2}]}",
        "{\"A\":1,\"a\":2}",
        "\"\u{7f}\u{85}\u{2028}\u{feff}\"",
        "\"\\ud800\"",
        "1e400",
    ] {
        assert!(scan(line.as_bytes()).is_ok(), "{line}");
    }
}

#[test]
fn blank_lines_are_no_message() {
    for line in ["", " ", "\t \r", "\r"] {
        let mut scanner = Scanner::new();
        assert_eq!(scanner.scan(line.as_bytes()), Ok(()));
        assert_eq!(scanner.finish(line.as_bytes()), Ok(false), "{line:?}");
    }
}

#[test]
fn nesting_ends_somewhere() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(scan(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert_eq!(scan(nested(MAX_DEPTH + 1).as_bytes()).err(), Some(Fault::TooDeep(MAX_DEPTH as u32)));
}

/// Many keys, and many keys that a hash of the first bytes could not tell apart, cost no more than sorting.
#[test]
fn objects_with_many_keys_are_cheap() {
    let object =
        |keys: &mut dyn Iterator<Item = String>| format!("{{{}}}", keys.collect::<Vec<_>>().join(","));
    let many = object(&mut (0..300_000).map(|n| format!("\"{n}\":0")));
    let twice = object(&mut (0..300_000).map(|n| format!("\"{}\":0", n % 299_999)));
    let start = std::time::Instant::now();
    assert!(scan(many.as_bytes()).is_ok());
    assert!(matches!(scan(twice.as_bytes()), Err(Fault::DuplicateKey(_))));
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn the_outline_finds_its_members() {
    let line = br#" {"method" : "tools/call" ,"params":{"x":{"name":"no"},"name":"yes","arguments":{"name":1}},"\u0069d":7 }"#;
    let outline = scan(line).unwrap();
    let raw = |slot| outline.raw(line, slot).map(|raw| String::from_utf8_lossy(raw).into_owned());
    assert_eq!(raw(Slot::Method).as_deref(), Some(r#""tools/call""#));
    assert_eq!(raw(Slot::ParamsName).as_deref(), Some(r#""yes""#));
    assert_eq!(raw(Slot::ParamsArguments).as_deref(), Some(r#"{"name":1}"#));
    assert_eq!(raw(Slot::Id).as_deref(), Some("7"));
    assert_eq!(raw(Slot::Result), None);
    assert_eq!(raw(Slot::ResultTools), None);
}

/// A reader that refuses duplicate keys at any level, built on serde_json: slow and obvious.
struct Strict;

impl<'de> serde::de::Deserialize<'de> for Strict {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Strict)
    }
}

impl<'de> serde::de::Visitor<'de> for Strict {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate keys")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Strict, E> {
        Ok(Strict)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Strict, E> {
        Ok(Strict)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Strict, E> {
        Ok(Strict)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Strict, E> {
        Ok(Strict)
    }
    fn visit_str<E>(self, _: &str) -> Result<Strict, E> {
        Ok(Strict)
    }
    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict)
    }
    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Strict, A::Error> {
        while seq.next_element::<Strict>()?.is_some() {}
        Ok(Strict)
    }
    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Strict, A::Error> {
        let mut keys = HashSet::new();
        let mut duplicate = false;
        while let Some((key, _)) = map.next_entry::<String, Strict>()? {
            duplicate |= !keys.insert(key);
        }
        // Told at the end of the object, as the scanner does, so that both name the same fault first.
        if duplicate { Err(serde::de::Error::custom("duplicate key")) } else { Ok(Strict) }
    }
}

/// Whether two verdicts about a line agree, up to what the scanner is stricter or laxer about on purpose.
fn agree(line: &[u8]) -> Result<(), TestCaseError> {
    let reference = serde_json::from_slice::<Strict>(line).err().map(|error| error.to_string());
    let complaint = reference.as_deref().unwrap_or_default();
    match scan(line) {
        Ok(outline) => {
            // Half pairs in values and numbers beyond f64 are JSON; only serde_json's strings and floats refuse them.
            let lax = ["surrogate", "hex escape", "number out of range"]
                .iter()
                .any(|word| complaint.contains(word));
            prop_assert!(reference.is_none() || lax, "{complaint}");
            prop_assert!(lax || serde_json::from_slice::<&RawValue>(line).is_ok());
            same_meaning(line, &outline)
        }
        Err(Fault::DuplicateKey(_)) => {
            prop_assert!(reference.is_some(), "no duplicate");
            Ok(())
        }
        Err(Fault::LoneSurrogate(_)) => {
            prop_assert!(reference.is_some(), "no half pair");
            Ok(())
        }
        Err(Fault::CarriageReturn(_) | Fault::TooDeep(_)) => Ok(()),
        Err(fault) => {
            prop_assert!(reference.is_some(), "refused as {fault:?}");
            Ok(())
        }
    }
}

fn same_meaning(line: &[u8], outline: &Outline) -> Result<(), TestCaseError> {
    let Ok(value) = serde_json::from_slice::<Value>(line) else { return Ok(()) };
    let members = [
        (Slot::Id, "/id"),
        (Slot::Method, "/method"),
        (Slot::Params, "/params"),
        (Slot::ParamsName, "/params/name"),
        (Slot::ParamsArguments, "/params/arguments"),
        (Slot::Result, "/result"),
        (Slot::ResultTools, "/result/tools"),
        (Slot::ErrorCode, "/error/code"),
    ];
    for (slot, path) in members {
        // `pointer` would also look into arrays by index, but none of these keys is a number.
        let raw = outline.raw(line, slot).map(|raw| serde_json::from_slice::<Value>(raw).unwrap());
        prop_assert_eq!(raw.as_ref(), value.pointer(path), "{}", path);
    }
    Ok(())
}

fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "\\u0061",
        "b",
        "id",
        "\\u0069d",
        "method",
        "params",
        "name",
        "arguments",
        "result",
        "tools",
        "error",
        "code",
        "",
        "ä",
        "\\u00e4",
        "\\ud83d\\ude00",
        "😀",
        "\\ud83d",
        "a\\n",
    ])
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "null",
            "true",
            "false",
            "0",
            "-0",
            "12",
            "1.5e3",
            "1E-2",
            "\"\"",
            "\"x\"",
            "\"\\u0041\\n\"",
            "\"ä€😀\"",
            "\"\\ud800\"",
            "1e999",
            "\"\\\\\"",
            "\"]}\"",
        ])
        .prop_map(str::to_owned),
        "[a-zäß😀 ]{0,80}".prop_map(|text| format!("\"{text}\"")),
    ]
}

fn blank() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "", "", " ", "\t", "\r"])
}

fn json() -> impl Strategy<Value = String> {
    scalar().prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            (prop::collection::vec((inner.clone(), blank()), 0..5)).prop_map(|items| format!(
                "[{}]",
                items.iter().map(|(v, b)| format!("{b}{v}")).collect::<Vec<_>>().join(",")
            )),
            prop::collection::vec((key(), blank(), inner), 0..16).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(k, b, v)| format!("{b}\"{k}\"{b}:{v}{b}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    (
        json(),
        prop::collection::vec((any::<prop::sample::Index>(), 0..3u8, any::<prop::sample::Index>()), 0..3),
    )
        .prop_map(|(text, changes)| {
            let mut bytes = text.into_bytes();
            for (at, what, which) in changes {
                let pool = b"\"\\{}[]:,0129.eE+-tfnul \t\r\x00\x1f\x7f\xc3\xe2\xf0\x80\xbf\xffuDd8a";
                let byte = pool[which.index(pool.len())];
                let at = at.index(bytes.len() + 1);
                match what {
                    0 => bytes.insert(at, byte),
                    1 if at < bytes.len() => bytes[at] = byte,
                    _ if at < bytes.len() => drop(bytes.remove(at)),
                    _ => {}
                }
            }
            bytes
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn agrees_with_serde_json(line in nearly_json()) {
        agree(&line)?;
    }

    #[test]
    fn agrees_on_noise(line in prop::collection::vec(prop::sample::select(b"{}[]\",:\\u0d8a1-.e tn \xc3\xa4".to_vec()), 0..24)) {
        agree(&line)?;
    }

    #[test]
    fn chunks_do_not_matter(line in nearly_json(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let whole = scan(&line);
        let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(line.len() + 1)).collect();
        ends.push(line.len());
        ends.sort_unstable();
        let mut scanner = Scanner::new();
        let pieces = ends.iter().try_for_each(|end| scanner.scan(&line[..*end])).and_then(|()| scanner.finish(&line));
        let pieces = pieces.and_then(|read| read.then_some(()).ok_or(Fault::Truncated));
        prop_assert_eq!(pieces.err(), whole.as_ref().err().copied());
        if whole.is_ok() {
            prop_assert_eq!(format!("{:?}", scanner.outline()), format!("{:?}", whole.unwrap()));
        }
    }
}
