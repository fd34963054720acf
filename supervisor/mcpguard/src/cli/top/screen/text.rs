//! Texts that others wrote, made fit for a place on the screen.

use unicode_width::UnicodeWidthChar;

/// Marks that may stand on one letter. More of them reach into the lines above and below.
const MARKS: usize = 2;
/// Letters that are looked at for each column, so that what is a megabyte long costs nothing.
const LOOKED_AT: usize = 4;

/// The text on so many columns at most, and no wider: nothing in it can move the cursor, turn the text around or hide.
/// What does not fit ends with `…`.
pub(super) fn fit(text: &str, columns: usize) -> String {
    let beginning: String = text.chars().take(columns.saturating_mul(LOOKED_AT) + LOOKED_AT).collect();
    let clean = audit::for_people(&beginning);
    let mut fitted = Fitted::default();
    for letter in clean.chars() {
        let width = letter.width().unwrap_or(1);
        if fitted.columns + width > columns {
            return fitted.cut(columns);
        }
        fitted.push(letter, width);
    }
    // What was not looked at is not there, but for marks that nobody sees.
    if beginning.len() < text.len() { fitted.cut(columns) } else { fitted.text }
}

/// The columns that a clean text takes.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(|letter| letter.width().unwrap_or(1)).sum()
}

#[derive(Default)]
struct Fitted {
    text: String,
    columns: usize,
    /// Marks on the last letter.
    marks: usize,
}

impl Fitted {
    fn push(&mut self, letter: char, width: usize) {
        self.marks = if width == 0 { self.marks + 1 } else { 0 };
        if self.marks <= MARKS {
            self.text.push(letter);
            self.columns += width;
        }
    }

    /// Takes letters away until `…` fits.
    fn cut(mut self, columns: usize) -> String {
        if columns == 0 {
            return String::new();
        }
        while self.columns + 1 > columns
            && let Some(letter) = self.text.pop()
        {
            self.columns -= letter.width().unwrap_or(1);
        }
        self.text.push('…');
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_and_says_so() {
        for (text, width, shown) in [
            ("server", 6, "server"),
            ("server", 5, "serv…"),
            ("server", 1, "…"),
            ("server", 0, ""),
            ("", 3, ""),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("\u{1b}[2Jx", 20, "\\u{1b}[2Jx"),
            ("a\u{202e}b", 5, "a\\u{…"),
            ("a\nb", 9, "a\\nb"),
        ] {
            assert_eq!(fit(text, width), shown, "{text:?} in {width}");
        }
    }

    #[test]
    fn marks_are_not_piled_up() {
        let piled = format!("e{}x", "\u{301}".repeat(12));
        assert_eq!(fit(&piled, 3), "e\u{301}\u{301}x");
        let hidden = format!("e{}x", "\u{301}".repeat(10_000));
        assert_eq!(fit(&hidden, 3), "e\u{301}\u{301}…");
    }

    #[test]
    fn nothing_is_ever_wider_than_its_place() {
        for text in ["日本語\u{1b}[31m語語語", "👩\u{200d}👩\u{200d}👧 family", "ｶﾅ\u{3099}\u{7f}", "🇩🇪🇩🇪"]
        {
            for width in 0..24 {
                let shown = fit(text, width);
                assert!(
                    columns(&shown) <= width && unicode_width::UnicodeWidthStr::width(&*shown) <= width,
                    "{shown:?}"
                );
            }
        }
    }
}
