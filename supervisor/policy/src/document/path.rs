//! Paths as they stand in a policy. Absolute once variables are expanded; never a pattern, except `**/name` in `deny`.

use schemars::json_schema;

use super::decode::{FromText, text};
use super::list::Subject;
use super::template::{Part, Template, Variable};
use super::words::scalar;
use crate::plan::NamePattern;
use crate::problem::Complaint;

/// A path with variables: itself and everything beneath.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PathText(Template);

impl PathText {
    /// The template.
    pub(crate) fn template(&self) -> &Template {
        &self.0
    }

    /// The text as it was written.
    pub(crate) fn raw(&self) -> &str {
        self.0.raw()
    }

    /// Whether this path, read as text and before its variables are known, is `other` or lies above it.
    pub(crate) fn covers_as_text(&self, other: &Self) -> bool {
        let parts = |path: &str| -> Vec<String> {
            path.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect()
        };
        parts(other.raw()).starts_with(&parts(self.raw()))
    }
}

impl FromText for PathText {
    const WHAT: &str = "a path";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        if text.starts_with("**/") {
            return Err(Complaint::new(
                "name rules such as `**/.env` exist for `deny` only; a grant names a path",
            ));
        }
        let template = Template::from_text(text)?;
        relative(text)?;
        for (index, part) in template.parts().iter().enumerate() {
            match part {
                Part::Literal(literal) => check_literal(text, literal)?,
                Part::Variable(Variable::Environment { .. }) => {}
                Part::Variable(_) if index > 0 => {
                    return Err(Complaint::new(
                        "this variable is an absolute path and stands at the start only",
                    ));
                }
                Part::Variable(_) => check_follower(text, template.parts().get(1))?,
            }
        }
        Ok(Self(template))
    }
}

fn relative(text: &str) -> Result<(), Complaint> {
    let message = "a path is absolute or starts with a variable";
    match text {
        "" => Err(Complaint::new("this path is empty").instead("${workspace}")),
        "~" => Err(Complaint::new(message).instead("${home}")),
        "." => Err(Complaint::new(message).instead("${workspace}")),
        text if text.starts_with('/') || text.starts_with("${") => Ok(()),
        text => Err(Complaint::new(message).instead(match text.strip_prefix("~/") {
            Some(rest) => format!("${{home}}/{rest}"),
            None => format!("${{workspace}}/{}", text.strip_prefix("./").unwrap_or(text)),
        })),
    }
}

fn check_literal(text: &str, literal: &str) -> Result<(), Complaint> {
    if literal.split('/').any(|part| part == "..") {
        return Err(Complaint::new("`..` is not allowed in a path; write the directory that is meant"));
    }
    if literal.contains('\0') {
        return Err(Complaint::new("a path cannot hold NUL"));
    }
    if literal.contains(['*', '?']) {
        let complaint =
            Complaint::new("patterns are not possible in a path, which names itself and everything beneath");
        let cut =
            text.find(['*', '?']).and_then(|at| text[..at].rfind('/')).map(|slash| &text[..slash.max(1)]);
        return Err(match cut {
            Some(cut) if literal.trim_end_matches(['*', '/']).find(['*', '?']).is_none() => {
                complaint.instead(cut)
            }
            _ => complaint,
        });
    }
    Ok(())
}

fn check_follower(text: &str, next: Option<&Part>) -> Result<(), Complaint> {
    let slash_missing = match next {
        None => false,
        Some(Part::Literal(literal)) => !literal.starts_with('/'),
        Some(Part::Variable(_)) => true,
    };
    if !slash_missing {
        return Ok(());
    }
    let complaint = Complaint::new("a `/` is missing after the variable");
    Err(match text.split_once('}') {
        Some((before, after)) => complaint.instead(format!("{before}}}/{after}")),
        None => complaint,
    })
}

impl Subject for PathText {
    const KEY: &str = "path";
    type Options = ();
    fn show(&self) -> String {
        self.raw().to_owned()
    }
}

/// What `deny` holds: a path, or a name that is denied wherever it is met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    Path(PathText),
    Name { raw: String, pattern: NamePattern },
}

impl FromText for Denied {
    const WHAT: &str = "a path or a name rule";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        match text.strip_prefix("**/") {
            Some(name) => Ok(Self::Name { raw: text.to_owned(), pattern: name_pattern(name)? }),
            None if !text.contains('/') && !text.starts_with("${") && !text.is_empty() && text != "~" => Err(
                Complaint::new("a path is absolute or starts with a variable; a name rule starts with `**/`")
                    .instead(format!("**/{text}")),
            ),
            None => PathText::from_text(text).map(Self::Path),
        }
    }
}

fn name_pattern(name: &str) -> Result<NamePattern, Complaint> {
    let forms = "a name rule is `**/name`, `**/*.suffix` or `**/prefix*`";
    let bare = name.trim_matches('*');
    if bare.is_empty() || matches!(bare, "." | "..") {
        return Err(Complaint::new(format!("{forms}; this one names no file or every file")));
    }
    if bare.contains(['*', '?', '[', ']', '/', '\0']) || bare.contains("${") {
        return Err(Complaint::new(forms));
    }
    match (name.len() - name.trim_start_matches('*').len(), name.len() - name.trim_end_matches('*').len()) {
        (0, 0) => Ok(NamePattern::Exact(bare.to_owned())),
        (1, 0) => Ok(NamePattern::Suffix(bare.to_owned())),
        (0, 1) => Ok(NamePattern::Prefix(bare.to_owned())),
        _ => Err(Complaint::new(forms)),
    }
}

impl Subject for Denied {
    const KEY: &str = "path";
    type Options = ();
    fn show(&self) -> String {
        match self {
            Self::Path(path) => path.show(),
            Self::Name { raw, .. } => raw.clone(),
        }
    }
}

/// A program: a bare name that is looked up in `PATH` once at start, or a path (a directory: every program in it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Name(String),
    Path(PathText),
}

impl FromText for Program {
    const WHAT: &str = "a program";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        if text.contains('/') || text.starts_with("${") || text.starts_with('~') {
            return PathText::from_text(text).map(Self::Path);
        }
        if text.is_empty() || matches!(text, "." | "..") {
            return Err(Complaint::new("the name or path of a program is wanted here"));
        }
        if text.contains(['*', '?', '\0']) {
            return Err(Complaint::new("patterns are not possible for programs; name each one"));
        }
        if text.contains(char::is_whitespace) {
            let complaint = Complaint::new("this is a command line; only the program is named");
            return Err(complaint.instead(text.split_whitespace().next().unwrap_or_default()));
        }
        Ok(Self::Name(text.to_owned()))
    }
}

impl Subject for Program {
    const KEY: &str = "program";
    type Options = ();
    fn show(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Path(path) => path.show(),
        }
    }
}

scalar! {
    PathText: text, json_schema!({ "type": "string", "pattern": r"^(/|\$\{)" });
    Denied: text, json_schema!({ "type": "string", "pattern": r"^(/|\$\{|\*\*/)" });
    Program: text, json_schema!({ "type": "string", "minLength": 1 });
    Template: text, json_schema!({ "type": "string" });
}

#[cfg(test)]
mod tests {
    use super::{Denied, FromText, NamePattern, PathText, Program};

    #[test]
    fn wrong_paths_come_with_the_right_one() {
        let cases = [
            ("~/x", Some("${home}/x")),
            ("./x", Some("${workspace}/x")),
            ("docs", Some("${workspace}/docs")),
            ("${home}x", Some("${home}/x")),
            ("/srv/*", Some("/srv")),
            ("/srv/**", Some("/srv")),
            ("${workspace}/**/*", Some("${workspace}")),
            ("/*", Some("/")),
            ("/srv/*/x", None),
            ("/srv/../etc", None),
            ("/x/${home}", None),
            ("**/.env", None),
            ("", Some("${workspace}")),
        ];
        for (text, instead) in cases {
            let complaint = PathText::from_text(text).expect_err(text);
            assert_eq!(complaint.suggestion.as_deref(), instead, "{text}");
        }
        for text in
            ["/", "/srv", "/srv/", "/srv/..x", "${home}", "${home}/a b", "/x/${env:NAME}.d", "${env:DIR}"]
        {
            assert!(PathText::from_text(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn name_rules_have_three_forms() {
        let name = |text: &str| match Denied::from_text(text) {
            Ok(Denied::Name { pattern, .. }) => Some(pattern),
            _ => None,
        };
        assert_eq!(name("**/.env"), Some(NamePattern::Exact(".env".to_owned())));
        assert_eq!(name("**/*.pem"), Some(NamePattern::Suffix(".pem".to_owned())));
        assert_eq!(name("**/id_*"), Some(NamePattern::Prefix("id_".to_owned())));
        for text in ["**/", "**/*", "**/a*b", "**/a/b", "**/**/x", "**/*x*", "**/..", "**/${home}", "**/[ab]"]
        {
            assert!(Denied::from_text(text).is_err(), "{text}");
        }
        let complaint = Denied::from_text(".env").expect_err("bare name");
        assert_eq!(complaint.suggestion.as_deref(), Some("**/.env"));
    }

    #[test]
    fn coverage_as_text_respects_whole_parts() {
        let path = |text| PathText::from_text(text).expect(text);
        assert!(path("${home}").covers_as_text(&path("${home}/x")));
        assert!(path("/a/").covers_as_text(&path("/a")));
        assert!(!path("/allowed").covers_as_text(&path("/allowed_evil")));
    }

    #[test]
    fn programs_are_names_or_paths() {
        assert_eq!(Program::from_text("node"), Ok(Program::Name("node".to_owned())));
        assert!(matches!(Program::from_text("/usr/bin/node"), Ok(Program::Path(_))));
        assert!(matches!(Program::from_text("${server}"), Ok(Program::Path(_))));
        for text in ["", ".", "no*", "bin/node", "~/bin/x", "git status"] {
            assert!(Program::from_text(text).is_err(), "{text}");
        }
    }
}
