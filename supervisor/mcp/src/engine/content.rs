//! What texts may not hold: in answers, lists, notifications, questions of the server; in the arguments of calls and prompts.

use std::time::Instant;

use super::flight::Open;
use super::refusal::clipped;
use super::{Engine, methods};
use crate::fact::{Fact, Refusal, Replacement, Side};
use crate::message::Message;
use crate::scan::Slot;
use crate::screen::{Edit, Finding, Look, OnBlock, Whose, applied, blamed};
use crate::value;

/// Tools that are kept closed for what the server tells of them; of more, the list is withheld.
const MOST_CLOSED: usize = 4096;

/// What became of an answer.
pub(super) enum Screened {
    Unchanged,
    Changed(Vec<u8>),
    Withheld(Replacement),
}

/// The array of a list, whose elements stand for themselves: one that does not pass is left out.
fn listed(method: &str) -> Option<&'static str> {
    match method {
        "tools/list" => Some("tools"),
        "prompts/list" => Some("prompts"),
        "resources/list" => Some("resources"),
        "resources/templates/list" => Some("resourceTemplates"),
        _ => None,
    }
}

/// Members of parameters that name something of the protocol's: what the client would not find under another name.
const NAMES: [&str; 3] = ["taskId", "progressToken", "requestId"];
/// Those of which no part may be cut out.
const FIXED: [&str; 3] = ["uri", "url", "elicitationId"];

/// Where a fact belongs.
struct About<'a> {
    side: Side,
    method: &'a str,
    tool: Option<&'a str>,
    seq: Option<u64>,
}

impl About<'_> {
    fn fact(&self, findings: Vec<Finding>) -> Option<Fact> {
        let Self { side, method, tool, seq } = self;
        (!findings.is_empty()).then(|| Fact::Found {
            side: *side,
            method: clipped(method),
            tool: tool.map(clipped),
            seq: *seq,
            findings,
        })
    }
}

impl Engine {
    /// Looks at an answer of the server before the client sees it.
    pub(super) fn screened(
        &mut self,
        open: &Open,
        message: &Message<'_>,
        now: Instant,
        facts: &mut Vec<Fact>,
    ) -> Screened {
        if self.screen.is_idle(Whose::Answers) {
            return Screened::Unchanged;
        }
        let call = open.call.as_ref();
        let about = About {
            side: Side::Server,
            method: &open.method,
            tool: call.map(|call| &*call.tool),
            seq: call.map(|call| call.seq),
        };
        let (line, whole) = (message.line(), message.raw(Slot::Result).unwrap_or_default());
        let array =
            listed(&open.method).and_then(|key| value::member(whole, key)).filter(|raw| value::is_array(raw));
        let frame = [message.raw(Slot::Jsonrpc), message.raw(Slot::Id), array].into_iter().flatten();
        let mut skip: Vec<_> =
            frame.chain(opaque(&open.method, message)).map(|raw| place(line, raw)).collect();
        skip.sort_by_key(|range| range.start);
        let needed = matches!(&*open.method, "initialize" | "server/discover");
        let on_block = if needed { OnBlock::Blank } else { OnBlock::Withhold };
        let look = self.screen.json(Whose::Answers, line, &skip, on_block);
        let mut edits = match look {
            Look::Blocked(findings) => return self.blocked_answer(&about, findings, facts),
            Look::Passed(findings) => {
                facts.extend(about.fact(findings));
                Vec::new()
            }
            Look::Cut(findings, edits) => {
                facts.extend(about.fact(findings));
                edits
            }
        };
        if let Some(array) = array {
            // One answer may have any number of elements.
            let mut found = Vec::new();
            let elements = self.elements(&about, array, &mut found);
            found.into_iter().for_each(|fact| self.server_flood.note(fact, now, facts));
            match elements {
                Ok(Some(by)) => edits.push(Edit { range: place(line, array), by }),
                Ok(None) => {}
                Err(withheld) => return Screened::Withheld(withheld),
            }
            edits.sort_by_key(|edit| edit.range.start);
        }
        match edits.is_empty() {
            true => Screened::Unchanged,
            false => Screened::Changed(applied(line, &edits)),
        }
    }

    fn blocked_answer(&self, about: &About<'_>, findings: Vec<Finding>, facts: &mut Vec<Fact>) -> Screened {
        let replacement = replacement(&findings);
        facts.extend(about.fact(findings));
        Screened::Withheld(replacement)
    }

    /// The list without what does not pass; `None` if it stays as it is.
    fn elements(
        &mut self,
        about: &About<'_>,
        array: &[u8],
        facts: &mut Vec<Fact>,
    ) -> Result<Option<Vec<u8>>, Replacement> {
        let (mut kept, mut changed) = (Vec::new(), false);
        for element in value::elements(array) {
            let name = value::member(element, "name").and_then(value::string).unwrap_or_default();
            let about = About { tool: Some(&name), ..*about };
            let is_tool = about.method == "tools/list";
            match self.element(&about, element) {
                Look::Passed(findings) => {
                    facts.extend(about.fact(findings));
                    kept.push(element.to_vec());
                }
                Look::Cut(findings, edits) => {
                    changed = true;
                    facts.extend(about.fact(findings));
                    kept.push(applied(element, &edits));
                }
                Look::Blocked(findings) => {
                    changed = true;
                    if is_tool {
                        self.close_for(&name, &findings)?;
                    }
                    facts.extend(about.fact(findings));
                    continue;
                }
            }
            if is_tool {
                self.poisoned.remove(&name);
            }
        }
        Ok(changed.then(|| [&b"["[..], &kept.join(&b','), b"]"].concat()))
    }

    /// A tool is called by its name and a resource by its address, so these are not changed.
    fn element(&self, about: &About<'_>, element: &[u8]) -> Look {
        let look = self.screen.json(Whose::Answers, element, &[], OnBlock::Withhold);
        let key = match about.method {
            "resources/list" => "uri",
            "resources/templates/list" => "uriTemplate",
            _ => "name",
        };
        let Look::Cut(findings, edits) = look else { return look };
        let fixed = value::member(element, key).map(|raw| place(element, raw));
        match edits.iter().any(|edit| Some(&edit.range) == fixed.as_ref()) {
            true => Look::Blocked(findings),
            false => Look::Cut(findings, edits),
        }
    }

    fn close_for(&mut self, tool: &str, findings: &[Finding]) -> Result<(), Replacement> {
        let Some((finding, rule)) = blamed(findings) else { return Ok(()) };
        if self.poisoned.len() >= MOST_CLOSED && !self.poisoned.contains_key(tool) {
            return Err(replacement(findings));
        }
        self.poisoned.insert(tool.to_owned(), (finding.name.clone(), rule));
        Ok(())
    }

    /// The parameters of what the server says of its own accord: the line that goes on, or nothing.
    pub(super) fn screened_params(
        &self,
        method: &str,
        message: &Message<'_>,
        facts: &mut Vec<Fact>,
    ) -> Screened {
        if self.screen.is_idle(Whose::Answers) {
            return Screened::Unchanged;
        }
        let (line, params) = (message.line(), message.raw(Slot::Params).unwrap_or_default());
        let frame = [message.raw(Slot::Jsonrpc), message.raw(Slot::Method)].into_iter().flatten();
        let names = frame.chain(members(params, &NAMES).filter(|raw| is_name(raw)));
        let mut skip: Vec<_> = names.map(|raw| place(line, raw)).collect();
        skip.sort_by_key(|range| range.start);
        let about = About { side: Side::Server, method, tool: None, seq: None };
        match self.screen.json(Whose::Answers, line, &skip, OnBlock::Withhold) {
            Look::Blocked(findings) => self.blocked_answer(&about, findings, facts),
            Look::Passed(findings) => {
                facts.extend(about.fact(findings));
                Screened::Unchanged
            }
            Look::Cut(findings, edits) => {
                let mut fixed = message.raw(Slot::Id).into_iter().chain(members(params, &FIXED));
                if fixed.any(|raw| edits.iter().any(|edit| edit.range == place(line, raw))) {
                    return self.blocked_answer(&about, findings, facts);
                }
                facts.extend(about.fact(findings));
                Screened::Changed(applied(line, &edits))
            }
        }
    }

    /// What the server says, as far as it may be repeated to the client.
    pub(super) fn repeated(&self, said: &str) -> String {
        let (changed, _) = self.screen.lines(Whose::Answers, said);
        clipped(changed.as_deref().unwrap_or(said))
    }

    /// Why arguments may not go to the server: what they hold, and the rule.
    pub(super) fn screened_arguments(
        &self,
        method: &str,
        tool: Option<&str>,
        message: &Message<'_>,
        facts: &mut Vec<Fact>,
    ) -> Option<(String, policy::plan::RuleId)> {
        if self.screen.is_idle(Whose::Arguments) {
            return None;
        }
        let about = About { side: Side::Client, method, tool, seq: None };
        let mut why = None;
        for asked in asked_with(method, message) {
            let (findings, blocked) = match self.screen.json(Whose::Arguments, asked, &[], OnBlock::Withhold)
            {
                Look::Passed(findings) => (findings, false),
                Look::Cut(findings, _) | Look::Blocked(findings) => (findings, true),
            };
            let blame = blamed(&findings).map(|(finding, rule)| (described(finding), rule));
            why = why.or(blame.filter(|_| blocked));
            facts.extend(about.fact(findings));
        }
        why
    }

    /// Why a tool is closed for what the server tells of it.
    pub(super) fn poisoned(&self, tool: &str) -> Option<(Refusal, policy::plan::RuleId)> {
        self.poisoned.get(tool).map(|(_, rule)| (Refusal::Poisoned, *rule))
    }

    /// What the server wrote to its stderr, as it may be passed on; `None`: as it is.
    pub fn stderr(&mut self, text: &str, now: Instant) -> (Option<String>, Vec<Fact>) {
        let (changed, findings) = self.screen.lines(Whose::Stderr, text);
        let about = About { side: Side::Server, method: methods::STDERR, tool: None, seq: None };
        let mut facts = Vec::new();
        about.fact(findings).into_iter().for_each(|fact| self.server_flood.note(fact, now, &mut facts));
        (changed, facts)
    }
}

fn replacement(findings: &[Finding]) -> Replacement {
    match blamed(findings) {
        Some((finding, rule)) => Replacement::Content { what: described(finding), rule },
        None => Replacement::Content { what: String::new(), rule: policy::plan::RuleId(u32::MAX) },
    }
}

/// What was found, for a model and its user.
pub(super) fn described(finding: &Finding) -> String {
    use crate::screen::FindingKind;
    let what = match finding.kind {
        FindingKind::Secret => "what looks like a secret",
        FindingKind::PersonalData => "what looks like personal data",
        FindingKind::HiddenInstructions => "what reads like instructions to you that are not the user's",
        FindingKind::Exfiltration => "what would carry data out",
        FindingKind::InvisibleCharacters => "characters that nobody sees",
    };
    format!("{what} ({})", finding.name)
}

/// What a request brings along: arguments, what the person has answered to the server, what is to be completed.
fn asked_with<'a>(method: &str, message: &Message<'a>) -> Vec<&'a [u8]> {
    let known = [message.raw(Slot::ParamsArguments), message.raw(Slot::ParamsInputResponses)];
    let params = message.raw(Slot::Params).filter(|_| method == "completion/complete").unwrap_or_default();
    known.into_iter().flatten().chain(members(params, &["argument", "context"])).collect()
}

/// Members of a result that only the server reads again, and that are no text.
fn opaque<'a>(method: &str, message: &Message<'a>) -> impl Iterator<Item = &'a [u8]> {
    let kind = message.string(Slot::ResultResultType);
    let of_a_task = kind.as_deref() == Some("task") || method.starts_with("tasks/");
    let list = message.raw(Slot::Result).filter(|_| method.ends_with("/list"));
    let named = [
        list.and_then(|list| value::member(list, "nextCursor")),
        message.raw(Slot::ResultRequestState).filter(|_| kind.as_deref() == Some("input_required")),
        message.raw(Slot::ResultTaskId).filter(|_| of_a_task),
        message.raw(Slot::ResultTask).and_then(|task| value::member(task, "taskId")),
    ];
    named.into_iter().flatten().filter(|raw| is_name(raw))
}

fn is_name(raw: &[u8]) -> bool {
    raw.first() == Some(&b'"')
}

fn members<'a>(object: &'a [u8], keys: &[&'static str]) -> impl Iterator<Item = &'a [u8]> {
    keys.iter().filter_map(move |key| value::member(object, key))
}

/// Where a part of the text stands in it.
fn place(whole: &[u8], part: &[u8]) -> std::ops::Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}
