//! `mcpguard events`: what happens in the sessions of the host daemon, live.
//!
//! ```text
//! # mcpguard events --topic denied,ended
//! 2026-11-27T02:15:01.52Z  00000000000000a1  github  ada  denied: connect 192.0.2.1:9 by node (4711): not granted
//! ```
//! For operators: root, and members of the daemon's group. It survives a restart of the daemon, and says so on stderr; what
//! happens meanwhile is in the host log only. It ends with Ctrl-C, or when nobody reads it any more, with 0.
//!
//! Exit status: 0; 125 the daemon does not answer at first, or refuses.

mod words;

use std::io::{IsTerminal, Write};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use control::message::{EventKind, Filter, Followed, Topic};
use control::{Answer, FromDaemon, Request, SessionId, SessionName};
use nix::sys::signal::{SigSet, Signal};
use serde::de::DeserializeOwned;

use super::log::is_broken_pipe;
use crate::sessions::{Daemon, Host, running, uid};
use crate::terminal;

/// Arguments of `mcpguard events`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    daemon: Daemon,
    /// Only this session: the beginning of its name in `mcpguard ps`, or mcpguard's process number
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// Only sessions of this name, which is that of their policy
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<SessionName>,
    /// Only sessions of this user, by name or number
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only these kinds of events
    #[arg(long, value_name = "TOPIC", value_delimiter = ',', value_parser = parser::<Topic>(&TOPICS))]
    topic: Vec<Topic>,
    /// Only denials, and of them only these kinds
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = parser::<EventKind>(&KINDS))]
    denial: Vec<EventKind>,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

const TOPICS: [&str; 8] =
    ["opened", "denied", "dropped", "resources", "ended", "frozen", "thawed", "limited"];
const KINDS: [&str; 24] = [
    "open",
    "exec",
    "map_code",
    "create",
    "remove",
    "rename",
    "link",
    "truncate",
    "attributes",
    "receive",
    "connect",
    "send",
    "bind",
    "socket",
    "unix",
    "trace",
    "signal",
    "mount",
    "bpf",
    "namespace",
    "fork",
    "escape",
    "packet",
    "uring",
];

/// How long the daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it is left alone when it does not.
const PAUSE: Duration = Duration::from_millis(250);

/// Follows; the number is the exit status.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    leave_on_interrupt()?;
    let filter = filter(&args)?;
    let coloured = terminal::colours(&std::io::stdout()) && std::io::stdout().is_terminal();
    let mut host = begin(&args.daemon, &filter)?.map_err(refused)?;
    loop {
        let lost = match print(&mut host, &args, coloured, out) {
            Err(error) if is_broken_pipe(&error) => return Ok(0),
            Err(error) => error,
            Ok(lost) => lost,
        };
        terminal::warning(&format!(
            "the host daemon is gone ({lost:#}); what happens is told when it is back"
        ));
        host = again(&args.daemon, &filter)?;
        terminal::note("the host daemon is back; what happened meanwhile is in the host log");
    }
}

/// `SIGINT` ends this process, with 0: it is how following ends.
fn leave_on_interrupt() -> anyhow::Result<()> {
    let interrupt: SigSet = [Signal::SIGINT].into_iter().collect();
    interrupt.thread_block().context("signals cannot be held back")?;
    std::thread::spawn(move || {
        if interrupt.wait().is_ok() {
            std::process::exit(0);
        }
    });
    Ok(())
}

/// Follows; or what the daemon says that refuses it.
///
/// # Errors
/// It does not answer.
fn begin(daemon: &Daemon, filter: &Filter) -> anyhow::Result<Result<Host, String>> {
    let mut host = daemon.connect(PATIENCE)?;
    match host.ask(Request::Follow(filter.clone()), PATIENCE)? {
        Answer::Done => Ok(Ok(host)),
        Answer::Refused(refusal) => Ok(Err(refusal.sentence)),
        other => bail!("the host daemon answers with {other:?}"),
    }
}

fn refused(sentence: String) -> anyhow::Error {
    anyhow::anyhow!("the host daemon refuses: {sentence}")
}

/// Waits until the daemon is back. Where it says no there is nothing to wait for.
fn again(daemon: &Daemon, filter: &Filter) -> anyhow::Result<Host> {
    loop {
        std::thread::sleep(PAUSE);
        if let Ok(answered) = begin(daemon, filter) {
            return answered.map_err(refused);
        }
    }
}

/// Prints until the daemon is gone, and why it is.
///
/// # Errors
/// Nobody reads any more; or the daemon is gone.
fn print(host: &mut Host, args: &Args, coloured: bool, out: &mut dyn Write) -> anyhow::Result<anyhow::Error> {
    loop {
        match host.next()? {
            Some(FromDaemon::Followed(followed)) => show(&followed, args.json, coloured, out)?,
            Some(FromDaemon::Closing(refusal)) => return Ok(anyhow::anyhow!(refusal.sentence)),
            _ => {}
        }
    }
}

fn show(followed: &Followed, json: bool, coloured: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let line = if json { words::document(followed)?.to_string() } else { words::line(followed, coloured) };
    // In one piece: an interrupt leaves no half of a line.
    out.write_all(format!("{line}\n").as_bytes())?;
    Ok(out.flush()?)
}

fn filter(args: &Args) -> anyhow::Result<Filter> {
    let session = args.session.as_deref().map(|word| session(word, &args.daemon)).transpose()?;
    let some = |topics: &[Topic]| (!topics.is_empty()).then(|| topics.to_vec());
    let denials = (!args.denial.is_empty()).then(|| args.denial.clone());
    Ok(Filter {
        session,
        name: args.name.clone(),
        user: args.user.as_deref().map(uid).transpose()?,
        topics: some(&args.topic).or_else(|| denials.as_ref().map(|_| vec![Topic::Denied])),
        denials,
    })
}

/// The session's id at the daemon. One that is written out need not run (any more).
fn session(word: &str, daemon: &Daemon) -> anyhow::Result<SessionId> {
    let (all, _) = running(daemon)?;
    let means = |pid: String, session: &str| pid == word || word.len() >= 4 && session.starts_with(word);
    let mut found: Vec<SessionId> = all
        .iter()
        .filter(|it| {
            means(it.pid.to_string(), &it.session)
                || it.id().is_some_and(|id| means(String::new(), id.as_str()))
        })
        .filter_map(|it| it.id().cloned())
        .collect();
    match (found.pop(), found.len()) {
        (Some(id), 0) => Ok(id),
        (Some(_), more) => bail!("{} sessions begin with `{word}`; write more of the name", more + 1),
        (None, _) => SessionId::new(word).map_err(|_| {
            anyhow::anyhow!("the host daemon has no session `{word}`; `mcpguard ps` lists those that run")
        }),
    }
}

fn name(text: &str) -> Result<SessionName, String> {
    SessionName::new(text).map_err(|error| error.to_string())
}

/// A word of the protocol, of these.
fn parser<T: DeserializeOwned + Clone + Send + Sync + 'static>(
    words: &'static [&'static str],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words).try_map(|word| serde_json::from_value::<T>(word.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_protocol_can_be_asked_for() {
        let kinds: Vec<EventKind> =
            KINDS.iter().map(|word| serde_json::from_value((*word).into()).expect("a kind")).collect();
        let own: Vec<EventKind> = abi::EventKind::ALL.into_iter().map(crate::daemon::words::kind).collect();
        assert!(
            !kinds.contains(&EventKind::Unknown) && own.iter().all(|kind| kinds.contains(kind)),
            "{kinds:?}"
        );
        let is_topic = |word: &&str| serde_json::from_value::<Topic>((**word).into()).is_ok();
        assert!(TOPICS.iter().all(is_topic));
    }
}
