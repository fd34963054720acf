//! Any text: what is found has a place in it, what is cut out is gone, and what is shown or removed is not invisible any more.

#![no_main]

use std::sync::LazyLock;

use content::{Classes, Finding, Scanner, invisible, redacted};
use libfuzzer_sys::fuzz_target;

/// Stands for what was cut out; no secret holds it.
const MARK: char = '█';

static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::new().expect("the packs can be read"));

/// In order, within the text, on character boundaries.
fn fits(text: &str, spans: &[std::ops::Range<usize>]) {
    assert!(spans.iter().all(|span| span.start < span.end && text.get(span.clone()).is_some()), "{spans:?}");
    assert!(spans.is_sorted_by_key(|span| span.start), "{spans:?}");
}

fn cuts_secrets(text: &str) {
    let findings = SCANNER.scan(text, Classes::ALL);
    fits(text, &findings.iter().map(|finding| finding.span.clone()).collect::<Vec<_>>());
    // A text that ends a search early is not passed on.
    if findings.cut_short() {
        return;
    }
    let secrets = findings.of(Classes::SECRET);
    let rest = redacted(text, &secrets, |_| MARK.to_string());
    assert_eq!(rest == text, secrets.len() == 0);
    for finding in &secrets {
        let secret = &text[finding.span.clone()];
        assert!(
            secret.len() < 8 || secret == MARK.to_string() || !rest.contains(secret),
            "{secret:?} in {rest:?}"
        );
    }
    let again = SCANNER.scan(&rest, Classes::SECRET);
    let at_mark = |finding: &Finding| rest[finding.span.clone()].contains(MARK);
    assert!(text.contains(MARK) || again.cut_short() || !again.iter().any(at_mark), "{again:?} in {rest:?}");
}

fn hides_nothing(text: &str) {
    let hidden: Vec<invisible::Span> = invisible::find(text).collect();
    fits(text, &hidden.iter().map(|span| span.range.clone()).collect::<Vec<_>>());
    assert!(hidden.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
    for seen in [invisible::removed(text), invisible::made_visible(text)] {
        assert_eq!(invisible::find(&seen).next(), None, "{seen:?}");
        assert_eq!(seen == text, hidden.is_empty());
    }
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    cuts_secrets(&text);
    hides_nothing(&text);
});
