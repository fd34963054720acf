//! What mcpguard itself says to a person: on stderr, coloured only on a terminal, `NO_COLOR` respected.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::ensure;

/// Says why a command failed, with its causes on one line.
pub(crate) fn error(error: &anyhow::Error) {
    line("error", "31", &format!("{error:#}"));
}

/// Says something that a person should know although the command goes on.
pub(crate) fn warning(message: &str) {
    line("warning", "33", message);
}

/// Says what is questionable about a text; it names the place itself.
pub(crate) fn complaint(message: &str) {
    let _ = writeln!(std::io::stderr(), "{message}");
}

/// Says what mcpguard does.
pub(crate) fn note(message: &str) {
    line("note", "36", message);
}

/// Says what an alert rule found.
pub(crate) fn alert(message: &str) {
    line("alert", "31", message);
}

/// Whether text on this stream may carry colours (<https://no-color.org>).
pub(crate) fn colours(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// `text` in a colour (SGR number) where `on` says so.
pub(crate) fn paint(text: &str, sgr: &str, on: bool) -> String {
    if on { format!("\x1b[{sgr}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Asks the person at the terminal; anything but a yes is a no.
///
/// # Errors
/// Nobody is there: `--yes` does `deed` without.
pub(crate) fn confirmed(question: &str, deed: &str, out: &mut dyn Write) -> anyhow::Result<bool> {
    let stdin = std::io::stdin();
    ensure!(stdin.is_terminal(), "nobody is there to be asked; with --yes it is {deed} without");
    write!(out, "{question} [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// A lost line on stderr is nobody's to report, so the result is dropped on purpose.
fn line(kind: &str, sgr: &str, message: &str) {
    let mut stderr = std::io::stderr().lock();
    let kind = paint(kind, sgr, colours(&stderr));
    let _ = writeln!(stderr, "mcpguard: {kind}: {message}");
}
