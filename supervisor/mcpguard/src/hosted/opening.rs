//! Asking for a session: everything that the daemon needs to compile the same plan.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use control::message::{self, Companions, Link, Open, Program, RealPath, Sources, Variable};
use control::{Answer, OsBytes, PathBytes, Request, SessionName};
use enforce::bpf::ActiveMask;
use enforce::encode::{Implied, look_up};
use policy::plan::AbsolutePath;
use policy::{Library, Programs, Source};

use super::Found;
use super::line::Line;
use super::link::Hosted;
use crate::compose::Composed;

/// How long an opening may take: the daemon compiles, opens files, and sees a canary denied.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a daemon that guards the session may not listen.
const HURRY: Duration = Duration::from_secs(1);

/// What the compiler asked for, on its way to whoever answers: texts, programs, interpreters.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    texts: Mutex<Vec<Source>>,
    links: Mutex<Vec<Link>>,
    programs: Mutex<BTreeMap<String, AbsolutePath>>,
    companions: Mutex<BTreeMap<AbsolutePath, Vec<AbsolutePath>>>,
}

impl Recorder {
    /// The policy itself is the first text.
    pub(crate) fn of(policy: &Source) -> Self {
        Self { texts: Mutex::new(vec![policy.clone()]), ..Self::default() }
    }

    /// The names of all texts: files as they were named, presets.
    pub(crate) fn sources(&self) -> Vec<String> {
        held(&self.texts).iter().map(|source| source.name.clone()).collect()
    }

    /// A library that is recorded.
    pub(crate) fn library<'a>(&'a self, of: &'a dyn Library) -> impl Library + 'a {
        Recorded { recorder: self, of }
    }

    /// Programs that are recorded.
    pub(crate) fn programs<'a>(&'a self, of: &'a dyn Programs) -> impl Programs + 'a {
        Asked { recorder: self, of }
    }
}

/// Nobody panics meanwhile who leaves half of something.
fn held<T>(recorded: &Mutex<T>) -> MutexGuard<'_, T> {
    recorded.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Recorded<'a> {
    recorder: &'a Recorder,
    of: &'a dyn Library,
}

impl Library for Recorded<'_> {
    fn read(&self, reference: &str, from: &str) -> Result<Source, String> {
        let source = self.of.read(reference, from)?;
        let mut texts = held(&self.recorder.texts);
        if !texts.iter().any(|known| known.name == source.name) {
            texts.push(source.clone());
        }
        let link = Link { from: from.to_owned(), reference: reference.to_owned(), to: source.name.clone() };
        let mut links = held(&self.recorder.links);
        if !links.contains(&link) {
            links.push(link);
        }
        Ok(source)
    }
}

struct Asked<'a> {
    recorder: &'a Recorder,
    of: &'a dyn Programs,
}

impl Programs for Asked<'_> {
    fn find(&self, name: &str) -> Result<AbsolutePath, String> {
        let found = self.of.find(name)?;
        held(&self.recorder.programs).insert(name.to_owned(), found.clone());
        Ok(found)
    }

    fn companions(&self, program: &AbsolutePath) -> Vec<AbsolutePath> {
        let found = self.of.companions(program);
        if !found.is_empty() {
            held(&self.recorder.companions).insert(program.clone(), found.clone());
        }
        found
    }
}

/// Asks for a session around a process of this user's own, which waits meanwhile.
///
/// # Errors
/// The daemon refuses, with all that it says; or does not keep to what it says.
pub(crate) fn open(
    found: &Found,
    composed: &Composed,
    command: &enforce::Command,
    process: BorrowedFd<'_>,
) -> anyhow::Result<Hosted> {
    let request = request(composed, command)?;
    let mut line = Line::connect(&found.socket, PATIENCE).context("the host daemon does not answer")?;
    let answer = line.ask_and_wait(Request::Open(Box::new(request)), &[process], PATIENCE);
    let (answer, descriptors) = answer.context("the host daemon opens no session")?;
    let opened = match answer {
        Answer::Opened(opened) => opened,
        Answer::Refused(refusal) => bail!("the host daemon refuses the session: {}", refused(&refusal)),
        other => bail!("the host daemon answers with {other:?} where it was asked for a session"),
    };
    ensure!(
        opened.revision == composed.plan.revision,
        "the host daemon has compiled another policy ({}) than this mcpguard ({}); upgrade whichever of the two is older",
        opened.revision,
        composed.plan.revision
    );
    let [page, bundle] =
        <[_; 2]>::try_from(descriptors).map_err(|_| anyhow::anyhow!("the session lacks its descriptors"))?;
    let page = ActiveMask::new(page).context("the session's page cannot be mapped")?;
    line.hurry(HURRY)?;
    Hosted::new(found.socket.clone(), line, &opened, page, bundle)
}

/// All that a refusal says.
pub(super) fn refused(message::Refusal { code: _, sentence, details }: &message::Refusal) -> String {
    let details: String = details.iter().map(|detail| format!("\n  {detail}")).collect();
    format!("{sentence}{details}")
}

pub(super) fn request(composed: &Composed, command: &enforce::Command) -> anyhow::Result<Open> {
    let Composed { plan, host, recorder, .. } = composed;
    let context = host.context();
    let implied = enforce::implied(plan, command);
    let texts = held(&recorder.texts);
    let doors = command.doors.map(|doors| -> anyhow::Result<message::Doors> {
        Ok(message::Doors { resolver: doors.resolver.try_into()?, proxy: doors.proxy.try_into()? })
    });
    Ok(Open {
        name: name(&plan.name)?,
        policy: Sources::new(texts.iter().map(text).collect(), held(&recorder.links).clone())?,
        place: message::Place {
            workspace: absolute(&context.workspace)?,
            home: absolute(&context.home)?,
            config_home: absolute(&context.config_home)?,
            cache_home: absolute(&context.cache_home)?,
            runtime_dir: context.runtime_dir.as_ref().map(absolute).transpose()?,
            server: context.server.iter().map(absolute).collect::<anyhow::Result<_>>()?,
            current_directory: path(&command.directory)?,
        },
        environment: variables(&texts, context.environment),
        programs: held(&recorder.programs)
            .iter()
            .map(|(name, found)| Ok(Program { name: name.clone(), path: absolute(found)? }))
            .collect::<anyhow::Result<_>>()?,
        companions: held(&recorder.companions)
            .iter()
            .map(|(program, are)| Ok(Companions { program: absolute(program)?, are: all(are)? }))
            .collect::<anyhow::Result<_>>()?,
        real: real(composed, &implied)?,
        implied: message::Implied { programs: all(&implied.programs)?, loaders: all(&implied.loaders)? },
        command: message::Command {
            program: path(&command.program)?,
            argv: command
                .argv
                .iter()
                .map(|word| OsBytes::new(word.as_bytes()).map_err(Into::into))
                .collect::<anyhow::Result<_>>()?,
        },
        doors: doors.transpose()?,
    })
}

fn real(composed: &Composed, implied: &Implied) -> anyhow::Result<Vec<RealPath>> {
    let found = look_up(&composed.plan, implied)?;
    found.iter().map(|(path, real)| Ok(RealPath { path: absolute(path)?, real: absolute(real)? })).collect()
}

fn text(Source { name, text }: &Source) -> message::Source {
    message::Source { name: name.clone(), text: text.clone() }
}

fn path(path: &Path) -> anyhow::Result<PathBytes> {
    PathBytes::new(path.as_os_str().as_bytes()).with_context(|| format!("{}", path.display()))
}

fn absolute(it: &AbsolutePath) -> anyhow::Result<PathBytes> {
    path(it.as_path())
}

fn all(paths: &[AbsolutePath]) -> anyhow::Result<Vec<PathBytes>> {
    paths.iter().map(absolute).collect()
}

/// The variables that the texts name, and no others.
fn variables(texts: &[Source], environment: &BTreeMap<String, String>) -> Vec<Variable> {
    const NAMED: &str = "${env:";
    let ends = |rest: &str| rest.split(|letter| !is_of_a_name(letter)).next().unwrap_or_default().to_owned();
    let names: BTreeSet<String> =
        texts.iter().flat_map(|source| source.text.split(NAMED).skip(1).map(ends)).collect();
    let known = names.into_iter().filter_map(|name| Some((environment.get(&name)?.clone(), name)));
    known.map(|(value, name)| Variable { name, value }).collect()
}

/// What names of variables consist of; a default may follow behind `:-`.
fn is_of_a_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// What the session is called: the policy's name, as far as it is one for a session.
fn name(policy: &str) -> anyhow::Result<SessionName> {
    let known = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let text: String = policy.chars().map(known).take(60).collect();
    let text = text.trim_start_matches('-');
    let named = SessionName::new(text).or_else(|_| SessionName::new(format!("s-{text}")));
    Ok(named?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_called_like_its_policy() {
        for (policy, session) in [
            ("github", "github"),
            ("My Policy", "my-policy"),
            ("--x", "x"),
            ("", "s-"),
            ("0123456789abcdef", "s-0123456789abcdef"),
            ("ä/b", "b"),
        ] {
            assert_eq!(name(policy).expect("a name").as_str(), session, "{policy}");
        }
    }

    #[test]
    fn only_variables_that_the_texts_name_are_sent() {
        let text =
            "read: [\"${env:DATA}/x\", \"${env:GONE}\", \"${home}\", \"${env:OTHER:-/none}\"] # ${env:DATA}";
        let texts = [Source { name: "p".to_owned(), text: text.to_owned() }];
        let environment = [("DATA", "/d"), ("OTHER", "/o"), ("TOKEN", "secret")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let sent = variables(&texts, &environment);
        let variable = |name: &str, value: &str| Variable { name: name.to_owned(), value: value.to_owned() };
        assert_eq!(sent, [variable("DATA", "/d"), variable("OTHER", "/o")]);
    }
}
