//! `mcpguard limits`: what sessions of the host daemon may use and do use, and other limits for them while they run.
//!
//! ```text
//! $ mcpguard limits github
//! SESSION   POLICY  MEMORY           PROCESSES  CPU
//! 5f3c0a91  github  96MiB of 512MiB  3 of 64    0.12 of 0.5
//! # mcpguard limits github --memory 1GiB --cpu 1
//! limited: 5f3c0a91 (github)
//! SESSION   POLICY  MEMORY         PROCESSES  CPU
//! 5f3c0a91  github  96MiB of 1GiB  3 of 64    0.12 of 1
//! ```
//! A session's own user can make its limits smaller only; an operator can set what the host's rules allow. All that are
//! given are set for a session, or none. `?` is what the host does not count; without `of` there is no limit. The share of
//! processors is that of the last second or so.
//!
//! Exit status: 0; 1 some could not be; 125 nothing could be chosen, or the daemon does not answer or refuses.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use control::message::{Code, Limit, Limits, LimitsOf, Refusal, SessionLimits, Used};
use control::{Answer, Request, Selector, SessionId};
use nix::unistd::geteuid;
use policy::limits::{self, spell_cpus, spell_memory};
use serde_json::{Value, json};

use super::deed::one;
use super::table::table;
use super::told::line;
use crate::sessions::{Choice, Daemon, Host, Running, running};

/// Arguments of `mcpguard limits`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    daemon: Daemon,
    /// Memory of the whole tree from now on, such as 512MiB (as `memory_limit` in a policy)
    #[arg(long, value_name = "SIZE", value_parser = limits::memory)]
    memory: Option<u64>,
    /// Processes and threads at once from now on (as `max_processes` in a policy)
    #[arg(long, value_name = "N", value_parser = limits::processes)]
    processes: Option<u32>,
    /// Share of processors from now on; 0.5 is half of one (as `cpus` in a policy)
    #[arg(long, value_name = "SHARE", value_parser = limits::cpus)]
    cpu: Option<u32>,
    /// Print JSON, one object a session
    #[arg(long)]
    json: bool,
}

/// How long the daemon may take for all sessions.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is known of a session, or why nothing is.
type Outcome = Result<SessionLimits, String>;

/// Shows or sets them; the number is the exit status.
pub(crate) fn run(args: Args, out: &mut dyn Write) -> anyhow::Result<u8> {
    let (all, host) = running(&args.daemon)?;
    let mut host =
        host.context("limits takes the host daemon, and none answers; `mcpguard daemon` is one")?;
    let sessions = args.choice.of(all)?;
    ensure!(!sessions.is_empty(), "no such session runs; `mcpguard ps` lists those that do");
    let to = Limits { memory_bytes: args.memory, max_processes: args.processes, cpu_millis: args.cpu };
    let selectors = match args.choice.lot()? {
        Some(lot) => vec![lot],
        None => sessions.iter().filter_map(|session| one(session.id()?)).collect(),
    };
    let known = ask(selectors, to, |request| host.limits(request))?;
    let outcomes: Vec<Outcome> = sessions.iter().map(|session| outcome(session, &known)).collect();
    let rows: Vec<(&Running, &Outcome)> = sessions.iter().zip(&outcomes).collect();
    let deed = if to.is_empty() { "shown" } else { "limited" };
    match args.json {
        true => rows.iter().try_for_each(|row| writeln!(out, "{}", document(deed, row)))?,
        false => tell(deed, &rows, out)?,
    }
    Ok(u8::from(outcomes.iter().any(Result::is_err)))
}

impl Host {
    /// All parts of the answer to a request about limits; who is refused is told why.
    fn limits(&mut self, request: Request) -> anyhow::Result<Result<Vec<LimitsOf>, Refusal>> {
        let mut parts = Vec::new();
        for answer in self
            .ask_in_parts(request, Instant::now() + PATIENCE)
            .context("the host daemon does not answer")?
        {
            match answer {
                Answer::Limits(part) => parts.push(part),
                Answer::Refused(refusal) => return Ok(Err(refusal)),
                other => bail!("the host daemon answers with {other:?}"),
            }
        }
        Ok(Ok(parts))
    }
}

/// Asks about all of them; what is known, by session.
fn ask(
    selectors: Vec<Selector>,
    to: Limits,
    mut limits: impl FnMut(Request) -> anyhow::Result<Result<Vec<LimitsOf>, Refusal>>,
) -> anyhow::Result<BTreeMap<SessionId, Outcome>> {
    let mut known = BTreeMap::new();
    for sessions in selectors {
        let mut about = |sessions| limits(Request::Limits(Limit { sessions, to }));
        let mut told = about(sessions.clone())?;
        // Who is no operator means all of their own.
        if sessions == Selector::All && matches!(&told, Err(Refusal { code: Code::NotAllowed, .. })) {
            told = about(Selector::User(geteuid().as_raw()))?;
        }
        match told {
            Ok(parts) => parts.into_iter().for_each(|part| note(part, &mut known)),
            // It has ended since it was listed; the others are still asked about.
            Err(Refusal { code: Code::NoSuchSession, .. }) => {}
            Err(Refusal { sentence, details, .. }) => {
                let details: String = details.iter().map(|it| format!("\n  {it}")).collect();
                bail!("the host daemon refuses: {sentence}{details}")
            }
        }
    }
    Ok(known)
}

fn note(LimitsOf { sessions, failed, more: _ }: LimitsOf, known: &mut BTreeMap<SessionId, Outcome>) {
    known.extend(sessions.into_iter().map(|it| (it.session.clone(), Ok(it))));
    known.extend(failed.into_iter().map(|it| (it.session, Err(it.refusal.sentence))));
}

fn outcome(session: &Running, known: &BTreeMap<SessionId, Outcome>) -> Outcome {
    let id =
        session.id().ok_or("it is not the host daemon's, which alone changes limits of running sessions")?;
    known.get(id).cloned().unwrap_or_else(|| Err("it has ended meanwhile".to_owned()))
}

fn document(deed: &str, (session, outcome): &(&Running, &Outcome)) -> Value {
    let limits = outcome.as_ref().ok();
    json!({
        "session": session.session, "policy": session.policy, "pid": session.pid.as_raw(),
        deed: outcome.is_ok(), "error": outcome.as_ref().err(),
        "limits": limits.map(|it| it.limits), "used": limits.map(|it| it.used),
    })
}

/// What became of each where something was to be done, and a table of what holds now.
fn tell(deed: &str, rows: &[(&Running, &Outcome)], out: &mut dyn Write) -> std::io::Result<()> {
    for (session, outcome) in rows {
        if outcome.is_err() || deed != "shown" {
            let outcome = outcome.as_ref().map(|_| ()).map_err(String::clone);
            writeln!(out, "{}", line(deed, session, &outcome))?;
        }
    }
    let known = rows.iter().filter_map(|(session, outcome)| {
        let limits = outcome.as_ref().ok()?;
        Some(cells(&session.session, &session.policy, limits))
    });
    let known: Vec<_> = known.collect();
    if known.is_empty() { Ok(()) } else { table(HEADS, &[], &known, out) }
}

const HEADS: [&str; 5] = ["SESSION", "POLICY", "MEMORY", "PROCESSES", "CPU"];

fn cells(session: &str, policy: &str, SessionLimits { limits, used, .. }: &SessionLimits) -> [String; 5] {
    let Limits { memory_bytes, max_processes, cpu_millis } = *limits;
    let Used { memory_bytes: memory, processes, cpu_millis: cpu } = *used;
    let shown = |text: &str| audit::for_people(text).into_owned();
    let share = |millis: u64| spell_cpus(u32::try_from(millis).unwrap_or(u32::MAX));
    [
        shown(&session.chars().take(8).collect::<String>()),
        shown(policy),
        of(memory.map(rounded), memory_bytes.map(spell_memory)),
        of(processes.map(|count| count.to_string()), max_processes.map(|count| count.to_string())),
        of(cpu.map(share), cpu_millis.map(spell_cpus)),
    ]
}

fn of(used: Option<String>, limit: Option<String>) -> String {
    let used = used.unwrap_or_else(|| "?".to_owned());
    limit.map_or_else(|| used.clone(), |limit| format!("{used} of {limit}"))
}

/// What is used, in whole MiB or KiB.
fn rounded(bytes: u64) -> String {
    if bytes < 1 << 20 { format!("{}KiB", bytes >> 10) } else { format!("{}MiB", bytes >> 20) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use control::message::NotActed;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn id(last: char) -> SessionId {
        SessionId::new(format!("00000000000000a{last}")).expect("an id")
    }

    fn limits_of(last: char, limits: Limits, used: Used) -> SessionLimits {
        SessionLimits { session: id(last), limits, used }
    }

    fn refusal(code: Code) -> Refusal {
        Refusal { code, sentence: "no".to_owned(), details: Vec::new() }
    }

    #[test]
    fn limits_are_spelled_as_in_a_policy() {
        let read = |words: &[&str]| Line::try_parse_from([&["limits", "github"], words].concat());
        let args = read(&["--memory", "512MiB", "--processes", "64", "--cpu", "0.5"]).expect("limits").args;
        assert_eq!((args.memory, args.processes, args.cpu), (Some(512 << 20), Some(64), Some(500)));
        let shown = read(&[]).expect("no limits").args;
        assert_eq!((shown.memory, shown.processes, shown.cpu, shown.json), (None, None, None, false));
        for (words, told) in [
            (["--memory", "512MB"], "did you mean `512MiB`?"),
            (["--memory", "0"], "a size is a whole number"),
            (["--processes", "0"], "from 1 to 4194304"),
            (["--processes", "4194305"], "from 1 to 4194304"),
            (["--cpu", "500m"], "did you mean `0.5`?"),
            (["--cpu", "0"], "from 0.001 to 1024"),
        ] {
            let error = read(&words).err().expect("it is refused").to_string();
            assert!(error.contains(told), "{words:?}: {error}");
        }
        assert!(Line::try_parse_from(["limits", "--memory", "1GiB"]).is_err(), "of which session?");
    }

    #[test]
    fn all_parts_are_heard_and_all_are_the_own_ones_of_whoever_is_no_operator() {
        let mut asked = Vec::new();
        let to = Limits { max_processes: Some(8), ..Limits::default() };
        let known = ask(vec![Selector::All], to, |request| {
            let Request::Limits(limit) = request else { panic!("{request:?}") };
            asked.push(limit);
            if asked.len() == 1 {
                return Ok(Err(refusal(Code::NotAllowed)));
            }
            let sessions = vec![limits_of('a', to, Used::default())];
            let failed = vec![NotActed { session: id('b'), refusal: refusal(Code::Kernel) }];
            Ok(Ok(vec![
                LimitsOf { sessions, more: true, ..LimitsOf::default() },
                LimitsOf { failed, ..LimitsOf::default() },
            ]))
        })
        .expect("it answers");
        assert_eq!(known[&id('a')].as_ref().map(|it| it.limits), Ok(to));
        assert_eq!(known[&id('b')], Err("no".to_owned()));
        let own = Selector::User(geteuid().as_raw());
        assert_eq!(asked, [Limit { sessions: Selector::All, to }, Limit { sessions: own, to }]);
    }

    #[test]
    fn a_refusal_is_an_error_and_a_session_that_has_ended_is_not() {
        let selector = || one(&id('a')).expect("an id");
        let told = |code| ask(vec![selector()], Limits::default(), |_| Ok(Err(refusal(code))));
        assert!(told(Code::NoSuchSession).expect("it has ended").is_empty());
        assert_eq!(told(Code::HostRules).expect_err("refused").to_string(), "the host daemon refuses: no");
    }

    #[test]
    fn a_table_says_what_is_used_of_what() {
        let limits = Limits { memory_bytes: Some(512 << 20), max_processes: None, cpu_millis: Some(500) };
        let used = Used { memory_bytes: Some(100_000_000), processes: Some(3), cpu_millis: None };
        let mut out = Vec::new();
        table(HEADS, &[], &[cells("5f3c0a91-long", "git\u{1b}hub", &limits_of('a', limits, used))], &mut out)
            .expect("memory");
        let text = String::from_utf8(out).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("5f3c0a91  ") && !text.contains('\u{1b}'), "{text}");
        assert!(lines[1].contains("  95MiB of 512MiB  3          ? of 0.5"), "{text}");
        assert_eq!(lines[0].find("MEMORY"), lines[1].find("95MiB"), "{text}");
        let mut none = Vec::new();
        tell("shown", &[], &mut none).expect("memory");
        assert!(none.is_empty());
    }
}
