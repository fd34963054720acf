//! What is on the screen: the rows in their order, the one that is chosen, what is being typed. No terminal, no clock.

use super::columns::{Column, command};
use super::sample::{Key, Sample, Session};
use super::trends::{Row, Trends};

/// The longest text that can be typed.
pub(super) const LONGEST_TEXT: usize = 64;

/// The state of the screen.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) trends: Trends,
    pub(super) sort: Sort,
    /// Only sessions in which this stands somewhere.
    pub(super) filter: String,
    /// Only this user's, by name or number.
    pub(super) user: String,
    pub(super) mode: Mode,
    /// What became of the last deed; until the next key.
    pub(super) notice: Option<Notice>,
    /// The rows that are shown, by their places in `trends`.
    shown: Vec<usize>,
    /// The session that is chosen. It stays so wherever it moves.
    chosen: Option<Key>,
    /// It stays chosen; before that, the first one is.
    held: bool,
    /// Its place among `shown`.
    cursor: usize,
    /// The first row on the screen.
    top: usize,
    /// Rows that the screen has room for.
    height: usize,
}

/// The order of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sort {
    pub(super) column: Column,
    pub(super) descending: bool,
}

impl Sort {
    /// Numbers the largest first, texts from A.
    pub(super) fn by(column: Column) -> Self {
        Self { column, descending: column.is_number() }
    }
}

impl Default for Sort {
    fn default() -> Self {
        Self::by(Column::Cpu)
    }
}

/// What keys are for at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// The table.
    #[default]
    Table,
    /// The text of the filter; with it, what it was before.
    Filter(String),
    /// The user; with it, what it was before.
    User(String),
    /// Whether this session is really to be killed.
    Confirm(Target),
    /// The list of keys.
    Help,
}

/// A session that something is to be done to. It is looked up again when that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) key: Key,
    pub(super) name: String,
    pub(super) policy: String,
    pub(super) pid: i32,
}

impl Target {
    fn of(session: &Session) -> Self {
        let Session { key, name, policy, pid, .. } = session;
        Self { key: key.clone(), name: name.clone(), policy: policy.clone(), pid: *pid }
    }

    /// How it is called on the screen: `5f3c0a91 (github)`.
    pub(super) fn shown(&self) -> String {
        format!("{} ({})", self.name.chars().take(8).collect::<String>(), self.policy)
    }
}

/// A sentence for the foot line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) text: String,
    pub(super) is_failure: bool,
}

impl Model {
    /// Nothing is there yet.
    pub(super) fn new(sort: Sort, filter: String, user: String) -> Self {
        Self { sort, filter, user, ..Self::default() }
    }

    /// The next sample has come.
    pub(super) fn take(&mut self, sample: Sample) {
        // Before there are rates the order means little, and so does who is first.
        self.held |= self.trends.rows.iter().any(|row| row.cpu.is_some());
        self.trends.take(sample);
        self.arrange();
    }

    /// Filters and sorts anew. The chosen session stays chosen; if it is gone, whoever has its place is.
    pub(super) fn arrange(&mut self) {
        let rows = &self.trends.rows;
        let mut shown: Vec<usize> = (0..rows.len()).filter(|row| self.admits(&rows[*row].session)).collect();
        let Sort { column, descending } = self.sort;
        shown.sort_by(|one, other| {
            let ascending = column.compare(&rows[*one], &rows[*other]);
            if descending { ascending.reverse() } else { ascending }
        });
        let chosen = |row: &usize| self.held && Some(&rows[*row].session.key) == self.chosen.as_ref();
        let cursor = shown.iter().position(chosen).unwrap_or(self.cursor);
        self.shown = shown;
        self.choose(cursor);
    }

    fn admits(&self, session: &Session) -> bool {
        let Session { name, user, uid, policy, pid, .. } = session;
        let of_user = self.user.is_empty() || *user == self.user || uid.to_string() == self.user;
        let sought = self.filter.to_lowercase();
        let holds = |text: &str| text.to_lowercase().contains(&sought);
        let found = || holds(name) || holds(policy) || holds(user) || holds(&command(&session.command));
        of_user && (sought.is_empty() || found() || pid.to_string() == sought)
    }

    /// Chooses a row by its place, or the last one.
    pub(super) fn choose(&mut self, cursor: usize) {
        self.cursor = cursor.min(self.shown.len().saturating_sub(1));
        self.chosen = self.selected().map(|row| row.session.key.clone());
        self.scroll();
    }

    /// Somebody looks at the session that is chosen: it stays so.
    pub(super) fn hold(&mut self) {
        self.held = true;
    }

    /// The screen has room for so many rows.
    pub(super) fn fit(&mut self, height: usize) {
        self.height = height;
        self.scroll();
    }

    /// As little as needed for the chosen row to be on the screen, and no empty lines while there are rows above.
    fn scroll(&mut self) {
        let height = self.height.max(1);
        self.top = self.top.clamp((self.cursor + 1).saturating_sub(height), self.cursor);
        self.top = self.top.min(self.shown.len().saturating_sub(height));
    }

    /// Rows of a page.
    pub(super) fn page(&self) -> usize {
        self.height.max(1)
    }

    /// The place of the chosen row.
    pub(super) fn cursor(&self) -> usize {
        self.cursor
    }

    /// How many rows there are, on the screen or not.
    pub(super) fn count(&self) -> usize {
        self.shown.len()
    }

    /// The rows on the screen, each with whether it is the chosen one.
    pub(super) fn visible(&self) -> impl Iterator<Item = (&Row, bool)> {
        let all = self.shown.iter().enumerate().skip(self.top).take(self.height);
        all.map(|(place, row)| (&self.trends.rows[*row], place == self.cursor))
    }

    /// The chosen row.
    pub(super) fn selected(&self) -> Option<&Row> {
        self.shown.get(self.cursor).map(|row| &self.trends.rows[*row])
    }

    /// The chosen session.
    pub(super) fn target(&self) -> Option<Target> {
        self.selected().map(|row| Target::of(&row.session))
    }
}
