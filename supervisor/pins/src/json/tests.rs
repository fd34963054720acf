use super::{JsonError, Node};

fn canonical(text: &str) -> Result<String, JsonError> {
    Node::parse(text).map(|node| node.canonical())
}

#[test]
fn one_value_has_one_text() {
    let cases = [
        (" { \"b\" : [ 1 , 2.0 , -3e+5 ] , \"a\" : { } } ", r#"{"a":{},"b":[1,2.0,-3e+5]}"#),
        (r#"["\u0061\/\"\\\b\n", true, null]"#, r#"["a/\"\\\u0008\n",true,null]"#),
        ("\"\u{202e}\u{e0041}é\"", r#""\u202e\udb40\udc41é""#),
        ("[]", "[]"),
        (" 18446744073709551616 ", "18446744073709551616"),
        (r#""""#, r#""""#),
    ];
    for (text, wanted) in cases {
        assert_eq!(canonical(text).as_deref(), Ok(wanted), "{text}");
        assert_eq!(canonical(wanted).as_deref(), Ok(wanted), "{text}");
    }
}

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    assert_eq!(canonical(r#"{"a":1,"\u0061":2}"#), Err(JsonError::Twice("a".into())));
    assert_eq!(canonical(r#"["\ud800"]"#), Err(JsonError::Surrogate));
    for text in ["", "[", "{\"a\"}", "[1,]", "tru", "1 2", "\"", "\"\\", "{,}"] {
        assert!(matches!(canonical(text), Err(JsonError::Syntax(_))), "{text}");
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(canonical(&nested(128)).is_ok());
    assert_eq!(canonical(&nested(129)), Err(JsonError::Deep));
    assert_eq!(canonical(&nested(1_000_000)), Err(JsonError::Deep));
}
