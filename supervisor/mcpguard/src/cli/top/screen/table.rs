//! The table of sessions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::columns::Column;
use super::super::model::Model;
use super::super::trends::Row;
use super::put;
use super::text::{columns, fit};
use super::theme::Theme;

/// Columns before the first one: the mark of the chosen row, which is seen without reverse video as well.
const GUTTER: u16 = 1;

pub(super) fn draw(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let rows: Vec<(&Row, bool)> = model.visible().collect();
    let places = places(area.width, &rows);
    heads(model, theme, area, &places, buffer);
    for (line, (row, chosen)) in (1..).zip(&rows) {
        let style = if *chosen { theme.chosen() } else { theme.row(row) };
        if *chosen {
            buffer.set_style(Rect { y: area.y + line, height: 1, ..area }.intersection(area), style);
        }
        put(buffer, area, (0, line), if *chosen { ">" } else { " " }, 1, style);
        for place in &places {
            cell(buffer, area, line, *place, &place.column.cell(row), style);
        }
    }
    if rows.is_empty() {
        put(buffer, area, (GUTTER, 1), empty(model), usize::MAX, Style::new());
    }
}

/// Why there are no rows.
fn empty(model: &Model) -> &'static str {
    match (model.trends.at(), model.trends.rows.is_empty()) {
        (None, _) => "looking …",
        (Some(_), true) => "no session runs",
        (Some(_), false) => "no session is what the filter says",
    }
}

/// Where a column stands.
#[derive(Clone, Copy)]
struct Place {
    column: Column,
    x: u16,
    width: u16,
}

/// The columns that fit, the most important first; then those of texts are widened for what stands in them.
fn places(width: u16, rows: &[(&Row, bool)]) -> Vec<Place> {
    let mut left = width.saturating_sub(GUTTER);
    let mut widths = [0; Column::ALL.len()];
    for column in Column::BY_IMPORTANCE {
        // One column between two.
        let needed = column.width() + u16::from(widths.iter().any(|width| *width > 0));
        if needed <= left {
            widths[column as usize] = column.width();
            left -= needed;
        }
    }
    for column in [Column::User, Column::Policy, Column::Command] {
        let width = &mut widths[column as usize];
        if *width > 0 {
            let wider = wanted(column, rows).saturating_sub(*width).min(left);
            (*width, left) = (*width + wider, left - wider);
        }
    }
    place(widths)
}

fn place(widths: [u16; Column::ALL.len()]) -> Vec<Place> {
    let mut x = GUTTER;
    let mut places = Vec::new();
    for (column, width) in Column::ALL.into_iter().zip(widths).filter(|(_, width)| *width > 0) {
        places.push(Place { column, x, width });
        x += width + 1;
    }
    places
}

/// The width at which every row's text fits.
fn wanted(column: Column, rows: &[(&Row, bool)]) -> u16 {
    let most = column.most();
    let width = |(row, _): &(&Row, bool)| columns(&fit(&column.cell(row), most.into()));
    rows.iter().map(width).max().and_then(|width| width.try_into().ok()).unwrap_or(0)
}

fn heads(model: &Model, theme: Theme, area: Rect, places: &[Place], buffer: &mut Buffer) {
    buffer.set_style(Rect { height: area.height.min(1), ..area }, theme.heads());
    for place in places {
        let sorted = model.sort.column == place.column;
        let mark = if model.sort.descending { "▼" } else { "▲" };
        let head = format!("{}{}", place.column.head(), if sorted { mark } else { "" });
        cell(buffer, area, 0, *place, &head, theme.heads());
    }
}

/// One cell; numbers stand to the right. A head with its mark may need the column before it as well.
fn cell(buffer: &mut Buffer, area: Rect, line: u16, place: Place, text: &str, style: Style) {
    let Place { column, x, width } = place;
    let shown = fit(text, width.into());
    let before = if column.is_number() { width.saturating_sub(columns(&shown) as u16) } else { 0 };
    put(buffer, area, (x + before, line), &shown, width.into(), style);
}
