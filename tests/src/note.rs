//! Figures that a passing test has seen, for whoever reads its output.

use std::io::Write;

/// Says a figure on stderr.
pub fn note(figure: &str) {
    let name = std::thread::current().name().unwrap_or("unnamed").to_owned();
    // Written to the descriptor: libtest swallows what the print macros of a passing test say.
    let line = format!("FIGURE: {name}: {figure}\n");
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}
