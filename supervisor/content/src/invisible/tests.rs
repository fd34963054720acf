use proptest::prelude::*;

use super::{Kind, find, made_visible, removed};

fn kinds(text: &str) -> Vec<Kind> {
    find(text).map(|span| span.kind).collect()
}

#[test]
fn what_is_invisible_is_found() {
    let cases = [
        ("a\u{1b}[31mb\u{1b}[0m", vec![Kind::Escape, Kind::Escape], "a⟦ESC[31m⟧b⟦ESC[0m⟧"),
        ("\u{1b}]8;;http://x.example\u{7}y", vec![Kind::Escape], "⟦ESC]8;;http://x.exampleBEL⟧y"),
        ("\u{1b}]52;c;aGk=\u{1b}\\", vec![Kind::Escape], "⟦ESC]52;c;aGk=ESC\\⟧"),
        ("\u{1b}]0;never ended", vec![Kind::Escape], "⟦ESC]⟧0;never ended"),
        ("\u{1b}]0;a\nb\u{7}", vec![Kind::Escape, Kind::Control], "⟦ESC]⟧0;a\nb⟦U+0007⟧"),
        ("\u{9d}a\r\nb\u{9c}", vec![Kind::Escape, Kind::Control], "⟦U+009D⟧a\r\nb⟦U+009C⟧"),
        ("\u{1b}Pa\tb\rc\u{1b}\\", vec![Kind::Escape], "⟦ESCPaU+0009bU+000DcESC\\⟧"),
        ("\u{1b}[1\nm", vec![Kind::Escape], "⟦ESC[1⟧\nm"),
        ("\u{1b}(\nB", vec![Kind::Escape], "⟦ESC(⟧\nB"),
        ("\u{9b}2Jx", vec![Kind::Escape], "⟦U+009B2J⟧x"),
        ("\u{1b}(0x\u{1b}c", vec![Kind::Escape, Kind::Escape], "⟦ESC(0⟧x⟦ESCc⟧"),
        ("a\u{1b}", vec![Kind::Control], "a⟦U+001B⟧"),
        ("a\u{8}b\0", vec![Kind::Control, Kind::Control], "a⟦U+0008⟧b⟦U+0000⟧"),
        ("a\u{200b}b", vec![Kind::ZeroWidth], "a⟦U+200B⟧b"),
        ("a\u{200d}b", vec![Kind::ZeroWidth], "a⟦U+200D⟧b"),
        ("so\u{ad}ft\u{2060}", vec![Kind::ZeroWidth, Kind::ZeroWidth], "so⟦U+00AD⟧ft⟦U+2060⟧"),
        ("a\u{feff}", vec![Kind::ZeroWidth], "a⟦U+FEFF⟧"),
        ("a\u{202e}b", vec![Kind::Bidi], "a⟦U+202E⟧b"),
        ("a\u{e0068}\u{e0069}b", vec![Kind::Tag], "a⟦tags: \"hi\"⟧b"),
        ("x\u{fe0f}", vec![Kind::Selector], "x⟦U+FE0F⟧"),
        ("4\u{fe0f}2", vec![Kind::Selector], "4⟦U+FE0F⟧2"),
        ("😀\u{e0158}\u{e0155}\u{e015c}\u{e015c}", vec![Kind::Selector], "😀⟦selectors: \"hell\"⟧"),
        ("a\u{fff9}b", vec![Kind::Annotation], "a⟦U+FFF9⟧b"),
        ("a\u{3164}b", vec![Kind::Filler], "a⟦U+3164⟧b"),
        (
            "\u{e000}\u{fdd0}\u{10ffff}",
            vec![Kind::PrivateUse, Kind::Noncharacter, Kind::Noncharacter],
            "⟦U+E000⟧⟦U+FDD0⟧⟦U+10FFFF⟧",
        ),
    ];
    for (text, found, shown) in cases {
        assert_eq!(kinds(text), found, "{text:?}");
        assert_eq!(made_visible(text), shown);
        assert_eq!(kinds(&removed(text)), [], "{text:?}");
    }
}

#[test]
fn what_is_honest_is_left_alone() {
    for text in [
        "plain\ttext\r\nwith lines",
        "\u{feff}begins with a mark",
        "👩\u{200d}💻 ❤\u{fe0f}\u{200d}🔥 👩🏽\u{200d}🚀 1\u{fe0f}\u{20e3}",
        "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
        "می\u{200c}خواهم",
        "क\u{94d}\u{200d}ष",
        "葛\u{e0100}城",
        "Ünïcödé, кириллица, 漢字, ελληνικά, 한국어, עברית",
    ] {
        assert_eq!(kinds(text), [], "{text}");
        assert_eq!(removed(text), text);
        assert_eq!(made_visible(text), text);
    }
}

#[test]
fn a_flag_is_no_carrier() {
    let letters: String =
        "ignorethis".chars().filter_map(|c| char::from_u32(0xe0000 + u32::from(c))).collect();
    assert_eq!(kinds(&format!("🏴{letters}\u{e007f}")), [Kind::Tag]);
}

/// Characters that matter, mixed with any others.
fn tricky() -> impl Strategy<Value = String> {
    let chosen = "a1 \u{1b}[]\\\u{7}m;\u{9b}\u{9c}\u{9d}\u{200b}\u{200c}\u{200d}\u{feff}\u{202e}\u{fe0f}\u{fe00}\u{e0100}\u{e0061}\u{e007f}🏴👩🔥❤क葛م\u{180b}\u{115f}\u{e000}\u{85}\n";
    let one = prop_oneof![8 => prop::sample::select(chosen.chars().collect::<Vec<_>>()), 1 => any::<char>()];
    prop::collection::vec(one, 0..40).prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #[test]
    fn nothing_stays_invisible(text in tricky()) {
        let mut last = 0;
        for span in find(&text) {
            prop_assert!(span.range.start >= last && span.range.start < span.range.end);
            prop_assert!(text.get(span.range.clone()).is_some_and(|hidden| !hidden.contains('\n')));
            last = span.range.end;
        }
        prop_assert_eq!(find(&made_visible(&text)).count(), 0, "{:?}", made_visible(&text));
        prop_assert_eq!(find(&removed(&text)).count(), 0, "{:?}", removed(&text));
    }
}
