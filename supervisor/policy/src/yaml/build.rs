//! Parser events → tree, with an explicit stack, so that hostile nesting costs no call stack.

use std::collections::BTreeMap;

use serde_yaml::{ErrorKind, Event, Parser, ScalarStyle, Span};

use super::characters::is_hidden;
use super::{Key, Kind, MAX_DEPTH, Node};
use crate::plan::Origin;
use crate::problem::Report;

/// Reads the text's only document. `None` if it is not YAML; lesser problems are noted and read over.
pub(crate) fn build(source: &str, text: &str, report: &mut Report) -> Option<Node> {
    let mut builder = Builder::new(source, report);
    for next in Parser::new_from_str_with_options(text, options()) {
        match next {
            Ok((event, span)) => builder.take(event, &span),
            Err(error) => {
                let origin = builder.place(error.marker().line(), error.marker().col());
                match error.kind() {
                    ErrorKind::RecursionLimitExceeded => builder.refuse(&origin, too_deep()),
                    _ => builder.refuse(&origin, format!("this is not YAML: {}", error.info())),
                }
            }
        }
        if builder.stopped {
            return None;
        }
    }
    builder.finish()
}

fn options() -> serde_yaml::Options {
    serde_yaml::options! {
        disallow_directives: true,
        emit_unresolved_aliases: true,
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    }
}

fn too_deep() -> String {
    format!("lists and mappings are nested more than {MAX_DEPTH} deep")
}

/// A list or mapping that is still open.
struct Open {
    origin: Origin,
    inside: Inside,
}

enum Inside {
    List(Vec<Node>),
    Mapping { entries: Vec<(Key, Node)>, seen: BTreeMap<String, u32>, key: Option<PendingKey> },
}

enum PendingKey {
    Sound(Key),
    /// A key that was refused; its value is read and dropped.
    Refused,
}

struct Builder<'a> {
    source: &'a str,
    report: &'a mut Report,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    /// Reading on makes no sense.
    stopped: bool,
}

impl<'a> Builder<'a> {
    fn new(source: &'a str, report: &'a mut Report) -> Self {
        Self { source, report, open: Vec::new(), root: None, documents: 0, stopped: false }
    }

    fn take(&mut self, event: Event<'_>, span: &Span) {
        let origin = self.place(span.start.line(), span.start.col());
        if event.anchor_id().is_some_and(|id| id != 0) {
            self.note(&origin, "anchors (`&name`) are not part of the policy language; write the value out");
        }
        if event.tag().is_some() {
            self.note(&origin, "tags (`!name`) are not part of the policy language");
        }
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | Event::Anchor(..) => {}
            Event::DocumentStart(..) => self.start_document(&origin),
            Event::Alias(_) | Event::UnresolvedAlias(_) => self.alias(origin),
            Event::Scalar(text, style, ..) => self.scalar(origin, &text, style),
            Event::SequenceStart(..) => self.start(origin, Inside::List(Vec::new())),
            Event::MappingStart(..) => {
                let inside = Inside::Mapping { entries: Vec::new(), seen: BTreeMap::new(), key: None };
                self.start(origin, inside);
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            // The feature `comments` of the parser adds an event; it is off, but features are united.
            #[allow(unreachable_patterns, reason = "reachable only if another crate turns the feature on")]
            _ => {}
        }
    }

    fn start_document(&mut self, origin: &Origin) {
        self.documents += 1;
        if self.documents > 1 {
            self.refuse(origin, "a second document starts here; a policy is one document".to_owned());
        }
    }

    fn alias(&mut self, origin: Origin) {
        self.note(&origin, "aliases (`*name`) are not part of the policy language; names that start with `*` stand in quotes");
        self.add(Node { origin, kind: Kind::Refused });
    }

    fn scalar(&mut self, origin: Origin, text: &str, style: ScalarStyle) {
        if let Some(hidden) = text.chars().find(|c| *c != '\n' && is_hidden(*c)) {
            self.note(
                &origin,
                &format!("the value holds the invisible character U+{:04X}", u32::from(hidden)),
            );
        }
        let kind = match style {
            ScalarStyle::Plain => Kind::plain(text),
            _ => Kind::Text(text.to_owned()),
        };
        self.add(Node { origin, kind });
    }

    fn start(&mut self, origin: Origin, inside: Inside) {
        if self.open.len() >= MAX_DEPTH {
            return self.refuse(&origin, too_deep());
        }
        self.open.push(Open { origin, inside });
    }

    fn end(&mut self) {
        let Some(Open { origin, inside }) = self.open.pop() else { return };
        let kind = match inside {
            Inside::List(items) => Kind::List(items),
            Inside::Mapping { entries, .. } => Kind::Mapping(entries),
        };
        self.add(Node { origin, kind });
    }

    /// Puts a finished node where it belongs: into the open list or mapping, or at the root.
    fn add(&mut self, node: Node) {
        match self.open.pop() {
            None => self.root = Some(node),
            Some(Open { origin, inside }) => {
                let inside = match inside {
                    Inside::List(mut items) => {
                        items.push(node);
                        Inside::List(items)
                    }
                    Inside::Mapping { entries, seen, key } => self.add_to_mapping(entries, seen, key, node),
                };
                self.open.push(Open { origin, inside });
            }
        }
    }

    fn add_to_mapping(
        &mut self,
        mut entries: Vec<(Key, Node)>,
        mut seen: BTreeMap<String, u32>,
        key: Option<PendingKey>,
        node: Node,
    ) -> Inside {
        let key = match key {
            None => Some(self.key(&mut seen, node)),
            Some(PendingKey::Refused) => None,
            Some(PendingKey::Sound(key)) => {
                entries.push((key, node));
                None
            }
        };
        Inside::Mapping { entries, seen, key }
    }

    fn key(&mut self, seen: &mut BTreeMap<String, u32>, Node { origin, kind }: Node) -> PendingKey {
        let name = match kind {
            Kind::Text(name) | Kind::Plain(name) => name,
            other => {
                self.note(&origin, &format!("a key is one word, not {}", other.describe()));
                return PendingKey::Refused;
            }
        };
        if let Some(line) = seen.get(&name) {
            let message = format!("`{name}` stands here twice; the first is in line {line}");
            self.note(&origin, &message);
            return PendingKey::Refused;
        }
        seen.insert(name.clone(), origin.line);
        PendingKey::Sound(Key { name, origin })
    }

    fn finish(self) -> Option<Node> {
        if self.root.is_none() {
            let origin = Origin { source: self.source.to_owned(), line: 1, column: 1 };
            self.report.suggest(&origin, "the policy is empty", "version: 1");
        }
        self.root
    }

    fn note(&mut self, origin: &Origin, message: &str) {
        self.report.error(origin, message);
    }

    fn refuse(&mut self, origin: &Origin, message: String) {
        self.note(origin, &message);
        self.stopped = true;
    }

    /// The parser counts lines from 1 and columns from 0.
    fn place(&self, line: usize, column: usize) -> Origin {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Origin { source: self.source.to_owned(), line: number(line.max(1)), column: number(column + 1) }
    }
}
