//! The table, and which goals it misses.

use std::fmt::Write as _;

use super::row::Row;
use super::{NO_MISTAKE, Side, Tally};

/// In the order of the table; what else is told comes behind.
const ORDER: [&str; 12] = [
    "path",
    "url",
    "command",
    "sql",
    "text",
    "scalar",
    "schema",
    "injection",
    "exfiltration",
    "secret",
    "invisible",
    NO_MISTAKE,
];

fn classes(tallies: &[Tally]) -> Vec<&str> {
    let mut classes = ORDER.to_vec();
    for tally in tallies.iter().filter(|tally| !tally.hard) {
        if !classes.contains(&tally.class.as_str()) {
            classes.push(&tally.class);
        }
    }
    classes
}

/// One sentence for each class that is not as good as it should be.
pub(super) fn missed_goals(tallies: &[Tally]) -> Vec<String> {
    classes(tallies).into_iter().filter_map(|class| Row::of(class, tallies).misses(class)).collect()
}

/// The table and what is behind it.
pub(super) fn text(tallies: &[Tally]) -> String {
    let mut text = "class         attacks  caught           honest  recorded  suspected\n".to_owned();
    for class in classes(tallies) {
        text += &Row::of(class, tallies).line(class);
    }
    text += "The last two: whether anything at all but personal data was suspected of a call or a text.\n";
    let of = |side, hard| tallies.iter().filter(move |tally| tally.side == side && tally.hard == hard);
    list(&mut text, "Missed", of(Side::Attack, false));
    list(&mut text, "Suspected wrongly", of(Side::Benign, false).filter(|tally| tally.class != NO_MISTAKE));
    list(&mut text, "Missed, and no rule is expected to see them", of(Side::Attack, true));
    list(
        &mut text,
        "Honest, and refused by decision or because they quote an attack",
        of(Side::Benign, true),
    );
    text
}

fn list<'t>(text: &mut String, title: &str, tallies: impl Iterator<Item = &'t Tally>) {
    let (mut wrong, mut lines) = (0, String::new());
    // What is counted as a whole is listed by its classes.
    for tally in tallies.filter(|tally| !tally.class.starts_with("every ")) {
        wrong += tally.wrong.len();
        for case in &tally.wrong {
            let shown: String = case.chars().take(110).collect();
            let _ = writeln!(lines, "  {:12} {}", tally.class, shown.replace(['\n', '\t', '\u{1b}'], " "));
        }
    }
    let _ = write!(text, "\n{title}: {wrong}\n{lines}");
}

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::{Side, Tally, missed_goals, text};

    fn tally(class: &str, side: Side, all: usize, suspected: usize) -> Tally {
        let wrong = vec![format!("{class}-1")];
        Tally { class: class.to_owned(), side, source: Source::Recorded, hard: false, all, suspected, wrong }
    }

    #[test]
    fn goals_are_95_and_a_half_percent() {
        let good = [tally("url", Side::Attack, 100, 95), tally("url", Side::Benign, 1000, 5)];
        assert_eq!(missed_goals(&good), Vec::<String>::new());
        let bad = [tally("url", Side::Attack, 100, 94), tally("sql", Side::Benign, 1000, 6)];
        assert_eq!(
            missed_goals(&bad),
            ["url: 94 of 100 attacks are caught", "sql: 6 of 1000 honest cases are suspected"]
        );
        assert_eq!(missed_goals(&[tally("pii", Side::Benign, 10, 9)]), Vec::<String>::new());
        let table = text(&bad);
        assert!(table.contains("94.0%") && table.contains("0.60%") && table.contains("  url          url-1"));
    }
}
