//! What answers consist of: how much, which kinds of media, where their links lead to (MCP 2025-06-18, "Tools", "Tool Result").

use std::path::Path;
use std::rc::Rc;

use arguments::{Link, Tree, check_url};
use policy::plan::{AbsolutePath, LinksPlan, ResponsesPlan};

use super::refusal::clipped;
use crate::fact::Replacement;
use crate::message::Message;
use crate::scan::Slot;
use crate::{value, words};

/// Members that say what an item is; nobody may find them under another key.
const WORDS: [&str; 7] = ["type", "uri", "mimeType", "resource", "content", "text", "blob"];
/// Arrays of items that clients show or follow.
const ARRAYS: [&str; 3] = ["content", "contents", "messages"];
/// Members of a result in which such arrays are.
const OF_A_RESULT: [&str; 4] = ["content", "contents", "messages", "result"];

/// The rules for what an answer consists of.
pub(super) struct ItemRules {
    plan: ResponsesPlan,
    tree: Rc<dyn Tree>,
}

/// What an item that is more than a plain text is.
struct Item<'a> {
    /// What it is called in a sentence.
    noun: &'static str,
    media_type: Option<&'a [u8]>,
    uri: Option<&'a [u8]>,
}

impl ItemRules {
    pub(super) fn new(plan: ResponsesPlan, tree: Rc<dyn Tree>) -> Self {
        Self { plan, tree }
    }

    /// The same for another policy.
    pub(super) fn followed_by(&self, plan: ResponsesPlan) -> Self {
        Self::new(plan, Rc::clone(&self.tree))
    }

    /// Where links may lead to, if that is asked.
    pub(super) fn links(&self) -> Option<&LinksPlan> {
        self.plan.links.as_ref()
    }

    /// Why the answer may not go to the client.
    pub(super) fn objection(&self, message: &Message<'_>) -> Option<Replacement> {
        if !self.plan.judges_content() {
            return None;
        }
        self.objection_in(message.raw(Slot::Result).filter(|raw| value::is_object(raw))?)
    }

    /// The same for parameters that may hold the result of a task (MCP 2026-07-28, "Tasks").
    pub(super) fn objection_in(&self, result: &[u8]) -> Option<Replacement> {
        if !self.plan.judges_content() {
            return None;
        }
        let task = object_in(result, "task");
        let of_task = task.and_then(|task| object_in(task, "result"));
        let all = [Some(result), object_in(result, "result"), task, of_task];
        self.too_deep(result).or_else(|| all.into_iter().flatten().find_map(|result| self.items(result)))
    }

    fn too_deep(&self, result: &[u8]) -> Option<Replacement> {
        let (limit, rule) = self.plan.max_depth?;
        let depth = value::depth(result);
        (depth > limit).then(|| Replacement::Content { what: format!("{depth} levels of nesting"), rule })
    }

    fn items(&self, result: &[u8]) -> Option<Replacement> {
        if let Some(objection) = self.mistakable([Some(result), None], &OF_A_RESULT) {
            return Some(objection);
        }
        ARRAYS.iter().filter_map(|key| value::member(result, key)).find_map(|raw| {
            match value::is_object(raw) {
                true => self.element(raw),
                false => self.array(raw),
            }
        })
    }

    fn array(&self, array: &[u8]) -> Option<Replacement> {
        self.too_many(array).or_else(|| value::elements(array).find_map(|element| self.element(element)))
    }

    fn too_many(&self, array: &[u8]) -> Option<Replacement> {
        let (limit, rule) = self.plan.max_items?;
        let count = value::elements(array).count() as u64;
        (count > limit).then(|| Replacement::Content { what: format!("{count} items"), rule })
    }

    /// An item, or a message whose content is one or several.
    fn element(&self, element: &[u8]) -> Option<Replacement> {
        let inner = value::member(element, "content");
        if let Some(objection) = inner.filter(|raw| value::is_array(raw)).and_then(|raw| self.too_many(raw)) {
            return Some(objection);
        }
        let several = inner.filter(|raw| value::is_array(raw)).into_iter().flat_map(value::elements);
        let one = inner.filter(|raw| value::is_object(raw));
        let mut items = several.chain(one).chain([element]);
        items.find_map(|block| {
            let judged = |item: Item<'_>| self.media(&item).or_else(|| self.link(&item));
            let items = || item(block).into_iter().chain(file(block)).find_map(judged);
            self.mistakable([Some(block), value::member(block, "resource")], &WORDS).or_else(items)
        })
    }

    /// A member of one of these objects that a careless reader takes for another.
    fn mistakable(&self, objects: [Option<&[u8]>; 2], words: &[&'static str]) -> Option<Replacement> {
        let ResponsesPlan { links, media_types, max_items, .. } = &self.plan;
        let by_type = media_types.as_ref().map(|(_, rule)| *rule);
        let rule = links.as_ref().map(|links| links.from).or(by_type).or(max_items.map(|(_, rule)| rule))?;
        let word = objects.into_iter().flatten().find_map(|object| mistakable(object, words))?;
        Some(Replacement::Content { what: format!("a member that could be mistaken for `{word}`"), rule })
    }

    fn media(&self, item: &Item<'_>) -> Option<Replacement> {
        let (types, rule) = self.plan.media_types.as_ref()?;
        let told = item.media_type.and_then(value::string);
        let known = told.as_deref().is_some_and(|told| types.iter().any(|wanted| covers(wanted, told)));
        let of_type = || match &told {
            Some(told) => format!("{} of type `{}`", item.noun, clipped(told)),
            None => format!("{} whose type is not told", item.noun),
        };
        (!known).then(|| Replacement::Content { what: of_type(), rule: *rule })
    }

    fn link(&self, item: &Item<'_>) -> Option<Replacement> {
        let (plan, uri) = (self.plan.links.as_ref()?, item.uri?);
        let uri = value::string(uri).unwrap_or_default();
        let why = match arguments::link(&uri) {
            Ok(Link::Own) => return None,
            Ok(Link::File(path)) => self.file(plan, &path)?,
            Ok(Link::Web) => check_url(&uri, &plan.schemes, &plan.hosts).err()?.to_string(),
            Err(fault) => fault.to_string(),
        };
        let what = format!("{} for `{}`, which {}", item.noun, clipped(&uri), clipped(&why));
        Some(Replacement::Content { what, rule: plan.from })
    }

    /// Why a file may not be led to: as it is written, and where its links end.
    fn file(&self, plan: &LinksPlan, path: &Path) -> Option<String> {
        let Ok(real) = self.tree.real(path) else { return Some("cannot be looked at".to_owned()) };
        let granted = |path: &Path| AbsolutePath::new(path).is_some_and(|path| grants(plan, &path));
        let open = granted(path) && granted(&real);
        (!open).then(|| "is no file that the policy lets the server read".to_owned())
    }
}

fn object_in<'a>(object: &'a [u8], key: &str) -> Option<&'a [u8]> {
    value::member(object, key).filter(|raw| value::is_object(raw))
}

fn grants(plan: &LinksPlan, path: &AbsolutePath) -> bool {
    let rule = plan.files.decisive(path);
    rule.is_some_and(|rule| !rule.read.is_empty()) && plan.files.denied_name(path).is_none()
}

/// What a content block is, if it is more than a text; also an element of `contents`, which has no type of its own.
fn item(block: &[u8]) -> Option<Item<'_>> {
    let kind = value::member(block, "type").and_then(value::string);
    match kind.as_deref() {
        Some("text") => None,
        Some("image") => Some(found("an image", block)),
        Some("audio") => Some(found("a sound", block)),
        Some("resource_link") => Some(found("a link", block)),
        Some("resource") => {
            Some(value::member(block, "resource").map_or(unknown(), |file| found("a file", file)))
        }
        // A message of a prompt: what it holds is looked at by itself.
        None if value::member(block, "content").is_some() => None,
        None => Some(found("a file", block)),
        Some(_) => Some(unknown()),
    }
}

/// What a block is to who looks for a file in it, whatever type it claims: `contents` have none that a client reads.
fn file(block: &[u8]) -> Option<Item<'_>> {
    ["uri", "blob"].iter().any(|key| value::member(block, key).is_some()).then(|| found("a file", block))
}

fn found<'a>(noun: &'static str, of: &'a [u8]) -> Item<'a> {
    let plain = value::member(of, "text").is_some() && value::member(of, "blob").is_none();
    let media_type = value::member(of, "mimeType").or(plain.then_some(&br#""text/plain""#[..]));
    Item { noun, media_type, uri: value::member(of, "uri") }
}

/// A word that some reader takes a member of the object for, although it is another.
pub(super) fn mistakable(object: &[u8], words: &[&'static str]) -> Option<&'static str> {
    value::members(object).find_map(|(key, _)| {
        let key: Vec<u8> = value::unescaped(key).collect();
        words.iter().copied().find(|word| words::alike(&key, word))
    })
}

/// A kind of item that no revision of the protocol has.
fn unknown() -> Item<'static> {
    Item { noun: "an item of an unknown kind", media_type: None, uri: None }
}

/// Whether a type, with whatever parameters, is the wanted one (RFC 9110 section 8.3.1: names are compared without case).
fn covers(wanted: &str, told: &str) -> bool {
    let told = told.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match wanted.strip_suffix('*') {
        Some(kind) => told.starts_with(kind) && told.len() > kind.len(),
        None => told == wanted,
    }
}
