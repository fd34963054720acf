//! One line of a report: coloured pieces, broken to the width of a terminal.

use unicode_width::UnicodeWidthChar as _;

use super::render::Paint;
use crate::compare::change::{Edit, Weight, What};
use crate::visible::{plain, quoted};

/// How far the continuation of a line is moved in.
const INDENT: usize = 6;

/// Lines are not broken for less than this.
const NARROWEST: usize = 40;

/// What a piece is shown in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    None,
    Bold,
    Old,
    New,
}

impl Colour {
    /// Select graphic rendition, ECMA-48 section 8.3.117.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Bold => Some("1"),
            Self::Old => Some("31"),
            Self::New => Some("32"),
        }
    }
}

/// Pieces that are written one after another.
pub(super) struct Line {
    pub(super) weight: Weight,
    pub(super) pieces: Vec<(Colour, String)>,
}

impl Line {
    pub(super) fn piece(&mut self, colour: Colour, text: String) {
        self.pieces.push((colour, text));
    }

    /// Words stand in quotes, and a value is JSON, which has its own.
    pub(super) fn edit(&mut self, edit: &Edit, what: What) {
        let Edit { before, old, new, after } = edit;
        let shown = |text: &str| match what {
            What::Reworded if text.is_empty() => String::new(),
            What::Reworded => format!("\"{}\"", quoted(text)),
            _ => plain(text),
        };
        if !before.is_empty() {
            self.piece(Colour::None, format!("{} ", quoted(before)));
        }
        self.piece(Colour::Old, shown(old));
        match (old.is_empty(), new.is_empty()) {
            (false, false) => self.piece(Colour::None, " → ".to_owned()),
            // An empty place in a text: what is only added or only removed.
            (true, false) if what == What::Reworded => self.piece(Colour::None, "+".to_owned()),
            (false, true) if what == What::Reworded => self.piece(Colour::None, " removed".to_owned()),
            _ => {}
        }
        self.piece(Colour::New, shown(new));
        if !after.is_empty() {
            self.piece(Colour::None, format!(" {}", quoted(after)));
        }
    }

    pub(super) fn write(&self, text: &mut String, width: usize, paint: Paint) {
        let mut flow = Flow { text, width: width.max(NARROWEST), column: 0 };
        for (colour, piece) in &self.pieces {
            let code = colour.code().filter(|_| paint == Paint::Colours && !piece.is_empty());
            if let Some(code) = code {
                flow.text.push_str(&format!("\u{1b}[{code}m"));
            }
            piece.split_inclusive(' ').for_each(|word| flow.word(word));
            if code.is_some() {
                flow.text.push_str("\u{1b}[0m");
            }
        }
        text.push('\n');
    }
}

/// A text that is written up to its width.
struct Flow<'a> {
    text: &'a mut String,
    width: usize,
    column: usize,
}

impl Flow<'_> {
    /// A word that does not fit begins the next line; one that is longer than a line is broken.
    fn word(&mut self, word: &str) {
        let columns: usize = word.trim_end_matches(' ').chars().map(columns).sum();
        if self.column + columns > self.width && columns + INDENT <= self.width {
            self.break_line();
        }
        word.chars().for_each(|character| self.character(character));
    }

    fn character(&mut self, character: char) {
        let columns = columns(character);
        match (self.column + columns > self.width, character) {
            (true, ' ') => return,
            (true, _) => self.break_line(),
            (false, _) => {}
        }
        self.text.push(character);
        self.column += columns;
    }

    fn break_line(&mut self) {
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
        self.text.push_str(&" ".repeat(INDENT));
        self.column = INDENT;
    }
}

/// The columns of a character on a terminal.
fn columns(character: char) -> usize {
    character.width().unwrap_or(0)
}
