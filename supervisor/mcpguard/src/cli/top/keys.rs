//! What a key does: the next state of the screen, and what is wanted of the world.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::act::Deed;
use super::model::{LONGEST_TEXT, Mode, Model, Sort, Target};

/// What is wanted of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nothing.
    None,
    /// To leave.
    Leave,
    /// To stand back until the shell lets this process go on.
    Suspend,
    /// To draw everything anew.
    Redraw,
    /// To do something to a session.
    Act(Deed, Target),
}

/// Keys and what they do, for the list of keys.
pub(super) const KEYS: [(&str, &str); 15] = [
    ("Up, J, Ctrl-P", "the session above"),
    ("Down, j, Ctrl-N", "the session below"),
    ("PageUp, PageDown", "a page up, a page down"),
    ("Home, g", "the first session"),
    ("End, G", "the last session"),
    ("<, >", "sort by the column to the left, to the right"),
    ("r", "sort the other way round"),
    ("/", "only sessions with this text somewhere, or this process number"),
    ("u", "only this user's sessions, by name or number"),
    ("k", "kill the session (asks first)"),
    ("f", "freeze the session"),
    ("t", "thaw the session"),
    ("Ctrl-L", "draw the screen anew"),
    ("Ctrl-Z", "back to the shell; `fg` returns"),
    ("q, Esc, Ctrl-C", "leave"),
];

impl Model {
    /// A key was pressed.
    pub(super) fn key(&mut self, key: KeyEvent) -> Wish {
        self.notice = None;
        self.hold();
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match (key.code, control) {
            (KeyCode::Char('c'), true) => return Wish::Leave,
            (KeyCode::Char('z'), true) => return Wish::Suspend,
            (KeyCode::Char('l'), true) => return Wish::Redraw,
            _ => {}
        }
        match std::mem::take(&mut self.mode) {
            Mode::Table => self.table(key.code, control),
            Mode::Help => Wish::None,
            Mode::Confirm(target) => confirmed(key.code, target),
            mode @ (Mode::Filter(_) | Mode::User(_)) => self.typed(mode, key.code, control),
        }
    }

    /// Text was pasted: it is typed where text is, and is no keys anywhere else.
    pub(super) fn paste(&mut self, text: &str) {
        match self.mode {
            Mode::Filter(_) => append(&mut self.filter, text),
            Mode::User(_) => append(&mut self.user, text),
            _ => return,
        }
        self.arrange();
    }

    fn table(&mut self, code: KeyCode, control: bool) -> Wish {
        match (code, control) {
            (KeyCode::Char('q') | KeyCode::Esc, _) => return Wish::Leave,
            (KeyCode::Char('f'), false) => return self.act(Deed::Freeze),
            (KeyCode::Char('t'), false) => return self.act(Deed::Thaw),
            (KeyCode::Char('k'), false) => self.mode = self.target().map_or(Mode::Table, Mode::Confirm),
            (KeyCode::Char('/'), false) => self.mode = Mode::Filter(self.filter.clone()),
            (KeyCode::Char('u'), false) => self.mode = Mode::User(self.user.clone()),
            (KeyCode::Char('?' | 'h'), false) => self.mode = Mode::Help,
            (KeyCode::Char('<') | KeyCode::Left, _) => self.sort_by(Sort::by(self.sort.column.beside(-1))),
            (KeyCode::Char('>') | KeyCode::Right, _) => self.sort_by(Sort::by(self.sort.column.beside(1))),
            (KeyCode::Char('r'), false) => {
                self.sort_by(Sort { descending: !self.sort.descending, ..self.sort });
            }
            (code, control) => self.walk(code, control),
        }
        Wish::None
    }

    fn walk(&mut self, code: KeyCode, control: bool) {
        let (cursor, page) = (self.cursor(), self.page());
        let to = match (code, control) {
            (KeyCode::Up, _) | (KeyCode::Char('J'), false) | (KeyCode::Char('p'), true) => {
                cursor.saturating_sub(1)
            }
            (KeyCode::Down, _) | (KeyCode::Char('j'), false) | (KeyCode::Char('n'), true) => cursor + 1,
            (KeyCode::PageUp, _) => cursor.saturating_sub(page),
            (KeyCode::PageDown, _) => cursor + page,
            (KeyCode::Home, _) | (KeyCode::Char('g'), false) => 0,
            (KeyCode::End, _) | (KeyCode::Char('G'), false) => usize::MAX,
            _ => return,
        };
        self.choose(to);
    }

    fn sort_by(&mut self, sort: Sort) {
        self.sort = sort;
        self.arrange();
    }

    fn act(&self, deed: Deed) -> Wish {
        self.target().map_or(Wish::None, |target| Wish::Act(deed, target))
    }

    /// A key while a text is typed. The table follows it letter by letter.
    fn typed(&mut self, mode: Mode, code: KeyCode, control: bool) -> Wish {
        let (text, before) = match &mode {
            Mode::User(before) => (&mut self.user, before),
            Mode::Filter(before) => (&mut self.filter, before),
            Mode::Table | Mode::Confirm(_) | Mode::Help => return Wish::None,
        };
        match (code, control) {
            (KeyCode::Enter, _) => {}
            (KeyCode::Esc, _) => text.clone_from(before),
            (code, control) => {
                edit(text, code, control);
                self.mode = mode;
            }
        }
        self.arrange();
        Wish::None
    }
}

/// `y`, and nothing else, is yes.
fn confirmed(code: KeyCode, target: Target) -> Wish {
    match code {
        KeyCode::Char('y' | 'Y') => Wish::Act(Deed::Kill, target),
        _ => Wish::None,
    }
}

fn edit(text: &mut String, code: KeyCode, control: bool) {
    match (code, control) {
        (KeyCode::Backspace, _) => drop(text.pop()),
        (KeyCode::Char('u'), true) => text.clear(),
        (KeyCode::Char(letter), false) => append(text, letter.encode_utf8(&mut [0; 4])),
        _ => {}
    }
}

fn append(text: &mut String, more: &str) {
    let room = LONGEST_TEXT.saturating_sub(text.chars().count());
    text.extend(more.chars().filter(|letter| !letter.is_control()).take(room));
}
