//! Secrets by their form, for everything that is written down; personal data as well where the policy keeps it from somebody.

use std::ops::Range;

use audit::Forms;
use content::{Classes, Scanner};
use policy::plan::{ContentPlan, Treatment};

/// The shortest run of signs that is looked at.
const RUN: usize = 16;
/// The fewest digits of a phone number, a card or an account.
const LEAST_DIGITS: usize = 7;

/// What is seen of a text, for secrets that are known.
pub(crate) fn seen(text: &str) -> Vec<audit::Seen> {
    let seen = content::visible(text).into_iter();
    seen.map(|seen| -> audit::Seen {
        let text = seen.text().to_owned();
        (text, Box::new(move |range| seen.source(range)))
    })
    .collect()
}

/// What is cut out of records under a policy: personal data where it is redacted or blocked anywhere.
pub(crate) fn of(ContentPlan { answers, arguments, stderr, allowed: _ }: &ContentPlan) -> Forms {
    let kept = |treatment: Option<(Treatment, _)>| treatment.is_some_and(|(how, _)| how >= Treatment::Redact);
    match [answers, arguments, stderr].into_iter().any(|treatments| kept(treatments.personal_data)) {
        true => secrets_and_personal_data,
        false => secrets,
    }
}

/// Where secrets of well-known forms stand.
///
/// The scanner is made for the first text that could hold one: it takes some milliseconds, which a start does not have.
fn secrets(text: &str) -> Vec<(Range<usize>, String)> {
    if may_hold_one(text) { found(text, Classes::SECRET) } else { Vec::new() }
}

fn secrets_and_personal_data(text: &str) -> Vec<(Range<usize>, String)> {
    let personal = text.contains('@') || text.bytes().filter(u8::is_ascii_digit).count() >= LEAST_DIGITS;
    match (may_hold_one(text), personal) {
        (false, false) => Vec::new(),
        (_, false) => found(text, Classes::SECRET),
        (_, true) => found(text, Classes::SECRET | Classes::PII),
    }
}

fn found(text: &str, classes: Classes) -> Vec<(Range<usize>, String)> {
    // Without the scanner nothing of the text is written down.
    let Ok(scanner) = Scanner::shipped() else { return vec![(0..text.len(), "unsearched".to_owned())] };
    let findings = scanner.scan(text, classes);
    let whole = findings.cut_short().then(|| (0..text.len(), "unsearched".to_owned()));
    let found = findings.iter().map(|finding| (finding.span.clone(), finding.rule.id().to_owned()));
    let copies = content::copies(text, &findings).into_iter();
    found.chain(copies.map(|(span, finding)| (span, finding.rule.id().to_owned()))).chain(whole).collect()
}

/// Keys and tokens are long runs of letters and digits with capitals or digits in them; a URL names its password between
/// `://` and `@`; what is encoded is such a run as well, and what is invisible ends none.
fn may_hold_one(text: &str) -> bool {
    let in_url = || text.find("://").is_some_and(|at| text[at..].contains('@'));
    let (mut run, mut telling) = (0, false);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'_' | b'-' | b'+' | b'=' | b'%' | b'&' | b'#' | b';' | b'\\' => run += 1,
            b'0'..=b'9' | b'A'..=b'Z' => (run, telling) = (run + 1, true),
            // What stands in an escape may be anything.
            0x1b => return true,
            0x80.. | 0x7f => {}
            byte if byte.is_ascii_control() && !byte.is_ascii_whitespace() => {}
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
    use policy::plan::{ContentPlan, RuleId, Treatment};

    use super::{may_hold_one, secrets, secrets_and_personal_data};

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
    fn what_is_split_or_encoded_is_looked_at() {
        let token = ["ghp", "_g43kiJfahqSIjOugM1yTMAd7V3DnI80MbLPk"].concat();
        let between = |sign: &str| token.chars().map(|c| format!("{c}{sign}")).collect::<String>();
        let html: String = token.bytes().map(|byte| format!("&#{byte};")).collect();
        let escaped: String = token.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
        for text in
            [between("\u{200b}"), between("\u{7}"), between("\u{1b}[0m"), between("\u{ad}"), html, escaped]
        {
            assert_eq!(
                secrets(&text).first().map(|(_, name)| name.as_str()),
                Some("github-token"),
                "{text:?}"
            );
        }
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

    #[test]
    fn personal_data_is_cut_out_where_the_policy_keeps_it_from_somebody() {
        let mut plan = ContentPlan::default();
        let text = "write to jane.doe@example.org or call +49 30 901820";
        assert!(super::of(&plan)(text).is_empty());
        plan.arguments.personal_data = Some((Treatment::Flag, RuleId(0)));
        assert!(super::of(&plan)(text).is_empty());
        plan.answers.personal_data = Some((Treatment::Redact, RuleId(0)));
        let names: Vec<String> = super::of(&plan)(text).into_iter().map(|(_, name)| name).collect();
        assert!(names.iter().any(|name| name == "email") && names.len() > 1, "{names:?}");
        assert!(super::of(&plan)("connect to 10.0.0.5:22 (no rule allows it)").is_empty());
    }

    #[test]
    fn every_example_of_personal_data_is_looked_at() {
        let scanner = content::Scanner::new().unwrap();
        for rule in scanner.rules().filter(|rule| rule.class() == content::Class::Pii) {
            for text in rule.matches() {
                assert!(!secrets_and_personal_data(text).is_empty(), "{}: {text}", rule.id());
            }
        }
    }
}
