//! One frame as text: for pipes, for tests, for the documentation.

use std::io::Write;
use std::str::FromStr;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::model::Model;
use super::sample::Source;
use super::screen::{Theme, draw};

/// Columns and lines of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    columns: u16,
    lines: u16,
}

/// What a frame may have in either direction.
const SIDES: std::ops::RangeInclusive<u16> = 1..=1000;

impl Size {
    /// `COLUMNS` and `LINES` as shells set them (POSIX.1-2017, 8.3), the terminal's own, or 80 by 24.
    pub(super) fn usual() -> Self {
        let (columns, lines) = ratatui::crossterm::terminal::size().unwrap_or((80, 24));
        let side = |name: &str, else_: u16, usual: u16| {
            let said = std::env::var(name).ok().and_then(|value| value.parse().ok());
            said.into_iter().chain([else_]).find(|side| SIDES.contains(side)).unwrap_or(usual)
        };
        Self { columns: side("COLUMNS", columns, 80), lines: side("LINES", lines, 24) }
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let side = |text: &str| text.parse().ok().filter(|side| SIDES.contains(side));
        let sides = text.split_once('x').and_then(|(columns, lines)| Some((side(columns)?, side(lines)?)));
        let (columns, lines) =
            sides.ok_or_else(|| format!("`{text}` is no size such as 80x24, up to 1000x1000"))?;
        Ok(Self { columns, lines })
    }
}

/// Takes two samples, so that there are rates, and prints what the screen would show.
///
/// # Errors
/// The sessions cannot be listed, or nobody reads any more.
pub(super) fn print(
    mut model: Model,
    source: &mut dyn Source,
    interval: Duration,
    size: Size,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    model.take(source.sample()?);
    std::thread::sleep(interval);
    model.take(source.sample()?);
    out.write_all(frame(&mut model, size).as_bytes())?;
    out.flush()?;
    Ok(())
}

/// The frame: lines without blanks at their ends.
fn frame(model: &mut Model, size: Size) -> String {
    let area = Rect::new(0, 0, size.columns, size.lines);
    let mut buffer = Buffer::empty(area);
    draw(model, Theme { coloured: false }, area, &mut buffer);
    text(&buffer)
}

/// The text in a buffer.
pub(super) fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for line in buffer.content().chunks(usize::from(buffer.area().width).max(1)) {
        let (mut shown, mut hidden) = (String::new(), 0);
        for cell in line {
            // A wide letter stands in its first cell; those that it covers hold nothing.
            if hidden == 0 {
                shown.push_str(cell.symbol());
                hidden = cell.symbol().width().max(1);
            }
            hidden -= 1;
        }
        text.push_str(shown.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_strictly() {
        assert_eq!("80x24".parse(), Ok(Size { columns: 80, lines: 24 }));
        for wrong in ["", "80", "x", "80x", "0x24", "80x1001", "80x24x1", "-1x5", "80X24", "99999999999x1"] {
            assert!(wrong.parse::<Size>().is_err_and(|why| why.contains("80x24")), "{wrong}");
        }
    }

    #[test]
    fn wide_letters_are_printed_once() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 2));
        buffer.set_string(0, 0, "日本x", ratatui::style::Style::new());
        assert_eq!(text(&buffer), "日本x\n\n");
    }
}
