//! Prompts and resources: whether they are open to the caller.

use arguments::is_plain_uri;
use policy::plan::{AccessPlan, Accesses, RuleId};

use super::flight::Open;
use super::{Engine, refusal};
use crate::fact::Fact;
use crate::id::RequestId;
use crate::judgement::Judgement;
use crate::message::Message;
use crate::scan::Slot;
use crate::screen::with_only;
use crate::{value, words};

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    Prompt(String),
    Resource(String),
}

/// Why it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// A rule says so; `true`: for a scope that the caller does not hold.
    Rule(RuleId, bool),
    /// Its address can be written in another way, so that no rule holds for it.
    Spelling,
    /// It names nothing, or in a way that cannot be read.
    Unreadable,
}

/// What of it is in a request; `None`: it is about neither.
fn subject(method: &str, message: &Message<'_>) -> Option<Result<Subject, Closed>> {
    let resource = |uri: Option<String>| uri.map(Subject::Resource).ok_or(Closed::Unreadable);
    match method {
        "prompts/get" => {
            Some(message.string(Slot::ParamsName).map(Subject::Prompt).ok_or(Closed::Unreadable))
        }
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
            Some(resource(message.string(Slot::ParamsUri)))
        }
        "completion/complete" => {
            let reference = message.raw(Slot::ParamsRef).filter(|raw| value::is_object(raw));
            let member = |key| reference.and_then(|raw| value::member(raw, key)).and_then(value::string);
            Some(match member("type").as_deref() {
                Some("ref/prompt") => member("name").map(Subject::Prompt).ok_or(Closed::Unreadable),
                Some("ref/resource") => resource(member("uri")),
                _ => Err(Closed::Unreadable),
            })
        }
        _ => None,
    }
}

/// The list that a method asks for, and what names an element of it.
fn listed(method: &str) -> Option<(&'static str, &'static str)> {
    match method {
        "prompts/list" => Some(("prompts", "name")),
        "resources/list" => Some(("resources", "uri")),
        "resources/templates/list" => Some(("resourceTemplates", "uriTemplate")),
        _ => None,
    }
}

/// Whether a list, or what an element of it is known by, stands under a key that careless readers take for the right one.
pub(super) fn is_mistakable(method: &str, message: &Message<'_>) -> bool {
    let Some((key, name)) = listed(method) else { return false };
    let Some(result) = message.raw(Slot::Result).filter(|raw| value::is_object(raw)) else { return false };
    let elements = value::member(result, key).unwrap_or_default();
    has_alike(result, key) || value::elements(elements).any(|element| has_alike(element, name))
}

/// Whether a member stands under a key that careless readers take for this one.
fn has_alike(object: &[u8], word: &str) -> bool {
    value::members(object).any(|(key, _)| words::alike(&value::unescaped(key).collect::<Vec<_>>(), word))
}

impl Engine {
    /// Why a request may not go to the server.
    pub(super) fn closed_request(&self, method: &str, message: &Message<'_>) -> Option<(String, Closed)> {
        let AccessPlan { prompts, resources } = &self.access;
        if prompts.is_empty() && resources.is_empty() {
            return None;
        }
        if method == "subscriptions/listen" {
            return self.closed_subscription(message);
        }
        match subject(method, message)? {
            Ok(Subject::Prompt(name)) => self.refuses(prompts, &name).map(|closed| (name, closed)),
            Ok(Subject::Resource(uri)) if resources.is_empty() => {
                drop(uri);
                None
            }
            // A template is completed as the server has told it.
            Ok(Subject::Resource(uri)) if method != "completion/complete" && !is_plain_uri(&uri) => {
                Some((uri, Closed::Spelling))
            }
            Ok(Subject::Resource(uri)) => self.refuses(resources, &uri).map(|closed| (uri, closed)),
            Err(closed) => Some((String::new(), closed)),
        }
    }

    /// Why a subscription may not be opened: one of the resources that it is for (MCP 2026-07-28, "Subscriptions").
    fn closed_subscription(&self, message: &Message<'_>) -> Option<(String, Closed)> {
        let rules = &self.access.resources;
        let params = message.raw(Slot::Params).filter(|_| !rules.is_empty())?;
        let wanted = value::member(params, "notifications").unwrap_or_default();
        if has_alike(params, "notifications") || has_alike(wanted, "resourceSubscriptions") {
            return Some((String::new(), Closed::Unreadable));
        }
        let uris = value::member(wanted, "resourceSubscriptions")?;
        value::elements(uris).find_map(|raw| match value::string(raw) {
            None => Some((String::new(), Closed::Unreadable)),
            Some(uri) if !is_plain_uri(&uri) => Some((uri, Closed::Spelling)),
            Some(uri) => self.refuses(rules, &uri).map(|closed| (uri, closed)),
        })
    }

    fn refuses(&self, rules: &Accesses, name: &str) -> Option<Closed> {
        let caller = self.rules.caller();
        let refused = rules.refused_to(name, &|scope| caller.scopes.contains(scope));
        refused.map(|(rule, scope)| Closed::Rule(rule, scope))
    }

    /// Tells the client that a request is refused, and writes it down.
    pub(super) fn refuse_access(
        &self,
        id: RequestId,
        method: &str,
        (subject, why): (String, Closed),
        out: &mut Judgement,
    ) {
        let rule = match why {
            Closed::Rule(rule, _) => Some(rule),
            Closed::Spelling | Closed::Unreadable => None,
        };
        let text = refusal::closed(&self.rules, method, &subject, why);
        let data = refusal::data(&self.rules, rule);
        out.to_client.push(super::answer::error(Some(&id), super::answer::Code::Refused, &text, data));
        let scope = matches!(why, Closed::Rule(_, true));
        let (method, subject) = (refusal::clipped(method), refusal::clipped(&subject));
        out.facts.push(Fact::AccessRefused { id, method, subject, rule, scope, text });
    }

    /// A list without what is closed to the caller; `None` if it stays as it is.
    pub(super) fn without_refused(&self, open: &Open, message: &Message<'_>) -> Option<Vec<u8>> {
        let (key, name) = listed(&open.method)?;
        let rules = if key == "prompts" { &self.access.prompts } else { &self.access.resources };
        let result = message.raw(Slot::Result).filter(|_| !rules.is_empty())?;
        let elements = value::member(result, key).filter(|raw| value::is_array(raw))?;
        let is_open = |raw: &&[u8]| {
            let name = value::member(raw, name).and_then(value::string);
            name.is_some_and(|name| self.refuses(rules, &name).is_none())
        };
        let kept: Vec<&[u8]> = value::elements(elements).filter(is_open).collect();
        if kept.len() == value::elements(elements).count() {
            return None;
        }
        Some(with_only(message.line(), elements, &kept))
    }
}
