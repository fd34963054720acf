//! Text → `Policy`: reads, follows `extends`, merges, checks. All problems of all files come at once.

use sha2::{Digest, Sha256};

use super::{Order, Policy, check};
use crate::document::names::{PolicyName, Reference};
use crate::document::{At, Decode, Document, FromText, Merge};
use crate::plan::Origin;
use crate::problem::{Problems, Report};
use crate::yaml;

/// How deep `extends` may be nested.
const MAX_EXTENDS_DEPTH: usize = 8;

/// How many texts one policy may be made of, repetitions counted.
const MAX_SOURCES: usize = 64;

/// How many bytes they may have together.
const MAX_TOTAL_BYTES: usize = 1024 * 1024;

/// A policy text and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file as the user typed it, or the preset's name.
    pub name: String,
    /// The YAML.
    pub text: String,
}

impl Source {
    /// Takes the bytes of a file.
    ///
    /// # Errors
    /// If they are not UTF-8: one problem with line and column.
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self, Problems> {
        let name = name.into();
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { name, text }),
            Err(error) => {
                let sound = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
                let line = sound.matches('\n').count() + 1;
                let column = sound.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
                let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
                let mut report = Report::default();
                let origin = Origin { source: name, line: number(line), column: number(column) };
                report.error(&origin, "the file is not UTF-8 here");
                Err(report.into_problems())
            }
        }
    }
}

/// Where policies that are named under `extends` come from: shipped presets and files.
pub trait Library {
    /// The source that `reference` means in the source named `from`. Its name must be the same whenever the same
    /// text is meant, and differ otherwise: cycles are found by it.
    ///
    /// # Errors
    /// A sentence for the user: why there is none.
    fn read(&self, reference: &str, from: &str) -> Result<Source, String>;
}

/// Reads a policy and everything it extends.
///
/// # Errors
/// Every error of every text, and the warnings.
pub fn load(entry: Source, library: &dyn Library) -> Result<Policy, Problems> {
    let mut loader = Loader {
        library,
        report: Report::default(),
        digest: Sha256::new(),
        order: Order::default(),
        trail: Vec::new(),
        sources: 0,
        bytes: 0,
    };
    let document = loader.visit(&entry);
    let Loader { mut report, digest, order, .. } = loader;
    let Some(document) = document else { return Err(report.into_problems()) };
    check::check(&document, &order, &mut report);
    if report.has_error() {
        return Err(report.into_problems());
    }
    let revision = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let name = document.name.as_ref().map_or_else(|| name_of(&entry.name), |name| name.value.0.clone());
    let description = document.description.as_ref().map(|description| description.value.0.clone());
    Ok(Policy { name, description, revision, document, order, warnings: report.into_problems() })
}

/// `policies/github.yaml` → `github`.
fn name_of(source: &str) -> String {
    let file = source.rsplit('/').next().unwrap_or(source);
    let stem = file.strip_suffix(".yaml").or_else(|| file.strip_suffix(".yml")).unwrap_or(file);
    let cut: String =
        stem.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).take(64).collect();
    PolicyName::from_text(&cut).map_or_else(|_| "policy".to_owned(), |PolicyName(name)| name)
}

struct Loader<'a> {
    library: &'a dyn Library,
    report: Report,
    digest: Sha256,
    order: Order,
    /// Names of the sources that are being read, outermost first.
    trail: Vec<String>,
    sources: usize,
    bytes: usize,
}

impl Loader<'_> {
    /// The document of a source, merged over everything it extends. `None` if it is not YAML or not a mapping.
    fn visit(&mut self, source: &Source) -> Option<Document> {
        let own = self.read(source);
        self.trail.push(source.name.clone());
        let references = own.as_ref().and_then(|own| own.extends.as_ref()).map(|at| at.value.0.clone());
        let mut merged = Document::default();
        for reference in references.unwrap_or_default() {
            if let Some(base) = self.extend(&reference, &source.name) {
                merged = merged.merge(base);
            }
        }
        self.trail.pop();
        self.digest.update((source.text.len() as u64).to_le_bytes());
        self.digest.update(&source.text);
        self.order.note(&source.name);
        own.map(|own| merged.merge(own))
    }

    fn read(&mut self, source: &Source) -> Option<Document> {
        let tree = yaml::parse(&source.name, &source.text, &mut self.report)?;
        let document = Document::decode(&tree, &mut self.report)?;
        check::file(&document, &mut self.report);
        Some(document)
    }

    fn extend(
        &mut self,
        At { value: Reference(reference), origin }: &At<Reference>,
        from: &str,
    ) -> Option<Document> {
        if self.trail.len() > MAX_EXTENDS_DEPTH {
            self.report.error(origin, format!("`extends` is nested more than {MAX_EXTENDS_DEPTH} deep"));
            return None;
        }
        self.sources += 1;
        if self.sources >= MAX_SOURCES {
            self.report.error(origin, format!("this policy is made of more than {MAX_SOURCES} texts"));
            return None;
        }
        let source = match self.library.read(reference, from) {
            Ok(source) => source,
            Err(reason) => {
                self.report.error(origin, format!("`{reference}` cannot be extended: {reason}"));
                return None;
            }
        };
        self.bytes += source.text.len();
        if self.bytes > MAX_TOTAL_BYTES {
            self.report
                .error(origin, format!("the texts of this policy have more than {MAX_TOTAL_BYTES} bytes"));
            return None;
        }
        if self.trail.contains(&source.name) {
            let circle = [&self.trail[..], std::slice::from_ref(&source.name)].concat().join(" → ");
            self.report.error(origin, format!("`extends` goes in a circle: {circle}"));
            return None;
        }
        self.visit(&source).map(nameless)
    }
}

/// Name and description are those of the file itself; they are not inherited.
fn nameless(document: Document) -> Document {
    Document { name: None, description: None, extends: None, ..document }
}
