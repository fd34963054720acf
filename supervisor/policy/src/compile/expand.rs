//! Variables → values.

use std::ffi::{OsStr, OsString};

use super::Context;
use crate::document::path::{PathText, Program};
use crate::document::template::{Part, Template, Variable};
use crate::plan::AbsolutePath;
use crate::problem::Complaint;

/// The longest path the kernel takes (`PATH_MAX`), in bytes.
const MAX_PATH: usize = 4095;

/// The paths that a path rule means here. `${server}` may mean several, or none.
pub(crate) fn expand_path(path: &PathText, context: &Context<'_>) -> Result<Vec<AbsolutePath>, Complaint> {
    let template = path.template();
    let roots = match template.parts().first() {
        Some(Part::Variable(Variable::Server)) => {
            context.server.iter().map(|root| Some(root.clone())).collect()
        }
        _ => vec![None],
    };
    roots.into_iter().map(|root| one_path(template, root.as_ref(), context)).collect()
}

fn one_path(
    template: &Template,
    root: Option<&AbsolutePath>,
    context: &Context<'_>,
) -> Result<AbsolutePath, Complaint> {
    let mut text = OsString::new();
    for part in template.parts() {
        text.push(part_value(part, root, context)?);
    }
    if text.len() > MAX_PATH {
        return Err(Complaint::new(format!("this path has more than {MAX_PATH} bytes here")));
    }
    let shown = text.to_string_lossy().into_owned();
    AbsolutePath::new(&text).ok_or_else(|| {
        Complaint::new(format!(
            "`{}` is `{shown}` here, which is not an absolute path without `..`",
            template.raw()
        ))
    })
}

fn part_value<'a>(
    part: &'a Part,
    root: Option<&'a AbsolutePath>,
    context: &'a Context<'_>,
) -> Result<&'a OsStr, Complaint> {
    let path = |path: &'a AbsolutePath| path.as_path().as_os_str();
    match part {
        Part::Literal(literal) => Ok(OsStr::new(literal)),
        Part::Variable(Variable::Workspace) => Ok(path(&context.workspace)),
        Part::Variable(Variable::Home) => Ok(path(&context.home)),
        Part::Variable(Variable::ConfigHome) => Ok(path(&context.config_home)),
        Part::Variable(Variable::CacheHome) => Ok(path(&context.cache_home)),
        Part::Variable(Variable::RuntimeDir) => {
            let missing = || Complaint::new("`${runtime_dir}` is not set here: there is no XDG_RUNTIME_DIR");
            context.runtime_dir.as_ref().map(path).ok_or_else(missing)
        }
        Part::Variable(Variable::Server) => {
            let several =
                || Complaint::new("`${server}` may be several directories; it stands in lists of paths only");
            root.map(path).ok_or_else(several)
        }
        Part::Variable(Variable::Environment { name, default }) => {
            environment(name, default.as_deref(), context)
        }
    }
}

/// As in a shell's `${NAME:-default}`, an empty variable is one that is not set: a path must not shrink by accident.
fn environment<'a>(
    name: &str,
    default: Option<&'a str>,
    context: &'a Context<'_>,
) -> Result<&'a OsStr, Complaint> {
    let set = context.environment.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let value = set.or(default).ok_or_else(|| {
        let message = format!("the variable `{name}` is not set in mcpguard's environment");
        Complaint::new(message).instead(format!("${{env:{name}:-default}}"))
    })?;
    Ok(OsStr::new(value))
}

/// The text that a template means here.
pub(crate) fn expand_text(template: &Template, context: &Context<'_>) -> Result<String, Complaint> {
    let mut text = OsString::new();
    for part in template.parts() {
        text.push(part_value(part, None, context)?);
    }
    let text = text.into_string().map_err(|_| Complaint::new("this value is not UTF-8 here"))?;
    match text.contains('\0') {
        true => Err(Complaint::new("this value holds NUL here")),
        false => Ok(text),
    }
}

/// The files or directories that an entry of `allowed_programs` means here, with what the kernel executes along.
pub(crate) fn expand_program(
    program: &Program,
    context: &Context<'_>,
) -> Result<Vec<AbsolutePath>, Complaint> {
    let found = match program {
        Program::Path(path) => expand_path(path, context)?,
        Program::Name(name) => {
            let file = context.programs.find(name);
            vec![
                file.map_err(|reason| Complaint::new(format!("the program `{name}` is not here: {reason}")))?,
            ]
        }
    };
    let companions: Vec<AbsolutePath> =
        found.iter().flat_map(|file| context.programs.companions(file)).collect();
    let mut all = found;
    for companion in companions {
        if !all.contains(&companion) {
            all.push(companion);
        }
    }
    Ok(all)
}
