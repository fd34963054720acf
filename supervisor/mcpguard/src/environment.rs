//! The server's environment: what the plan names and nothing else. Secrets are fetched here, before anything starts.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use policy::plan::{SecretSource, ValueSource, Variable};

/// The largest secret, in bytes; more is a mistake in the policy (a directory of keys, a log file).
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// The server's environment, and which of its values must never be written down.
pub(crate) struct Environment {
    /// Name and value, in the order of the plan.
    pub(crate) variables: Vec<(OsString, OsString)>,
    /// Name and value of each secret.
    pub(crate) secrets: Vec<(String, Vec<u8>)>,
}

/// Builds the environment.
///
/// # Errors
/// A secret is absent, empty, too large, or cannot be fetched.
pub(crate) fn build(plan: &[Variable]) -> anyhow::Result<Environment> {
    let mut built = Environment { variables: Vec::new(), secrets: Vec::new() };
    for variable in plan {
        let value = match &variable.source {
            ValueSource::Literal(text) => Some(OsString::from(text)),
            ValueSource::Inherited => std::env::var_os(&variable.name),
            ValueSource::Secret(source) => Some(secret(&variable.name, source, &mut built.secrets)?),
        };
        built.variables.extend(value.map(|value| (OsString::from(&variable.name), value)));
    }
    Ok(built)
}

/// Fetches one secret and remembers it for redaction.
fn secret(name: &str, source: &SecretSource, known: &mut Vec<(String, Vec<u8>)>) -> anyhow::Result<OsString> {
    let value = fetch(source).with_context(|| format!("the secret {name} cannot be fetched"))?;
    ensure!(!value.is_empty(), "the secret {name} is empty");
    ensure!(!value.contains(&0), "the secret {name} contains a NUL byte, which no variable can hold");
    known.push((name.to_owned(), value.clone()));
    Ok(std::os::unix::ffi::OsStringExt::from_vec(value))
}

fn fetch(source: &SecretSource) -> anyhow::Result<Vec<u8>> {
    match source {
        SecretSource::Environment(name) => from_environment(name),
        SecretSource::File(path) => from_file(path.as_path()),
        SecretSource::Command(argv) => from_command(argv),
        SecretSource::Keyring { service, user } => from_keyring(service, user),
    }
}

fn from_environment(name: &str) -> anyhow::Result<Vec<u8>> {
    let value = std::env::var_os(name);
    let value =
        value.with_context(|| format!("the environment variable {name} is not set; export it first"))?;
    Ok(std::os::unix::ffi::OsStringExt::into_vec(value))
}

fn from_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    bounded(file).with_context(|| format!("cannot read {}", path.display()))
}

/// Runs a program as the user, without a shell; its stderr is the user's (`op`, `vault`, `pass` ask and explain there).
fn from_command(argv: &[String]) -> anyhow::Result<Vec<u8>> {
    let Some((program, arguments)) = argv.split_first() else { bail!("the command is empty") };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run `{program}`"))?;
    let value = child.stdout.take().map(bounded).transpose()?;
    let status = child.wait()?;
    ensure!(status.success(), "`{program}` ended with {status}");
    value.context("no output")
}

/// Asks the desktop's secret service by libsecret's own client, which every desktop ships.
fn from_keyring(service: &str, user: &str) -> anyhow::Result<Vec<u8>> {
    let words = ["secret-tool", "lookup", "service", service, "username", user];
    from_command(&words.map(str::to_owned)).with_context(|| {
        format!("the keyring has no entry for service `{service}` and user `{user}`, or secret-tool (libsecret) is absent")
    })
}

/// Reads up to the limit and cuts one trailing newline.
fn bounded(source: impl Read) -> anyhow::Result<Vec<u8>> {
    let mut value = Vec::new();
    source.take(MAX_SECRET_BYTES + 1).read_to_end(&mut value)?;
    ensure!(value.len() as u64 <= MAX_SECRET_BYTES, "it has more than {MAX_SECRET_BYTES} bytes");
    if value.last() == Some(&b'\n') {
        value.pop();
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::plan::{AbsolutePath, RuleId};

    fn secret_variable(source: SecretSource) -> Variable {
        Variable { name: "TOKEN".to_owned(), source: ValueSource::Secret(source), from: RuleId(0) }
    }

    #[test]
    fn a_secret_from_a_command_loses_one_newline_and_is_remembered() {
        let argv = ["printf", "s3cret\n\n"].map(str::to_owned).to_vec();
        let built = build(&[secret_variable(SecretSource::Command(argv))]).unwrap();
        assert_eq!(built.secrets, [("TOKEN".to_owned(), b"s3cret\n".to_vec())]);
        assert_eq!(built.variables, [("TOKEN".into(), "s3cret\n".into())]);
    }

    #[test]
    fn an_absent_secret_stops_the_start() {
        for source in [
            SecretSource::Environment("NO_SUCH_VARIABLE_ANYWHERE".to_owned()),
            SecretSource::File(AbsolutePath::new("/no/such/file").unwrap()),
            SecretSource::Command(vec!["false".to_owned()]),
            SecretSource::Command(vec!["true".to_owned()]),
        ] {
            assert!(build(&[secret_variable(source)]).is_err());
        }
    }
}
