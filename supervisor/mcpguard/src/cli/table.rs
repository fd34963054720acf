//! Columns that are as wide as what stands in them.

use std::io::Write;

/// Writes a line of heads, and one for each row. Columns whose head is among `numbers` stand to the right.
pub(super) fn table<const N: usize>(
    heads: [&str; N],
    numbers: &[&str],
    rows: &[[String; N]],
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let first = heads.map(str::to_owned);
    let all: Vec<&[String; N]> = std::iter::once(&first).chain(rows).collect();
    let width = |column: usize| all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for row in all {
        let cell = |column: usize| {
            let (text, width) = (&row[column], widths[column]);
            match (column + 1 == N, numbers.contains(&heads[column])) {
                (true, _) => text.clone(),
                (false, true) => format!("{text:>width$}  "),
                (false, false) => format!("{text:<width$}  "),
            }
        };
        writeln!(out, "{}", (0..N).map(cell).collect::<String>().trim_end())?;
    }
    Ok(())
}
