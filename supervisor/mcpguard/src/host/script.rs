//! What an interpreter on the command line is told to run.
//!
//! Its options are known by name: one that is not could take the word behind it, and another file be taken for the script.

mod node;
mod python;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Lookup, Runtime};

/// What an interpreter is told to run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Script {
    /// The script. None: the program is no interpreter, or what it runs stands in the command line itself or comes by stdin.
    pub(crate) file: Option<PathBuf>,
    /// What is loaded before it, where that is named by its path.
    pub(crate) preloads: Vec<PathBuf>,
    /// Whether the command line was understood. If not, nothing else is told: another file could be taken for the script.
    pub(crate) is_certain: bool,
}

/// The script of `node [options] FILE` or `python [options] FILE`.
pub(crate) fn script(command: &Lookup) -> Script {
    let words = command.argv.get(1..).unwrap_or_default();
    let read = match interpreter_of(&command.program) {
        Some(Runtime::Node) => node::line(words),
        Some(_) => python::line(words),
        None => Some(Script::default()),
    };
    read.map(|script| Script { is_certain: true, ..script }).unwrap_or_default()
}

/// Which interpreter a program is, by its own name or by that of the file behind it.
fn interpreter_of(program: &Path) -> Option<Runtime> {
    let real = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    let name = [program, &real].into_iter().find(|name| Runtime::is_interpreter(name))?.file_name()?;
    let is_node = name.as_encoded_bytes().starts_with(b"node");
    Some(if is_node { Runtime::Node } else { Runtime::Python })
}

/// Whether a word of a command line is an option.
pub(super) fn is_option(word: &OsStr) -> bool {
    word.as_encoded_bytes().starts_with(b"-")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn touch(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The script and the preloads of a command line whose words are files under `base` where such are there.
    fn read(base: &Path, line: &str) -> Script {
        let word = |word: &str| {
            let (option, name) = word.split_once('=').map_or(("", word), |(option, name)| (option, name));
            let path = base.join(name);
            match (path.exists() && !name.is_empty(), option) {
                (false, _) => word.into(),
                (true, "") => path.into_os_string(),
                (true, option) => format!("{option}={}", path.display()).into(),
            }
        };
        let argv: Vec<OsString> = line.split(' ').map(word).collect();
        script(&Lookup { program: Path::new("/none").join(&argv[0]), argv })
    }

    #[test]
    fn the_script_stands_behind_the_options_and_their_values() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().canonicalize().unwrap();
        for file in
            ["server.js", "pre.js", "server.py", "dir/index.js", "package/lib/a.js", "zip/__main__.py"]
        {
            touch(&base.join(file), "");
        }
        touch(&base.join("package/package.json"), r#"{"main":"./lib/a"}"#);
        let found = |line: &str, file: &str, preloads: &[&str]| {
            let preloads = preloads.iter().map(|name| base.join(name)).collect();
            let wanted = Script { file: Some(base.join(file)), preloads, is_certain: true };
            assert_eq!(read(&base, line), wanted, "{line}");
        };
        for options in [
            "",
            "-C x ",
            "--inspect-port 0 ",
            "--env-file .env ",
            "--env_file .env ",
            "--env-file=.env ",
            "--inspect ",
            "--max-old-space-size=100 ",
            "--no-warnings ",
            "-r dotenv/config ",
            "--title server.py ",
            "-- ",
        ] {
            found(&format!("node {options}server.js --require pre.js"), "server.js", &[]);
        }
        for options in
            ["-r pre.js", "--require pre.js", "--require=pre.js", "--import pre.js", "--loader pre.js"]
        {
            found(&format!("node {options} server.js"), "server.js", &["pre.js"]);
        }
        found("node dir", "dir/index.js", &[]);
        found("node package", "package/lib/a.js", &[]);
        for options in
            ["", "-X utf8 ", "-Xutf8 ", "-W ignore ", "-uW ignore ", "-Bu ", "--check-hash-based-pycs never "]
        {
            found(&format!("python3.11 {options}server.py -m x"), "server.py", &[]);
        }
        found("python3 zip", "zip/__main__.py", &[]);
    }

    #[test]
    fn what_is_not_understood_names_no_script() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().canonicalize().unwrap();
        for file in ["server.js", "server.py"] {
            touch(&base.join(file), "");
        }
        for line in [
            "node --some-option server.js server.js",
            // Node.js 20 runs the first of them.
            "node --experimental-specifier-resolution server.js server.js",
            "node -x server.js",
            "node --run=x server.js",
            "node --test server.js",
            "node inspect server.js",
            "node -r",
            "node -r ./none.js server.js",
            "node none.js",
            "node --title --inspect server.js",
            "python3 -m server",
            "python3 -um server",
            "python3 -Z server.py",
            "python3 --other server.py",
            "python3 -X",
            "python3 none.py",
        ] {
            assert_eq!(read(&base, line), Script::default(), "{line}");
        }
        let nothing = Script { is_certain: true, ..Script::default() };
        for line in [
            "node",
            "node -e code server.js",
            "node -",
            "python3 -c code server.py",
            "python3 -",
            "other server.js",
        ] {
            assert_eq!(read(&base, line), nothing, "{line}");
        }
    }
}
