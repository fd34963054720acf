//! A host that exists in memory only, and a library of texts.

use std::collections::BTreeMap;

use policy::plan::AbsolutePath;
use policy::{Context, Library, Plan, Policy, Problems, Programs, Source, load};

/// An absolute path.
pub(crate) fn path(text: &str) -> AbsolutePath {
    AbsolutePath::new(text).unwrap_or_else(|| panic!("{text} is not absolute"))
}

/// Every bare name is a program in `/usr/bin`, except those that start with `no-`.
pub(crate) struct UsrBin;

impl Programs for UsrBin {
    fn find(&self, name: &str) -> Result<AbsolutePath, String> {
        match name.starts_with("no-") {
            true => Err("no directory of PATH holds it".to_owned()),
            false => Ok(path(&format!("/usr/bin/{name}"))),
        }
    }

    fn companions(&self, program: &AbsolutePath) -> Vec<AbsolutePath> {
        match program.as_path().starts_with("/usr/bin") {
            true => vec![path("/usr/lib/interpreter")],
            false => Vec::new(),
        }
    }
}

/// Texts by name.
#[derive(Default)]
pub(crate) struct Texts(pub(crate) BTreeMap<String, String>);

impl Texts {
    pub(crate) fn with(mut self, name: &str, text: &str) -> Self {
        self.0.insert(name.to_owned(), text.to_owned());
        self
    }
}

impl Library for Texts {
    fn read(&self, reference: &str, _from: &str) -> Result<Source, String> {
        let text = self.0.get(reference).ok_or("there is no such preset or file")?;
        Ok(Source { name: reference.to_owned(), text: text.clone() })
    }
}

/// The environment of the fake host.
pub(crate) fn environment() -> BTreeMap<String, String> {
    let pairs = [("REGION", "eu-1"), ("EMPTY", ""), ("UP", "../up"), ("GITHUB_TOKEN", "t")];
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The fake host.
pub(crate) fn context(environment: &BTreeMap<String, String>) -> Context<'_> {
    Context {
        workspace: path("/home/u/site"),
        home: path("/home/u"),
        config_home: path("/home/u/.config"),
        cache_home: path("/home/u/.cache"),
        runtime_dir: Some(path("/run/user/1000")),
        server: vec![path("/opt/server/node_modules"), path("/opt/venv")],
        environment,
        programs: &UsrBin,
    }
}

pub(crate) fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

/// Loads a text that extends nothing.
pub(crate) fn read(text: &str) -> Result<Policy, Problems> {
    load(source("p.yaml", text), &Texts::default())
}

/// Loads and compiles a text that extends nothing.
pub(crate) fn plan(text: &str) -> Result<Plan, Problems> {
    let environment = environment();
    read(text)?.compile(&context(&environment))
}

/// The problems of a text, one a line.
pub(crate) fn problems(text: &str) -> Vec<String> {
    match plan(text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}
