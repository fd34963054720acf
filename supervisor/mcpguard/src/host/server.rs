//! `${server}`: the directories that hold the server's own program, and nothing of the user's.
//!
//! For `node …/node_modules/@scope/server/dist/index.js` it is that `node_modules`; for a venv's script it is the venv
//! and the Python installation behind it. A directory that holds the home directory is never one of them: then only the
//! script itself is. Arguments of the server are never looked at: a file that it is to work on is the policy's to grant.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use policy::plan::AbsolutePath;

use super::{Lookup, Runtime};

/// The longest first line that the kernel looks at (`BINPRM_BUF_SIZE`, include/uapi/linux/binfmts.h).
const FIRST_LINE_BYTES: u64 = 256;

/// The longest `package.json` that is read.
const PACKAGE_BYTES: u64 = 1 << 20;

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
        Some(Runtime::Node) => node_line(words),
        Some(_) => python_line(words),
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

fn is_option(word: &OsStr) -> bool {
    word.as_encoded_bytes().starts_with(b"-")
}

/// Options of Node.js that load code before the script.
const NODE_PRELOADS: [&str; 5] = ["-r", "--require", "--import", "--loader", "--experimental-loader"];

/// Options of Node.js that take a value, which may be the next word (Node.js 24, "Command-line API").
const NODE_VALUES: &str = "-C --conditions --allow-fs-read --allow-fs-write --cpu-prof-dir --cpu-prof-interval --cpu-prof-name \
    --debug-port --diagnostic-dir --disable-proto --disable-warning --dns-result-order --env-file --env-file-if-exists \
    --experimental-default-type --experimental-policy --heap-prof-dir \
    --heap-prof-interval --heap-prof-name --heapsnapshot-near-heap-limit --heapsnapshot-signal --icu-data-dir --input-type \
    --inspect-port --inspect-publish-uid --localstorage-file --max-http-header-size \
    --network-family-autoselection-attempt-timeout --openssl-config --policy-integrity --redirect-warnings --report-dir \
    --report-directory --report-filename --report-signal --secure-heap --secure-heap-min --title --tls-cipher-list \
    --tls-keylog --trace-event-categories --trace-event-file-pattern --unhandled-rejections --use-largepages \
    --v8-pool-size --watch-path";

/// Options of Node.js and V8 that take none. One that starts with `--no-` takes none either.
const NODE_FLAGS: &str = "--abort-on-uncaught-exception --allow-addons --allow-child-process --allow-wasi --allow-worker \
    --cpu-prof --disable-wasm-trap-handler --disallow-code-generation-from-strings --enable-fips \
    --enable-network-family-autoselection --enable-source-maps --experimental-detect-module --experimental-eventsource \
    --experimental-fetch --experimental-global-customevent --experimental-global-webcrypto \
    --experimental-import-meta-resolve --experimental-json-modules --experimental-network-imports \
    --experimental-permission --experimental-require-module --experimental-sqlite --experimental-strip-types \
    --experimental-transform-types --experimental-vm-modules --experimental-wasm-modules --experimental-websocket \
    --experimental-webstorage --experimental-worker --expose-gc --force-context-aware --force-fips --frozen-intrinsics \
    --harmony --heap-prof --insecure-http-parser --inspect --inspect-brk --inspect-wait --jitless \
    --node-memory-debug --openssl-legacy-provider --openssl-shared-config --pending-deprecation --permission \
    --preserve-symlinks --preserve-symlinks-main --prof --report-compact --report-exclude-network --report-on-fatalerror \
    --report-on-signal --report-uncaught-exception --throw-deprecation --tls-max-v1.2 --tls-max-v1.3 --tls-min-v1.0 \
    --tls-min-v1.1 --tls-min-v1.2 --tls-min-v1.3 --trace-deprecation --trace-exit --trace-promises --trace-sigint \
    --trace-sync-io --trace-tls --trace-uncaught --trace-warnings --track-heap-objects --use-bundled-ca --use-openssl-ca \
    --use-system-ca --watch --watch-preserve-output --zero-fill-buffers";

/// Options of Node.js that run something else than the script, with `=` too.
const NODE_ELSEWHERE: &str = "--build-sea --build-snapshot --build-snapshot-config --experimental-config-file \
    --experimental-default-config-file --experimental-entry-url --experimental-sea-config --run --snapshot-blob";

fn is_in(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == name)
}

/// Reads the words behind `node`; nothing if an option is unknown, since its value could be taken for the script.
fn node_line(words: &[OsString]) -> Option<Script> {
    let mut script = Script::default();
    let mut has_code = false;
    let mut words = words.iter();
    let file = loop {
        match words.next() {
            Some(word) if word == "--" => break words.next(),
            Some(word) if is_option(word) && word != "-" => {
                let (name, value) = node_option(word.to_str()?);
                let mut value = || value.map(OsStr::new).or_else(|| words.next().map(OsString::as_os_str));
                match name.as_str() {
                    name if NODE_PRELOADS.contains(&name) => script.preloads.extend(preload(value()?)?),
                    "-e" | "--eval" | "-p" | "--print" | "-pe" => {
                        has_code = true;
                        value().filter(|code| !is_option(code))?;
                    }
                    name if is_in(NODE_VALUES, name) => drop(value().filter(|value| !is_option(value))?),
                    name if is_node_flag(name, word) => {}
                    _ => return None,
                }
            }
            word => break word,
        }
    };
    match file {
        Some(word) if !has_code && word != "-" => script.file = Some(node_file(word)?),
        _ => {}
    }
    Some(script)
}

/// The name as Node.js understands it, and the value behind `=`.
fn node_option(word: &str) -> (String, Option<&str>) {
    match word.strip_prefix("--") {
        None => (word.to_owned(), None),
        Some(long) => {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            (format!("--{}", name.replace('_', "-")), value)
        }
    }
}

/// Whether the next word is none of this option's: it takes no value, or has it behind `=`.
fn is_node_flag(name: &str, word: &OsStr) -> bool {
    let is_elsewhere = is_in(NODE_ELSEWHERE, name) || name.starts_with("--test");
    let has_value = name.starts_with("--") && word.as_encoded_bytes().contains(&b'=');
    !is_elsewhere && (has_value || name.starts_with("--no-") || is_in(NODE_FLAGS, name))
}

/// The file of a preload. A package's name is not followed: `Some(None)`; a path that leads nowhere is an error: `None`.
#[expect(clippy::option_option, reason = "not understood is not the same as understood and without a file")]
fn preload(value: &OsStr) -> Option<Option<PathBuf>> {
    let text = value.to_str()?;
    let path = text.strip_prefix("file://").unwrap_or(text);
    let is_path = path.starts_with(['/', '.']);
    if is_path { Some(Some(node_file(OsStr::new(path))?)) } else { Some(None) }
}

/// The file that Node.js takes for a path: itself, with an ending, or the main file of a directory.
fn node_file(word: &OsStr) -> Option<PathBuf> {
    let path = std::path::absolute(word).ok()?;
    // `node inspect FILE` debugs another file.
    if word == "inspect" {
        return None;
    }
    with_ending(&path).or_else(|| {
        let main = main_file(&path).map(|main| path.join(main));
        let main = main.and_then(|main| with_ending(&main).or_else(|| with_ending(&main.join("index"))));
        main.or_else(|| with_ending(&path.join("index")))
    })
}

fn with_ending(path: &Path) -> Option<PathBuf> {
    let candidates = ["", ".js", ".json", ".node"].map(|ending| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    });
    candidates.into_iter().find(|candidate| candidate.is_file())
}

/// `main` in the `package.json` of a directory.
fn main_file(directory: &Path) -> Option<String> {
    let text = start_of(&directory.join("package.json"), PACKAGE_BYTES)?;
    let package: serde_json::Value = serde_json::from_slice(&text).ok()?;
    package["main"].as_str().map(str::to_owned)
}

/// Reads the words behind `python` (Python 3.14, "Command line and environment"). A module's file is not looked for: where it
/// lies depends on the environment.
fn python_line(words: &[OsString]) -> Option<Script> {
    let mut words = words.iter();
    let file = loop {
        match words.next() {
            Some(word) if word == "--" => break words.next(),
            Some(word) if word == "--check-hash-based-pycs" => drop(words.next()?),
            Some(word) if is_option(word) && word != "-" => match python_letters(word.to_str()?)? {
                Letters::Flags => {}
                Letters::Value => drop(words.next()?),
                Letters::Code => return Some(Script::default()),
            },
            word => break word,
        }
    };
    let Some(word) = file.filter(|word| *word != "-") else { return Some(Script::default()) };
    let path = std::path::absolute(word).ok()?;
    let file = [path.join("__main__.py"), path].into_iter().find(|path| path.is_file())?;
    Some(Script { file: Some(file), ..Script::default() })
}

/// What a word of options in single letters needs.
enum Letters {
    Flags,
    /// The next word is the value of the last letter.
    Value,
    /// The next word is the program itself.
    Code,
}

fn python_letters(word: &str) -> Option<Letters> {
    let letters = word.strip_prefix('-')?;
    for (at, letter) in letters.char_indices() {
        match letter {
            'c' => return Some(Letters::Code),
            'W' | 'X' if at + 1 == letters.len() => return Some(Letters::Value),
            'W' | 'X' => break,
            letter if "bBdEiIOPqRsStuvVx".contains(letter) => {}
            _ => return None,
        }
    }
    Some(Letters::Flags)
}

/// The interpreter in a script's `#!` line; `env NAME` is looked up in `PATH`.
pub(super) fn interpreter(program: &Path) -> Option<PathBuf> {
    interpreters(program).pop()
}

/// Everything that a script's `#!` line executes, in order: the interpreter, or `env` and what it looks up.
pub(super) fn interpreters(program: &Path) -> Vec<PathBuf> {
    let line = first_line(program).unwrap_or_default();
    let mut words = line.strip_prefix("#!").unwrap_or_default().split_ascii_whitespace();
    let mut chain: Vec<PathBuf> = words.next().map(PathBuf::from).into_iter().collect();
    if chain.first().is_some_and(|first| first.file_name().is_some_and(|name| name == "env")) {
        let name = words.find(|word| !word.starts_with('-') && !word.contains('='));
        chain.extend(name.and_then(|name| Lookup::new(&[name.into()]).ok()).map(|found| found.program));
    }
    chain
}

fn first_line(program: &Path) -> Option<String> {
    let start = start_of(program, FIRST_LINE_BYTES)?;
    let line = start.split(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(line).ok().map(str::to_owned)
}

/// At most so many bytes of a file.
fn start_of(file: &Path, most: u64) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut start = Vec::new();
    std::fs::File::open(file).ok()?.take(most).read_to_end(&mut start).ok()?;
    Some(start)
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
        // `${server}` keeps its guess.
        let argv = ["node".into(), "--some-option".into(), base.join("server.js").into_os_string()];
        let command = Lookup { program: "/none/node".into(), argv: argv.to_vec() };
        assert!(own_files(&command).contains(&base.join("server.js")));
    }
}
