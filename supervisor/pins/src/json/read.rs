//! From JSON to the tree. The grammar was checked by serde_json; what is left is to cut it into pieces.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{DEPTH, JsonError, Node};

pub(super) fn node(text: &str) -> Result<Node, JsonError> {
    let mut reader = Reader { text, at: 0 };
    let node = reader.value(DEPTH)?;
    reader.skip();
    if reader.at == text.len() { Ok(node) } else { Err(cut_short()) }
}

/// Unreachable behind serde_json's own check, and still an error rather than a panic.
fn cut_short() -> JsonError {
    JsonError::Syntax("it ends early or goes on".to_owned())
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Whether the next sign is this one, which is then behind us.
    fn take(&mut self, sign: u8) -> bool {
        self.skip();
        let taken = self.peek() == Some(sign);
        self.at += usize::from(taken);
        taken
    }

    fn expect(&mut self, sign: u8) -> Result<(), JsonError> {
        if self.take(sign) { Ok(()) } else { Err(cut_short()) }
    }

    /// `levels`: how many may still be opened.
    fn value(&mut self, levels: usize) -> Result<Node, JsonError> {
        self.skip();
        match self.peek() {
            Some(b'{') => self.object(levels.checked_sub(1).ok_or(JsonError::Deep)?),
            Some(b'[') => self.array(levels.checked_sub(1).ok_or(JsonError::Deep)?),
            Some(b'"') => self.string().map(Node::Text),
            _ => self.bare(),
        }
    }

    fn object(&mut self, levels: usize) -> Result<Node, JsonError> {
        self.expect(b'{')?;
        let mut members = BTreeMap::new();
        while !self.take(b'}') {
            self.take(b',');
            self.skip();
            let name = self.string()?;
            self.expect(b':')?;
            match members.entry(name) {
                Entry::Occupied(known) => return Err(JsonError::Twice(known.key().clone())),
                Entry::Vacant(place) => place.insert(self.value(levels)?),
            };
        }
        Ok(Node::Map(members))
    }

    fn array(&mut self, levels: usize) -> Result<Node, JsonError> {
        self.expect(b'[')?;
        let mut items = Vec::new();
        while !self.take(b']') {
            self.take(b',');
            items.push(self.value(levels)?);
        }
        Ok(Node::List(items))
    }

    fn string(&mut self) -> Result<String, JsonError> {
        let bytes = self.text.as_bytes();
        let begin = self.at;
        let mut end = begin + 1;
        while *bytes.get(end).ok_or_else(cut_short)? != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        self.at = end + 1;
        let quoted = self.text.get(begin..self.at).ok_or_else(cut_short)?;
        serde_json::from_str(quoted).map_err(|_| JsonError::Surrogate)
    }

    fn bare(&mut self) -> Result<Node, JsonError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let ends = |c: char| matches!(c, ',' | ']' | '}') || c.is_ascii_whitespace();
        let length = rest.find(ends).unwrap_or(rest.len());
        self.at += length;
        if length == 0 { Err(cut_short()) } else { Ok(Node::Bare(rest[..length].to_owned())) }
    }
}
