//! Secrets by their form, for everything that is written down.

use std::ops::Range;

use content::{Classes, Scanner};

/// The shortest run of signs that is looked at.
const RUN: usize = 16;

/// Where secrets of well-known forms stand.
///
/// The scanner is made for the first text that could hold one: it takes some milliseconds, which a start does not have.
pub(crate) fn secrets(text: &str) -> Vec<(Range<usize>, String)> {
    if !may_hold_one(text) {
        return Vec::new();
    }
    // Without the scanner nothing of the text is written down.
    let Ok(scanner) = Scanner::shipped() else { return vec![(0..text.len(), "unsearched".to_owned())] };
    let findings = scanner.scan(text, Classes::SECRET);
    let whole = findings.cut_short().then(|| (0..text.len(), "unsearched".to_owned()));
    let found = findings.iter().map(|finding| (finding.span.clone(), finding.rule.id().to_owned()));
    let copies = content::copies(text, &findings).into_iter();
    found.chain(copies.map(|(span, finding)| (span, finding.rule.id().to_owned()))).chain(whole).collect()
}

/// Keys and tokens are long runs of letters and digits with capitals or digits in them; a URL names its password between
/// `://` and `@`; what is encoded is such a run as well.
fn may_hold_one(text: &str) -> bool {
    let in_url = || text.find("://").is_some_and(|at| text[at..].contains('@'));
    let (mut run, mut telling) = (0, false);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'_' | b'-' | b'+' | b'=' | b'%' => run += 1,
            b'0'..=b'9' | b'A'..=b'Z' => (run, telling) = (run + 1, true),
            _ => (run, telling) = (0, false),
        }
        if run >= RUN && telling {
            return true;
        }
    }
    in_url()
}

#[cfg(test)]
mod tests {
    use super::{may_hold_one, secrets};

    #[test]
    fn every_example_of_the_rules_is_looked_at() {
        let scanner = content::Scanner::new().unwrap();
        let mut unseen = Vec::new();
        for rule in scanner.rules().filter(|rule| rule.class() == content::Class::Secret) {
            let texts = rule.matches().iter().filter(|text| !may_hold_one(text));
            unseen.extend(texts.map(|text| format!("{}: {}", rule.id(), text.len())));
        }
        assert!(unseen.is_empty(), "{unseen:?}");
    }

    #[test]
    fn usual_texts_of_records_are_passed_over() {
        for text in [
            "tools.create_*.require_approval: true",
            "/usr/lib/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js",
            "connect to 10.0.0.5:22 (no rule allows it)",
            "github.yaml",
        ] {
            assert!(!may_hold_one(text), "{text}");
        }
        assert!(secrets("a b c").is_empty());
        let token = ["ghp", "_g43kiJfahqSIjOugM1yTMAd7V3DnI80MbLPk"].concat();
        assert_eq!(secrets(&format!("x {token}"))[0].1, "github-token");
    }
}
