//! What texts may hold.

use policy::plan::{AllowedFinding, Ask, ContentPlan, Treatment};

use crate::host::{plan, problems};

#[test]
fn treatments_and_allowances_are_rules() {
    let text = "version: 1
content:
  answers: { secrets: redact, hidden_instructions: block, personal_data: pass }
  arguments: { secrets: block }
  stderr: { invisible_characters: flag }
  allowed:
    - email
    - { rule: assigned-secret, text: abc, until: 2026-12-31, reason: made up }
";
    let plan = plan(text).unwrap();
    let ContentPlan { answers, arguments, stderr, allowed } = &plan.content;
    let treatment = |treated: Option<(Treatment, _)>| treated.map(|(treatment, _)| treatment);
    assert_eq!(treatment(answers.secrets), Some(Treatment::Redact));
    assert_eq!(treatment(answers.hidden_instructions), Some(Treatment::Block));
    assert_eq!(treatment(answers.personal_data), None);
    assert_eq!(treatment(arguments.secrets), Some(Treatment::Block));
    assert_eq!(treatment(stderr.invisible_characters), Some(Treatment::Flag));
    let rules: Vec<_> =
        plan.rules.iter().filter(|rule| rule.ask == Ask::Content).map(|rule| &rule.text[..]).collect();
    assert_eq!(
        rules,
        [
            "content.answers.secrets: redact",
            "content.answers.hidden_instructions: block",
            "content.arguments.secrets: block",
            "content.stderr.invisible_characters: flag",
            "content.allowed: email",
            "content.allowed: assigned-secret",
        ]
    );
    let (text, until) = (Some("abc".to_owned()), Some("2026-12-31".parse().unwrap()));
    let from = allowed[1].from;
    assert_eq!(allowed[1], AllowedFinding { rule: "assigned-secret".to_owned(), text, until, from });
    assert_eq!(plan.rule(from).unwrap().reason.as_deref(), Some("made up"));
}

#[test]
fn the_short_form_means_redact() {
    let plan = plan("version: 1\nresponses: { redact: [secrets, invisible_characters] }\n").unwrap();
    let treatments = plan.content.answers;
    assert_eq!(treatments.secrets.map(|(treatment, _)| treatment), Some(Treatment::Redact));
    assert_eq!(treatments.invisible_characters.map(|(treatment, _)| treatment), Some(Treatment::Redact));
    assert_eq!(treatments.exfiltration, None);
}

#[test]
fn mistakes_are_told_with_their_place() {
    let cases = [
        (
            "content: { answers: { secrets: cut } }",
            "p.yaml:2:32: error: `cut` is none of pass, flag, redact, block",
        ),
        (
            "content: { arguments: { secrets: redact } }",
            "p.yaml:2:34: error: `redact` is none of pass, flag, block",
        ),
        ("content: { answers: { secret: redact } }", "did you mean `secrets`?"),
        ("content: { allowed: [emial] }", "p.yaml:2:22: error: `emial` is no rule that finds something"),
        ("content: { allowed: [emial] }", "did you mean `email`?"),
        (
            "content: { allowed: [{ rule: email, until: 2026-02-30 }] }",
            "p.yaml:2:44: error: `2026-02-30` is no date",
        ),
        ("content: { allowed: [] }", "an empty list"),
        (
            "content: { answers: { secrets: flag } }\nresponses: { redact: [secrets] }",
            "p.yaml:3:23: error: `content.answers.secrets` says `flag`, and this says `redact`; one of both must go",
        ),
    ];
    for (text, wanted) in cases {
        let told = problems(&format!("version: 1\n{text}\n"));
        assert!(told.len() == 1 && told[0].contains(wanted), "{text}: {told:?}");
    }
}
