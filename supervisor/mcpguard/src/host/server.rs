//! `${server}`: the directories that hold the server's own program, and nothing of the user's.
//!
//! For `node …/node_modules/@scope/server/dist/index.js` it is that `node_modules`; for a venv's script it is the venv
//! and the Python installation behind it. A directory that holds the home directory is never one of them: then only the
//! script itself is. Arguments of the server are never looked at: a file that it is to work on is the policy's to grant.

use std::path::{Path, PathBuf};

use policy::plan::AbsolutePath;

use super::script::{Script, is_option, script};
use super::shebang::interpreter;
use super::{Lookup, Runtime};

/// The roots of the command's own program.
pub(super) fn roots(command: &Lookup, home: &Path) -> Vec<AbsolutePath> {
    let mut found = Vec::new();
    for file in own_files(command) {
        found.extend(match Runtime::of(command) {
            Runtime::Node => node_roots(&file, home),
            Runtime::Python => python_roots(&file, home),
            Runtime::Native => vec![file],
        });
    }
    found.sort();
    found.dedup();
    found.iter().filter_map(AbsolutePath::new).collect()
}

/// The program, its interpreter and, for an interpreter on the command line, the script that it is given and what it loads before.
fn own_files(command: &Lookup) -> Vec<PathBuf> {
    let mut files = vec![command.program.clone()];
    files.extend(interpreter(&command.program));
    let Script { file, preloads, is_certain } = script(command);
    files.extend(if is_certain { file } else { first_file(command) });
    files.extend(preloads);
    files
}

/// The first argument that is no option, if it is a file: a guess, for command lines that cannot be understood.
fn first_file(command: &Lookup) -> Option<PathBuf> {
    let path = std::path::absolute(command.argv.iter().skip(1).find(|word| !is_option(word))?).ok()?;
    path.is_file().then_some(path)
}

/// The outermost `node_modules` around a file, else the nearest directory with a `package.json`, else the file.
fn node_roots(file: &Path, home: &Path) -> Vec<PathBuf> {
    let Ok(real) = file.canonicalize() else { return Vec::new() };
    let modules =
        real.ancestors().filter(|part| part.file_name().is_some_and(|name| name == "node_modules")).last();
    let package = || real.ancestors().skip(1).find(|part| part.join("package.json").is_file());
    vec![modules.or_else(package).filter(|root| is_own(root, home)).unwrap_or(&real).to_owned()]
}

/// The venv around a file and the installation that it stands on, else the file's own package, else the file.
fn python_roots(file: &Path, home: &Path) -> Vec<PathBuf> {
    let mut roots = Vec::new();
    if let Some(venv) = file.ancestors().skip(1).find(|part| part.join("pyvenv.cfg").is_file()) {
        roots.push(venv.to_owned());
    }
    let Ok(real) = file.canonicalize() else { return roots };
    roots.extend(installation(&real));
    roots.push(real);
    roots.retain(|root| root.is_file() || is_own(root, home));
    roots
}

/// `PREFIX/lib` for a Python at `PREFIX/bin/python3.x` that is not the system's.
fn installation(real: &Path) -> Option<PathBuf> {
    let name = real.file_name()?.to_str()?;
    let library = real.parent()?.parent()?.join("lib");
    (name.starts_with("python") && library.is_dir()).then_some(library)
}

/// Whether a directory can be only the server's: not the root, not the home directory or a parent of it.
fn is_own(root: &Path, home: &Path) -> bool {
    root.parent().is_some() && !home.starts_with(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn a_package_is_its_outermost_node_modules() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().canonicalize().unwrap();
        let script = base.join("node_modules/a/node_modules/b/index.js");
        touch(&script, "");
        assert_eq!(node_roots(&script, Path::new("/home/u")), [base.join("node_modules")]);
    }

    #[test]
    fn a_script_in_the_home_directory_brings_only_itself() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        touch(&home.join("package.json"), "{}");
        touch(&home.join("server.js"), "");
        assert_eq!(node_roots(&home.join("server.js"), &home), [home.join("server.js")]);
    }

    #[test]
    fn an_argument_of_the_server_is_not_its_program() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().canonicalize().unwrap();
        touch(&base.join("project/package.json"), "{}");
        touch(&base.join("project/notes.js"), "");
        let roots = |program: &str| {
            let argv = [program.into(), base.join("project/notes.js").into_os_string()];
            let command = Lookup { program: PathBuf::from(program), argv: argv.to_vec() };
            roots(&command, Path::new("/home/u"))
        };
        let project = AbsolutePath::new(base.join("project")).unwrap();
        assert!(roots("/usr/bin/node").contains(&project));
        for program in ["/opt/x/node_modules/.bin/mcp-server.js", "/usr/bin/npx", "/usr/bin/mcp-server"] {
            assert!(!roots(program).iter().any(|root| project.covers(root)), "{program}");
        }
    }

    #[test]
    fn a_venv_brings_itself() {
        let base = tempfile::tempdir().unwrap();
        let venv = base.path().canonicalize().unwrap().join("venv");
        touch(&venv.join("pyvenv.cfg"), "home = /usr/bin\n");
        touch(&venv.join("bin/mcp-server-time"), "#!/usr/bin/python3\n");
        assert!(python_roots(&venv.join("bin/mcp-server-time"), Path::new("/home/u")).contains(&venv));
    }

    #[test]
    fn a_command_line_that_is_not_understood_keeps_its_guess() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().canonicalize().unwrap();
        touch(&base.join("server.js"), "");
        let argv = ["node".into(), "--some-option".into(), base.join("server.js").into_os_string()];
        let command = Lookup { program: "/none/node".into(), argv: argv.to_vec() };
        assert!(own_files(&command).contains(&base.join("server.js")));
    }
}
