//! Other copies of a secret that was found, with something in them that nobody sees: whoever leaves that out has the secret.

use content::{Classes, Scanner, invisible, placeholder, redacted};

/// What stands between letters, and what escapes of a terminal do.
const INSIDE: [&str; 13] = [
    "\u{200b}",
    "\u{200d}",
    "\u{ad}",
    "\u{2060}",
    "\u{feff}",
    "\u{202e}",
    "\u{e0020}",
    "\u{fe0f}",
    "\u{7}",
    "\u{3164}",
    "\u{1b}[0m",
    "\u{1b}]0;x\u{7}",
    "\u{1b}",
];

fn clean(text: &str) -> String {
    let scanner = Scanner::shipped().expect("the packs can be read");
    redacted(text, &scanner.scan(text, Classes::SECRET), placeholder)
}

#[test]
fn copies_with_something_invisible_inside_go_too() {
    let said = "url postgres://app:[redacted: url-password]@db/x, and again [redacted: url-password]";
    for by in INSIDE {
        for copy in ["h4rd~To9uess", "h~4~r~d~T~o~9~u~e~s~s"] {
            let text = format!("url postgres://app:h4rdTo9uess@db/x, and again {}", copy.replace('~', by));
            assert_eq!(clean(&text), said, "{text:?}");
        }
    }
}

#[test]
fn no_secret_comes_together_when_the_invisible_is_cut_out() {
    for by in INSIDE {
        for (known, copy) in [
            ("h4rdTo9uess", "h4rd~To9uess"),
            ("h4rd~To9uess", "h4rdTo9uess"),
            ("h4rd~To9uess", "h4~rdTo9ue~ss"),
        ] {
            let text = format!("url postgres://app:{known}@db/x, and again {copy}").replace('~', by);
            let left = invisible::removed(&clean(&text));
            assert!(!left.contains("h4rdTo9uess"), "{text:?} {left:?}");
        }
    }
}
