//! Cases to replay as real system calls: what to make, whom to be, what to try, and whether it is allowed.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;
use std::net::IpAddr;

use enforce::encode::{Implied, RealPaths, Tables, encode};
use policy::plan::AbsolutePath;
use policy::{Context, Plan, Policy, Programs, Request, Source};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde::{Deserialize, Serialize};

use crate::files::Files;
use crate::host::{Texts, context, environment, path};
use crate::meaning::Meaning;
use crate::random::{Random, in_flight, random, request, split};

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Case {
    /// From 0.
    pub(crate) number: usize,
    /// The policy's text, `p.yaml`, and those that it extends, by name. They need no variable and no program by name.
    pub(crate) texts: BTreeMap<String, String>,
    /// What to make before the rules are registered, in this order.
    pub(crate) before: Vec<Made>,
    /// What somebody outside of the session does after that, in this order, before the attempt.
    pub(crate) after: Vec<Change>,
    /// The tools whose calls are in flight.
    pub(crate) in_flight: Vec<String>,
    /// The active set that they lead to.
    pub(crate) active: u64,
    /// What the session's process tries.
    pub(crate) attempt: Attempt,
    /// Whether it is allowed.
    pub(crate) allowed: bool,
}

/// Something in the file system. Files are executable and hold one byte, which no kernel takes for a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "path", rename_all = "snake_case")]
pub(crate) enum Made {
    Directory(String),
    File(String),
}

/// A change. What lies in a replaced directory stays what it is: it is moved into the new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    Make(Made),
    Replace(Made),
}

/// One system call. Denied is `EPERM`; anything else is allowed, whatever comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub(crate) enum Attempt {
    /// `open(path, O_RDONLY)`; it exists.
    Read { path: String },
    /// `open(path, O_WRONLY)` of a file that exists.
    Write { path: String },
    /// `truncate(path, 0)` of a file that exists.
    Truncate { path: String },
    /// `chmod(path, 0755)` of a directory that exists.
    Mode { path: String },
    /// `open(path, O_WRONLY | O_CREAT | O_EXCL)`; it does not exist, its directory does.
    Create { path: String },
    /// `mkdir(path)`; it does not exist, its directory does.
    MakeDirectory { path: String },
    /// `execve(path)` in a child; allowed is `ENOEXEC`.
    Execute { path: String },
    /// `connect` of a datagram socket; no packet is sent.
    Connect { address: IpAddr, port: u16 },
}

impl Attempt {
    /// What it asks for.
    pub(crate) fn request(&self) -> Request {
        match self {
            Self::Read { path: place } => Request::Read(path(place)),
            Self::Execute { path: place } => Request::Execute(path(place)),
            Self::Write { path: place }
            | Self::Truncate { path: place }
            | Self::Mode { path: place }
            | Self::Create { path: place }
            | Self::MakeDirectory { path: place } => Request::Write(path(place)),
            Self::Connect { address, port } => Request::ConnectAddress(*address, *port),
        }
    }
}

/// As many cases as asked for, the same for the same seed, of every call, allowed and denied.
pub(crate) fn cases(count: usize, seed: u64) -> Vec<Case> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut found: Vec<Case> = Vec::with_capacity(count);
    // Most of what is asked at random is a denied read: no call and outcome may fill more than a twelfth.
    let most = count.div_ceil(12);
    while found.len() < count {
        let Some(case) = one(found.len(), &mut runner) else { continue };
        let kind = |case: &Case| (discriminant(&case.attempt), case.allowed);
        if found.iter().filter(|other| kind(other) == kind(&case)).count() < most {
            found.push(case);
        }
    }
    found
}

fn one(number: usize, runner: &mut TestRunner) -> Option<Case> {
    let mut value = || {
        Some(((random(), request()), (in_flight(), proptest::num::u64::ANY)).new_tree(runner).ok()?.current())
    };
    let ((random, request), (in_flight, seed)) = value()?;
    let root = format!("/replay/{number}");
    let scene = Scene::new(&moved(&random, &root), seed);
    let request = moved_request(&request, &root)?;
    let attempt = scene.attempt(&request, seed)?;
    let allowed = scene.allowed(&request, &in_flight);
    Some(Case {
        number,
        before: scene.before(&request),
        after: scene.after(&request, &attempt),
        active: scene.plan.active(&in_flight).bits(),
        in_flight: in_flight.iter().map(|tool| (*tool).to_owned()).collect(),
        texts: scene.texts,
        attempt,
        allowed,
    })
}

/// No program is looked up by name, and none needs another.
pub(crate) struct NoPrograms;

impl Programs for NoPrograms {
    fn find(&self, name: &str) -> Result<AbsolutePath, String> {
        Err(format!("`{name}` is looked up, and nothing is here"))
    }
}

/// A policy beneath one directory, and the file system that it is about.
pub(crate) struct Scene {
    texts: BTreeMap<String, String>,
    policy: Policy,
    pub(crate) plan: Plan,
    pub(crate) files: Files,
}

impl Scene {
    fn new(random: &Random, seed: u64) -> Self {
        let (entry, library) = split(random);
        let mut texts = library.0;
        texts.insert("p.yaml".to_owned(), entry);
        Self::of(texts, seed)
    }

    /// The scene of texts, compiled on a host that has nothing.
    pub(crate) fn of(texts: BTreeMap<String, String>, seed: u64) -> Self {
        let source = Source { name: "p.yaml".to_owned(), text: texts["p.yaml"].clone() };
        let policy = policy::load(source, &Texts(texts.clone())).expect("random policies are valid");
        let environment = environment();
        let bare = Context { programs: &NoPrograms, ..context(&environment) };
        let plan = policy.compile(&bare).unwrap_or_else(|problems| panic!("{problems}"));
        Self { texts, files: Files::new(&plan, seed), policy, plan }
    }

    pub(crate) fn tables(&self) -> Tables {
        encode(&self.plan, &Implied::default(), &RealPaths::default()).expect("short lists of names")
    }

    /// What is meant; for addresses, the floor that holds until domains are resolved.
    fn allowed(&self, request: &Request, in_flight: &[&str]) -> bool {
        let environment = environment();
        let context = Context { programs: &NoPrograms, ..context(&environment) };
        let meaning = Meaning { policy: &self.policy, plan: &self.plan, context };
        meaning.of(request, in_flight).expect("no case asks by name")
    }

    /// Every path that the case is about, with everything above it.
    fn paths(&self, request: &Request) -> BTreeSet<AbsolutePath> {
        let rules = self.plan.files.rules.iter().map(|rule| &rule.path).chain(place(request));
        rules.flat_map(|path| path.as_path().ancestors().filter_map(AbsolutePath::new)).collect()
    }

    fn made(&self, path: &AbsolutePath, request: &Request) -> Made {
        let text = path.as_path().display().to_string();
        let beneath = |other: &AbsolutePath| other != path && path.covers(other);
        match self.paths(request).iter().any(beneath) || self.files.is_directory(path) {
            true => Made::Directory(text),
            false => Made::File(text),
        }
    }

    /// The system call that asks what is asked; `None`: there is none for it.
    fn attempt(&self, request: &Request, seed: u64) -> Option<Attempt> {
        if let Request::ConnectAddress(address, port) = request {
            return Some(Attempt::Connect { address: *address, port: *port });
        }
        let here = place(request)?;
        let made = self.made(here, request);
        let path = here.as_path().display().to_string();
        let exists = self.files.then(here).is_some() || seed & 1 == 1;
        let is_leaf = !self.plan.files.rules.iter().any(|rule| here.covers(&rule.path));
        Some(match (request, made) {
            (Request::Read(_), _) => Attempt::Read { path },
            (Request::Execute(_), Made::File(_)) => Attempt::Execute { path },
            (Request::Write(_), Made::File(_)) if !exists && is_leaf => Attempt::Create { path },
            (Request::Write(_), Made::Directory(_)) if !exists && is_leaf => Attempt::MakeDirectory { path },
            (Request::Write(_), Made::File(_)) if seed & 2 == 2 => Attempt::Truncate { path },
            (Request::Write(_), Made::File(_)) => Attempt::Write { path },
            (Request::Write(_), Made::Directory(_)) => Attempt::Mode { path },
            _ => return None,
        })
    }

    /// What exists when the rules are registered, from above downwards. The root of all is there.
    fn before(&self, request: &Request) -> Vec<Made> {
        let there = self.paths(request).into_iter().filter(|path| path.as_path().parent().is_some());
        let there = there.filter(|path| self.files.then(path).is_some() || is_above_all(path));
        there.map(|path| self.made(&path, request)).collect()
    }

    /// What is made and replaced afterwards, from above downwards.
    fn after(&self, request: &Request, attempt: &Attempt) -> Vec<Change> {
        let absent = matches!(attempt, Attempt::Create { .. } | Attempt::MakeDirectory { .. });
        let left = self.paths(request).into_iter().filter(|path| !is_above_all(path));
        let left = left.filter(|path| !absent || place(request) != Some(path));
        let changes = left.filter_map(|path| {
            let made = self.made(&path, request);
            match self.files.then(&path) {
                None => Some(Change::Make(made)),
                Some(then) if self.files.directory(&path) != then => Some(Change::Replace(made)),
                Some(_) => None,
            }
        });
        changes.collect()
    }
}

/// `/`, `/replay` and the case's own directory are no one's to replace.
fn is_above_all(path: &AbsolutePath) -> bool {
    path.as_path().components().count() <= 3
}

fn place(request: &Request) -> Option<&AbsolutePath> {
    match request {
        Request::Read(path) | Request::Write(path) | Request::Execute(path) => Some(path),
        Request::Connect(..) | Request::ConnectAddress(..) => None,
    }
}

/// What a variable or a program's name means on the fake host.
const MEANINGS: [(&str, &[&str]); 5] = [
    ("${workspace}", &["/home/u/site"]),
    ("${home}", &["/home/u"]),
    ("${server}", &["/opt/server/node_modules", "/opt/venv"]),
    ("node", &["/usr/bin/node"]),
    ("git", &["/usr/bin/git"]),
];

/// The same policy beneath a directory, without variables and names of programs.
fn moved(random: &Random, root: &str) -> Random {
    let one = |text: &String| -> Vec<String> {
        if text.starts_with("**/") {
            return vec![text.clone()];
        }
        let meaning = MEANINGS.iter().find_map(|(word, means)| Some((text.strip_prefix(word)?, *means)));
        let (rest, starts) = meaning.unwrap_or((text, &[""]));
        let whole = |start: &&str| format!("{root}{start}{rest}").trim_end_matches('/').to_owned();
        starts.iter().map(whole).collect()
    };
    let all = |texts: &[String]| -> Vec<String> {
        texts.iter().flat_map(one).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let mut moved = random.clone();
    for list in [&mut moved.read, &mut moved.write, &mut moved.deny, &mut moved.programs] {
        *list = all(list);
    }
    for tool in &mut moved.tools {
        (tool.paths, tool.programs) = (all(&tool.paths), all(&tool.programs));
    }
    moved
}

fn moved_request(request: &Request, root: &str) -> Option<Request> {
    let beneath =
        |place: &AbsolutePath| path(format!("{root}{}", place.as_path().display()).trim_end_matches('/'));
    Some(match request {
        Request::Read(place) => Request::Read(beneath(place)),
        Request::Write(place) => Request::Write(beneath(place)),
        Request::Execute(place) => Request::Execute(beneath(place)),
        Request::ConnectAddress(address, port) => Request::ConnectAddress(*address, *port),
        // Nobody connects to a name.
        Request::Connect(..) => return None,
    })
}
