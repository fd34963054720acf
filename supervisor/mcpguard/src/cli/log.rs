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

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use audit::{Body, Filter, Follower, Record, Selection, SessionEnd, SessionSeen, Start, Verified};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

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
        Command::List { json } => list(json, out),
        Command::Show(view) => show(&view, out),
        Command::Verify { log, json } => verify(&log, json, out),
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

fn is_broken_pipe(error: &anyhow::Error) -> bool {
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

/// `$XDG_STATE_HOME`, or `~/.local/state` (XDG Base Directory Specification 0.8: a relative value is ignored).
fn state_directory() -> anyhow::Result<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    state.context("neither XDG_STATE_HOME nor HOME is an absolute path; name the log by its path")
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

fn verify(log: &Choice, as_json: bool, out: &mut dyn Write) -> anyhow::Result<u8> {
    let path = log.resolve()?;
    match audit::verify(&path) {
        Ok(verified) if as_json => writeln!(out, "{}", document(&verified))?,
        Ok(verified) => people(&verified, out)?,
        Err(error) => {
            let told = audit::for_people(&error.to_string()).into_owned();
            if as_json {
                let json = json!({
                    "verified": false, "file": error.file, "line": error.line, "what": error.what, "records": error.records,
                });
                writeln!(out, "{json}")?;
            } else {
                writeln!(
                    out,
                    "NOT AS WRITTEN: {told}\n{} records before it are as they were written",
                    error.records
                )?;
            }
            return Ok(1);
        }
    }
    Ok(0)
}

fn document(verified: &Verified) -> Value {
    let Verified { files, records, sessions, head, continues, last_whole_line, truncated_tail, damages } =
        verified;
    let session = |seen: &SessionSeen| json!({ "session": seen.session, "first": seen.first, "last": seen.last, "ended": seen.ended });
    let damage = |damage: &audit::Damage| json!({ "file": damage.file, "line": damage.line, "bytes": damage.recovered.bytes });
    json!({
        "verified": true,
        "files": files,
        "records": records,
        "sessions": sessions.iter().map(session).collect::<Vec<_>>(),
        "head": head,
        "continues": continues,
        "last_whole_line": last_whole_line,
        "truncated_tail_bytes": truncated_tail,
        "damages": damages.iter().map(damage).collect::<Vec<_>>(),
    })
}

fn people(verified: &Verified, out: &mut dyn Write) -> io::Result<()> {
    let Verified { files, records, sessions, head, continues, last_whole_line, truncated_tail, damages } =
        verified;
    let (files_word, sessions_word) = (plural(files.len(), "file"), plural(sessions.len(), "session"));
    writeln!(out, "verified: {records} records in {files_word}, {sessions_word}; head {head}")?;
    if let Some(prev) = continues {
        writeln!(out, "older files are gone; the oldest record names its predecessor {prev}")?;
    }
    if let Some(bytes) = truncated_tail {
        writeln!(
            out,
            "verified up to line {last_whole_line}, the last whole one; {bytes} bytes after it are no whole line"
        )?;
    }
    for damage in damages {
        let (file, bytes) = (damage.file.display(), damage.recovered.bytes);
        writeln!(
            out,
            "{file}:{}: {bytes} damaged bytes before this line; a later session found and named them",
            damage.line
        )?;
    }
    for seen in sessions.iter().filter(|seen| !seen.ended) {
        writeln!(
            out,
            "session {} has no end: it still runs, was killed, or its last records were cut off",
            seen.session
        )?;
    }
    Ok(())
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// What the list says of one log.
#[derive(Default)]
struct Summary {
    start: Option<(Timestamp, String, String)>,
    calls: u64,
    denials: u64,
    end: Option<String>,
    unreadable: u64,
}

impl Summary {
    fn of(path: &Path) -> anyhow::Result<Self> {
        let mut summary = Self::default();
        for item in audit::read(path, Filter::default())? {
            let Ok(record) = item else {
                summary.unreadable += 1;
                continue;
            };
            summary.calls += u64::from(matches!(record.body, Body::ToolCall(_)));
            summary.denials += weight(&record.body);
            match record.body {
                Body::SessionStart(start) => {
                    summary.start = Some((record.time, record.session.to_string(), start.policy.name))
                }
                Body::SessionEnd(SessionEnd { reason, .. }) => {
                    summary.end = json!(reason).as_str().map(str::to_owned)
                }
                _ => {}
            }
        }
        Ok(summary)
    }

    fn document(&self, path: &Path) -> Value {
        let Self { start, calls, denials, end, unreadable } = self;
        json!({
            "path": path,
            "start": start.as_ref().map(|(time, ..)| format!("{time:.6}")),
            "session": start.as_ref().map(|(_, session, _)| session),
            "policy": start.as_ref().map(|(.., policy)| policy),
            "calls": calls,
            "denials": denials,
            "end": end,
            "unreadable_lines": unreadable,
        })
    }

    fn line(&self, path: &Path) -> String {
        let Self { start, calls, denials, end, unreadable } = self;
        let start = match start {
            Some((time, session, policy)) => format!("{time:.0}  {session}  {policy}"),
            None => path.display().to_string(),
        };
        let end = end.as_ref().map_or_else(|| "no end".to_owned(), |end| format!("ended: {end}"));
        let broken = if *unreadable > 0 { format!("  {unreadable} unreadable lines") } else { String::new() };
        audit::for_people(&format!("{start}  {calls} calls  {denials} denials  {end}{broken}")).into_owned()
    }
}

/// How many refusals a record stands for.
fn weight(body: &Body) -> u64 {
    match body {
        Body::Denial(denial) => denial.count,
        body => u64::from(body.is_denial()),
    }
}

fn list(as_json: bool, out: &mut dyn Write) -> anyhow::Result<u8> {
    let state = state_directory()?;
    for path in audit::session_logs(&state)? {
        let summary = Summary::of(&path)?;
        if as_json {
            writeln!(out, "{}", summary.document(&path))?;
        } else {
            writeln!(out, "{}", summary.line(&path))?;
        }
    }
    Ok(0)
}
