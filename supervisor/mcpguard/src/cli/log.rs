//! `mcpguard log`: list, show, follow and verify audit logs.
//!
//! ```text
//! $ mcpguard log list
//! 2026-11-21T02:19:03Z  5f3c…  github  14 calls  2 denials  ended: client_gone
//! $ mcpguard log show --denied
//! 2026-11-21T02:19:07.120933Z #9 refused  delete_repo[0] {"name":"x"}: tool_disabled by `tools.delete_*.enabled: false` …
//! $ mcpguard log verify
//! verified: 31 records in 1 file, 1 session; head 9a41…
//! ```
//!
//! Without a path the log of the session that started last is meant, or of the one that `--session` names.
//! Exit status: 0; 1 the log is not as it was written, or holds lines that are no records; 125 it cannot be read.

mod list;
mod verify;

use std::io::{self, Write};
use std::path::PathBuf;

use crate::host::state_directory;

use anyhow::{Context, bail};
use audit::{Body, Filter, Follower, Record, Selection, Start};
use jiff::{SignedDuration, Timestamp};

/// Arguments of `mcpguard log`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the sessions in the state directory
    List {
        /// Print JSON, one object a session
        #[arg(long)]
        json: bool,
    },
    /// Show records, oldest first
    Show(View),
    /// Check that nothing was changed, removed, added or moved
    Verify {
        #[command(flatten)]
        log: Choice,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show records as they are written
    Follow {
        #[command(flatten)]
        view: View,
        /// Begin with the first record of the file instead of the next one
        #[arg(long)]
        from_start: bool,
    },
}

/// Which log.
#[derive(clap::Args)]
pub(crate) struct Choice {
    /// The log file; by default the newest session's
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// Only this session, by the beginning of its name; without PATH it also chooses the file
    #[arg(long, value_name = "NAME")]
    session: Option<String>,
}

/// Which records.
#[derive(clap::Args)]
struct View {
    #[command(flatten)]
    log: Choice,
    /// Only what was written under the policy of this revision, by the beginning of its hash
    #[arg(long, value_name = "HASH")]
    revision: Option<String>,
    /// Only this event
    #[arg(long, value_name = "EVENT", value_parser = clap::builder::PossibleValuesParser::new(Body::EVENTS))]
    event: Option<String>,
    /// Only what concerns this tool
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// Only what was refused
    #[arg(long)]
    denied: bool,
    /// Only from this time on: `2026-11-21T02:00:00Z`, or how long ago: `10m`, `2h`
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// Print the records themselves, one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Runs the command; the number is the exit status. A reader that goes away (`| head`) is not an error.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let done = match args.command {
        Command::List { json } => list::run(json, out),
        Command::Show(view) => show(&view, out),
        Command::Verify { log, json } => verify::run(&log, json, out),
        Command::Follow { view, from_start } => {
            let start = if from_start { Start::Beginning } else { Start::End };
            follow(&view, start, out)
        }
    };
    match done {
        Err(error) if is_broken_pipe(&error) => Ok(0),
        done => done,
    }
}

/// The reader has gone away.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

impl Choice {
    pub(crate) fn new(path: Option<PathBuf>, session: Option<String>) -> Self {
        Self { path, session }
    }

    /// The beginning of the session's name, if one is asked for.
    pub(crate) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// The log file that is meant.
    pub(crate) fn resolve(&self) -> anyhow::Result<PathBuf> {
        let path = match (&self.path, &self.session) {
            (Some(path), _) => path.clone(),
            (None, None) => audit::newest_log(&state_directory()?)?
                .context("there is no session in the state directory yet")?,
            (None, Some(session)) => log_of(session)?,
        };
        if audit::log_files(&path)?.iter().all(|file| !file.exists()) {
            bail!("there is no log at {}", path.display());
        }
        Ok(path)
    }
}

/// The one log in the state directory that holds the session.
fn log_of(session: &str) -> anyhow::Result<PathBuf> {
    let holds = |path: &PathBuf| {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        stem.rsplit_once('-').is_some_and(|(_, name)| name.starts_with(session))
    };
    let mut found: Vec<_> = audit::session_logs(&state_directory()?)?.into_iter().filter(holds).collect();
    match (found.pop(), found.len()) {
        (Some(path), 0) => Ok(path),
        (None, _) => bail!(
            "no session in the state directory is named `{session}…`; a log elsewhere is named by its path"
        ),
        (Some(_), more) => bail!("{} sessions are named `{session}…`; give more of the name", more + 1),
    }
}

/// An instant, or a time span before now.
fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let wrong = || {
        format!("`{text}` is neither a time such as 2026-11-21T02:00:00Z nor a span such as 10m, 2h, 1h30m")
    };
    let span: SignedDuration = text.parse().map_err(|_| wrong())?;
    Timestamp::now().checked_sub(span.abs()).map_err(|_| wrong())
}

impl View {
    fn filter(&self) -> Filter {
        Filter {
            session: self.log.session.clone(),
            revision: self.revision.clone(),
            event: self.event.clone(),
            tool: self.tool.clone(),
            since: self.since,
            selection: if self.denied { Selection::Denials } else { Selection::All },
        }
    }

    fn print(&self, record: &Record, out: &mut dyn Write) -> anyhow::Result<()> {
        if self.json {
            out.write_all(&record.to_line()?)?;
            writeln!(out)?;
        } else {
            writeln!(out, "{}", audit::render(record))?;
        }
        Ok(())
    }
}

fn show(view: &View, out: &mut dyn Write) -> anyhow::Result<u8> {
    let mut out = io::BufWriter::new(out);
    let mut status = 0;
    for item in audit::read(&view.log.resolve()?, view.filter())? {
        match item {
            Ok(record) => view.print(&record, &mut out)?,
            Err(error) => status = complain(&error)?,
        }
    }
    out.flush()?;
    Ok(status)
}

fn follow(view: &View, start: Start, out: &mut dyn Write) -> anyhow::Result<u8> {
    let path = view.log.resolve()?;
    let follower = audit::follow(&path, start).with_context(|| format!("cannot read {}", path.display()))?;
    print_as_they_come(follower, view, out)
}

/// Runs until the reader or the person goes away.
fn print_as_they_come(follower: Follower, view: &View, out: &mut dyn Write) -> anyhow::Result<u8> {
    let filter = view.filter();
    for item in follower {
        match item {
            Ok(record) if filter.admits(&record) => {
                view.print(&record, out)?;
                out.flush()?;
            }
            Ok(_) => {}
            Err(error) => drop(complain(&error)?),
        }
    }
    Ok(0)
}

/// Tells of a line that is no record, on stderr so that `--json` stays JSON; gives the exit status.
fn complain(error: &audit::ReadError) -> io::Result<u8> {
    writeln!(io::stderr(), "mcpguard: {}", audit::for_people(&error.to_string()))?;
    Ok(1)
}
