//! `cargo xtask tricks`: the table of tricks, clients and backends in the test internet. Needs root.

#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command talks to the person who started it"
)]

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use harness::checkout;
use harness::internet::{Backend, Internet, Report, Trick, Who, Wire, all, table_in};

/// Between these lines the table stands in the documentation.
const BEGIN: &str = "<!-- begin: written by `cargo xtask tricks --write` -->\n";
const END: &str = "<!-- end -->";
const DOCUMENT: &str = "docs/network.md";

/// What was asked for.
struct Options {
    backends: Vec<Backend>,
    only: Option<String>,
    json: bool,
    write: bool,
    shell: Option<Who>,
    loopback: bool,
}

fn main() -> ExitCode {
    match Options::read(std::env::args().skip(1)).and_then(|options| options.run()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("tricks: {error:#}");
            ExitCode::from(2)
        }
    }
}

impl Options {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            backends: Backend::ALL.to_vec(),
            only: None,
            json: false,
            write: false,
            shell: None,
            loopback: false,
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--backend" => options.backends = backends(&words.next().context("--backend wants a name")?)?,
                "--only" => options.only = Some(words.next().context("--only wants a part of a name")?),
                "--json" => options.json = true,
                "--loopback" => options.loopback = true,
                "--write" => options.write = true,
                "--shell" => {
                    options.shell = Some(who(&words.next().context("--shell wants user or root")?)?)
                }
                _ => {
                    bail!(
                        "`{word}` is none of --backend bare|notify|ebpf|all, --only TEXT, --json, --write, --loopback, --shell user|root"
                    )
                }
            }
        }
        ensure!(!(options.write && options.only.is_some()), "--write wants the whole table");
        Ok(options)
    }

    fn tricks(&self) -> Vec<Trick> {
        let wanted = |trick: &Trick| {
            self.only.as_ref().is_none_or(|text| {
                trick.name.contains(text.as_str()) || trick.program.name().contains(text.as_str())
            })
        };
        all().into_iter().filter(wanted).collect()
    }

    fn raise(&self) -> Result<Internet> {
        if self.loopback { Internet::by(Wire::Loopback) } else { Internet::raise() }
    }

    /// Whether everything is as it must be.
    fn run(&self) -> Result<bool> {
        if let Some(who) = self.shell {
            return shell(&self.raise()?, who);
        }
        let report = table_in(&self.raise()?, &self.backends, &self.tricks())?;
        match self.json {
            true => println!("{}", report.json()),
            false => print!("{}", report.text()),
        }
        report.wrong().iter().for_each(|wrong| eprintln!("WRONG: {wrong}"));
        if self.write {
            write(&report)?;
        }
        Ok(report.wrong().is_empty())
    }
}

fn who(name: &str) -> Result<Who> {
    match name {
        "user" => Ok(Who::User),
        "root" => Ok(Who::Root),
        _ => bail!("`{name}` is neither user nor root"),
    }
}

/// A shell on the near side, for as long as it is wanted.
fn shell(internet: &Internet, who: Who) -> Result<bool> {
    let words = internet.enter(who, Path::new("/"));
    let mut command = Command::new(&words[0]);
    Ok(command.args(&words[1..]).arg("sh").status().context("no shell")?.success())
}

fn backends(name: &str) -> Result<Vec<Backend>> {
    if name == "all" {
        return Ok(Backend::ALL.to_vec());
    }
    let mut known = Backend::ALL.into_iter();
    Ok(vec![known.find(|backend| backend.name() == name).with_context(|| format!("no backend `{name}`"))?])
}

/// Puts the table into the documentation.
fn write(report: &Report) -> Result<()> {
    let path = checkout().join(DOCUMENT);
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {DOCUMENT}"))?;
    let (before, rest) =
        text.split_once(BEGIN).with_context(|| format!("no place for the table in {DOCUMENT}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("no end of the table in {DOCUMENT}"))?;
    let fresh = [before, BEGIN, "\n", &report.markdown(), "\n", END, after].concat();
    std::fs::write(&path, fresh).with_context(|| format!("cannot write {DOCUMENT}"))
}
