//! What is found in a text, and what is to be done about it.

use std::borrow::Cow;
use std::ops::Range;

use content::{
    Allowed, Class, Classes, Findings, OWN_SECRET, Scanner, Severity, Visible, invisible, placeholder,
    redacted, visible,
};
use policy::plan::{RuleId, Treatment, Treatments};

use super::Screen;

/// Kinds of findings that one fact tells of; more are put together with the last.
const MOST: usize = 32;
/// Characters of an excerpt.
const EXCERPT: usize = 160;
/// Found where the search had to end early, and where there was none.
const UNSEARCHED: &str = "unsearched";

/// Something that was found in a text, however often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The name of the rule that finds it, or of the kind of character.
    pub name: String,
    /// What it is.
    pub kind: FindingKind,
    /// What is done about it.
    pub treatment: Treatment,
    /// The policy rule that says so.
    pub rule: RuleId,
    /// How often; at least 1.
    pub count: u64,
    /// The first of them with everything invisible spelled out; none of secrets and personal data.
    pub excerpt: Option<String>,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// A secret.
    Secret,
    /// Personal data.
    PersonalData,
    /// A text that speaks to a model as its user or system would.
    HiddenInstructions,
    /// A text that would carry data out.
    Exfiltration,
    /// Something that a person does not see.
    InvisibleCharacters,
}

/// One place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) span: Range<usize>,
    pub(super) name: Cow<'static, str>,
    pub(super) kind: FindingKind,
    pub(super) treatment: Treatment,
    pub(super) rule: RuleId,
    /// How many like it this one stands for.
    pub(super) count: u64,
}

impl Screen {
    /// Everything that is looked for, by place.
    pub(super) fn hits(&self, text: &str, treatments: &Treatments) -> Vec<Hit> {
        let mut hits = self.searched(text, treatments);
        hits.extend(self.own(text, treatments));
        hits.extend(self.invisible(text, treatments));
        hits.sort_by_key(|hit| (hit.span.start, std::cmp::Reverse(hit.span.end)));
        hits
    }

    /// What the rule packs find.
    fn searched(&self, text: &str, treatments: &Treatments) -> Vec<Hit> {
        let wanted = wanted(treatments);
        if wanted == Classes::NONE {
            return Vec::new();
        }
        let Ok(scanner) = Scanner::shipped() else {
            return unsearched(text, treatments).into_iter().collect();
        };
        let mut findings = scanner.scan(text, wanted);
        if !self.allowed.is_empty() {
            findings = findings.without(text, &self.allowed, (self.today)());
        }
        let mut hits: Vec<Hit> = findings.iter().filter_map(|finding| hit(finding, treatments)).collect();
        hits.extend(self.copies(text, &findings, treatments));
        if findings.cut_short() {
            hits.extend(unsearched(text, treatments));
        }
        hits.extend(findings.unlisted().filter_map(|(rule, count)| unlisted(text, rule, count, treatments)));
        hits
    }

    /// Where secrets that were found stand once more.
    fn copies(&self, text: &str, findings: &Findings, treatments: &Treatments) -> Vec<Hit> {
        let redacts = treatments.secrets.is_some_and(|(treatment, _)| treatment >= Treatment::Redact);
        if !redacts || findings.is_empty() {
            return Vec::new();
        }
        let copies = content::copies(text, findings).into_iter();
        copies.filter_map(|(span, finding)| Some(Hit { span, ..hit(finding, treatments)? })).collect()
    }

    /// The session's own secrets.
    fn own(&self, text: &str, treatments: &Treatments) -> Vec<Hit> {
        let Some((treatment, rule)) = treatments.secrets else { return Vec::new() };
        let found = self.secrets.find(text).into_iter().chain(self.split(text));
        let found = found.filter(|(span, _)| !self.is_allowed(OWN_SECRET, &text[span.clone()]));
        let hit = |(span, name): (Range<usize>, String)| Hit {
            span,
            name: format!("{OWN_SECRET}: {name}").into(),
            kind: FindingKind::Secret,
            treatment,
            rule,
            count: 1,
        };
        found.map(hit).collect()
    }

    /// The session's own secrets with something in them that nobody sees, which a reader leaves out.
    fn split(&self, text: &str) -> Vec<(Range<usize>, String)> {
        let of = |seen: &Visible| {
            let found = self.secrets.find(seen.text()).into_iter();
            let found = found.map(|(range, name)| (seen.source(&range), range.len(), name));
            // The others stand in the text itself.
            let split = found.filter(|(span, length, _)| span.len() > *length);
            split.map(|(span, _, name)| (span, name)).collect::<Vec<_>>()
        };
        visible(text).iter().flat_map(of).collect()
    }

    fn invisible(&self, text: &str, treatments: &Treatments) -> Vec<Hit> {
        let Some((treatment, rule)) = treatments.invisible_characters else { return Vec::new() };
        let spans = invisible::find(text)
            .filter(|span| !self.is_allowed(span.kind.name(), &text[span.range.clone()]));
        let hit = |span: invisible::Span| Hit {
            span: span.range,
            name: span.kind.name().into(),
            kind: FindingKind::InvisibleCharacters,
            treatment,
            rule,
            count: 1,
        };
        match treatment {
            // Nothing is cut out: where each of them stands nobody asks.
            Treatment::Flag => together(spans.map(hit)),
            _ => spans.map(hit).collect(),
        }
    }

    fn is_allowed(&self, name: &str, found: &str) -> bool {
        let covers = |allowed: &Allowed| {
            let Allowed { rule, text, until } = allowed;
            rule.as_deref() == Some(name)
                && text.as_deref().is_none_or(|text| text == found)
                && until.is_none_or(|until| (self.today)() <= until)
        };
        self.allowed.iter().any(covers)
    }
}

fn treatment(class: Class, treatments: &Treatments) -> Option<(Treatment, RuleId)> {
    match class {
        Class::Secret => treatments.secrets,
        Class::Pii => treatments.personal_data,
        Class::Injection => treatments.hidden_instructions,
        Class::Exfiltration => treatments.exfiltration,
    }
}

fn wanted(treatments: &Treatments) -> Classes {
    let all = [Class::Secret, Class::Pii, Class::Injection, Class::Exfiltration];
    let wanted = all.into_iter().filter(|class| treatment(*class, treatments).is_some());
    wanted.fold(Classes::NONE, |classes, class| classes | class.into())
}

fn hit(finding: &content::Finding, treatments: &Treatments) -> Option<Hit> {
    of_rule(&finding.rule, finding.span.clone(), treatments)
}

/// A rule for words that honest texts often hold, too, only flags.
fn of_rule(found: &content::Rule, span: Range<usize>, treatments: &Treatments) -> Option<Hit> {
    let class = found.class();
    let (treatment, rule) = treatment(class, treatments)?;
    let unsure = found.severity() == Severity::Low && matches!(class, Class::Injection | Class::Exfiltration);
    Some(Hit {
        span,
        name: found.id().to_owned().into(),
        kind: class.into(),
        treatment: if unsure { treatment.min(Treatment::Flag) } else { treatment },
        rule,
        count: 1,
    })
}

/// More of a rule than are listed: where the others stand nobody knows, so that nothing of them can be cut out.
fn unlisted(text: &str, rule: &content::Rule, count: usize, treatments: &Treatments) -> Option<Hit> {
    let hit = of_rule(rule, 0..text.len(), treatments)?;
    let treatment = if hit.treatment >= Treatment::Redact { Treatment::Block } else { hit.treatment };
    Some(Hit { treatment, count: count as u64, ..hit })
}

impl From<Class> for FindingKind {
    fn from(class: Class) -> Self {
        match class {
            Class::Secret => Self::Secret,
            Class::Pii => Self::PersonalData,
            Class::Injection => Self::HiddenInstructions,
            Class::Exfiltration => Self::Exfiltration,
        }
    }
}

/// The text could not be searched: where something would be cut out or blocked, it does not pass.
fn unsearched(text: &str, treatments: &Treatments) -> Option<Hit> {
    let Treatments { secrets, personal_data, hidden_instructions, exfiltration, invisible_characters: _ } =
        treatments;
    let all = [
        (FindingKind::HiddenInstructions, hidden_instructions),
        (FindingKind::Exfiltration, exfiltration),
        (FindingKind::Secret, secrets),
        (FindingKind::PersonalData, personal_data),
    ];
    let strictest = all.into_iter().filter_map(|(kind, treatment)| Some((kind, (*treatment)?)));
    let (kind, (treatment, rule)) = strictest.max_by_key(|(_, (treatment, _))| *treatment)?;
    let treatment = if treatment >= Treatment::Redact { Treatment::Block } else { treatment };
    Some(Hit { span: 0..text.len(), name: UNSEARCHED.into(), kind, treatment, rule, count: 1 })
}

/// The first hit of each name, which stands for all of them.
fn together(hits: impl Iterator<Item = Hit>) -> Vec<Hit> {
    let mut all: Vec<Hit> = Vec::new();
    for hit in hits {
        match all.iter_mut().find(|known| known.name == hit.name) {
            Some(known) => known.count += hit.count,
            None => all.push(hit),
        }
    }
    all
}

/// Equal hits put together, in the order of their first places.
pub(super) fn summed(text: &str, hits: &[Hit]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for hit in hits {
        let same = |finding: &Finding| finding.name == hit.name && finding.treatment == hit.treatment;
        let known = findings.iter().position(same).or((findings.len() >= MOST).then_some(MOST - 1));
        match known.and_then(|index| findings.get_mut(index)) {
            Some(finding) => finding.count += hit.count,
            None => findings.push(finding(text, hit)),
        }
    }
    findings
}

fn finding(text: &str, hit: &Hit) -> Finding {
    let Hit { span, name, kind, treatment, rule, count } = hit;
    let silent = matches!(kind, FindingKind::Secret | FindingKind::PersonalData);
    let excerpt = || {
        let found: String = text.get(span.clone())?.chars().take(EXCERPT).collect();
        let scanner = Scanner::shipped().ok()?;
        let clean = redacted(&found, &scanner.scan(&found, Classes::SECRET), placeholder);
        Some(invisible::made_visible(&clean))
    };
    Finding {
        name: name.clone().into_owned(),
        kind: *kind,
        treatment: *treatment,
        rule: *rule,
        count: *count,
        excerpt: (!silent && name != UNSEARCHED).then(excerpt).flatten(),
    }
}
