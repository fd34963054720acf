//! Text with variables: `${workspace}/docs`, `${env:REGION:-eu}`. Parsed once, expanded for a host.

use super::decode::FromText;
use super::names::is_variable_name;
use super::spelling::nearest;
use crate::problem::Complaint;

/// A variable of the policy language.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Variable {
    Workspace,
    Home,
    ConfigHome,
    CacheHome,
    RuntimeDir,
    /// The directories of the server's own program. May be several.
    Server,
    /// A variable of mcpguard's own environment, and what holds when it is not set.
    Environment {
        name: String,
        default: Option<String>,
    },
}

const NAMES: [&str; 6] = ["workspace", "home", "config_home", "cache_home", "runtime_dir", "server"];

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Literal(String),
    Variable(Variable),
}

/// Text with variables. `$${` stands for `${`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Template {
    raw: String,
    parts: Vec<Part>,
}

impl Template {
    /// The text as it was written.
    pub(crate) fn raw(&self) -> &str {
        &self.raw
    }

    /// Its pieces; literal pieces are not empty and do not touch each other.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }
}

impl FromText for Template {
    const WHAT: &str = "text";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(index) = rest.find('$') {
            let (before, from) = rest.split_at(index);
            literal.push_str(before);
            if let Some(after) = from.strip_prefix("$${") {
                literal.push_str("${");
                rest = after;
            } else if let Some(after) = from.strip_prefix("${") {
                let (inside, after) = close(after)?;
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(Part::Variable(variable(inside)?));
                rest = after;
            } else {
                literal.push('$');
                rest = &from[1..];
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { raw: text.to_owned(), parts })
    }
}

fn close(after: &str) -> Result<(&str, &str), Complaint> {
    after
        .split_once('}')
        .ok_or_else(|| Complaint::new("`${` is not closed by `}`; a literal `${` is written `$${`"))
}

fn variable(inside: &str) -> Result<Variable, Complaint> {
    if let Some(rest) = inside.strip_prefix("env:") {
        return environment(rest);
    }
    match inside {
        "workspace" => Ok(Variable::Workspace),
        "home" => Ok(Variable::Home),
        "config_home" => Ok(Variable::ConfigHome),
        "cache_home" => Ok(Variable::CacheHome),
        "runtime_dir" => Ok(Variable::RuntimeDir),
        "server" => Ok(Variable::Server),
        other => Err(unknown(other)),
    }
}

fn environment(rest: &str) -> Result<Variable, Complaint> {
    let (name, default) = match rest.split_once(":-") {
        Some((name, default)) => (name, Some(default.to_owned())),
        None => (rest, None),
    };
    match is_variable_name(name) {
        true => Ok(Variable::Environment { name: name.to_owned(), default }),
        false => Err(Complaint::new(format!("`{name}` is not the name of an environment variable"))),
    }
}

fn unknown(name: &str) -> Complaint {
    let known = NAMES.map(|name| format!("${{{name}}}")).join(", ");
    let complaint =
        Complaint::new(format!("`${{{name}}}` is not a variable; there are {known} and ${{env:NAME}}"));
    if let Some(near) = nearest(name, NAMES.into_iter()) {
        return complaint.instead(format!("${{{near}}}"));
    }
    match is_variable_name(name) {
        true => complaint.instead(format!("${{env:{name}}}")),
        false => complaint,
    }
}

#[cfg(test)]
mod tests {
    use super::{FromText, Part, Template, Variable};

    fn parts(text: &str) -> Vec<Part> {
        Template::from_text(text).expect(text).parts().to_vec()
    }

    #[test]
    fn variables_and_literals_are_told_apart() {
        let literal = |text: &str| Part::Literal(text.to_owned());
        assert_eq!(parts("${home}/.ssh"), [Part::Variable(Variable::Home), literal("/.ssh")]);
        assert_eq!(parts("a$b$"), [literal("a$b$")]);
        assert_eq!(parts("$${home}"), [literal("${home}")]);
        assert_eq!(parts(""), []);
        let name = "REGION".to_owned();
        let region = Variable::Environment { name, default: Some("eu-1".to_owned()) };
        assert_eq!(
            parts("/srv/${env:REGION:-eu-1}/x"),
            [literal("/srv/"), Part::Variable(region), literal("/x")]
        );
    }

    #[test]
    fn unknown_variables_get_the_nearest_name() {
        let cases = [("${workpsace}", "${workspace}"), ("${HOME}", "${home}"), ("${TOKEN}", "${env:TOKEN}")];
        for (text, instead) in cases {
            let complaint = Template::from_text(text).expect_err(text);
            assert_eq!(complaint.suggestion.as_deref(), Some(instead), "{text}");
        }
        for text in ["${", "${}", "${env:}", "${env:1X}", "${env:A B}", "${home"] {
            assert!(Template::from_text(text).is_err(), "{text}");
        }
    }
}
