//! `mcpguard top`: the sessions that run, live.
//!
//! ```text
//! $ mcpguard top --once
//! mcpguard top  host-1  14:03:22Z  load 0.41 0.33 0.20  memory 1.20GiB/3.80GiB
//! 2 sessions, 1 frozen  calls 42 1.0/s  denied 3 0.0/s  cpu 12.3%  memory 96.3MiB
//!  SESSION  USER   POLICY   STATE    CALLS  CALL/S  DENIED  DENY/S  CPU%▼  MEMORY
//! >5f3c0a91 ada    github   running     38     1.0       2     0.0   12.3 80.1MiB
//! …
//! ```
//! `k` kills the chosen session (and asks first), `f` freezes it, `t` thaws it, as the commands of these names do; `?` lists
//! the keys. What is shown is sampled every second; rates are differences of two samples.
//!
//! Where stdout is no terminal one frame is printed as text; `--json` prints an object a sample instead.
//! Exit status: 0; 128 and the signal's number after a signal; 125 nothing can be shown.

mod act;
mod cards;
mod columns;
mod document;
mod figures;
mod frame;
mod keys;
mod live;
mod logs;
mod machine;
mod model;
mod news;
mod refusal;
mod sample;
mod screen;
mod terminal;
mod trends;

#[cfg(test)]
mod tests;

use std::io::{IsTerminal, Write};
use std::time::Duration;

use super::log::is_broken_pipe;
use crate::sessions::Daemon;
use cards::Cards;
use columns::Column;
use frame::Size;
use model::{Model, Sort};
use screen::Theme;

/// How long reading logs may hold a sample up while somebody looks at the screen.
const PATIENCE: Duration = Duration::from_millis(300);

/// Arguments of `mcpguard top`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    daemon: Daemon,
    /// Seconds between two samples: 0.2 to 60
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval)]
    interval: Duration,
    /// The column by which sessions are sorted: numbers the largest first
    #[arg(long, value_enum, value_name = "COLUMN", default_value = "cpu")]
    sort: Column,
    /// Only sessions of this user, by name or number
    #[arg(long, value_name = "USER", default_value = "")]
    user: String,
    /// Only sessions with this text in their name, policy, user or command, or with this process number
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// Print one frame as text and leave; so it is where stdout is no terminal
    #[arg(long)]
    once: bool,
    /// Columns and lines of that frame; by default COLUMNS and LINES, or the terminal's, or 80x24
    #[arg(long, value_name = "WxH", conflicts_with = "json")]
    size: Option<Size>,
    /// Print JSON, one object a sample; with `--once` one
    #[arg(long)]
    json: bool,
}

/// Shows the sessions; the number is the exit status. A reader that goes away (`| head`) is not an error.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let model = Model::new(Sort::by(args.sort), args.filter.clone(), args.user.clone());
    let is_terminal = std::io::stdout().is_terminal();
    if is_terminal && !(args.once || args.json || args.size.is_some()) {
        let theme = Theme { coloured: crate::terminal::colours(&std::io::stdout()) };
        let source = Box::new(Cards::new(args.daemon.clone(), Some(PATIENCE)));
        return live::run(model, theme, source, args.daemon, args.interval);
    }
    match printed(&args, model, out) {
        Err(error) if is_broken_pipe(&error) => Ok(0),
        done => done.map(|()| 0),
    }
}

fn printed(args: &Args, model: Model, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut source = Cards::new(args.daemon.clone(), None);
    if args.json {
        return document::print(model, &mut source, args.interval, args.once, out);
    }
    let size = args.size.unwrap_or_else(Size::usual);
    frame::print(model, &mut source, args.interval, size, out)
}

/// Seconds between two samples.
fn interval(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok();
    match seconds {
        Some(seconds) if (0.2..=60.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("`{text}` is no number of seconds from 0.2 to 60")),
    }
}
