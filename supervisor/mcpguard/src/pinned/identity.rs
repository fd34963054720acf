//! Who a server is, as far as its own files tell: package, version, the registry's digest, the digest of the file that is started.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use pins::{Identity, Sha256};
use serde_json::Value;

use crate::host::{Lookup, script};

/// Directories above the started file in which its package is looked for.
const UP: usize = 16;
/// A larger program is not hashed: that would hold up the start.
const MOST: u64 = 1 << 30;
/// The longest file of a package manager that is read.
const MOST_OF_LIST: u64 = 32 << 20;

/// What is started. What cannot be found out is left out, and so is not compared for the first time, but is missed if it was
/// known before. A command line that cannot be understood says nothing: another file could be taken for the program.
pub(crate) fn identity(command: &Lookup) -> Identity {
    let script = script(command);
    if !script.is_certain {
        return Identity::default();
    }
    let started = script.file.unwrap_or_else(|| command.program.clone());
    let real = fs::canonicalize(&started).unwrap_or_else(|_| started.clone());
    let package = npm(&real).or_else(|| python(&started)).unwrap_or_default();
    Identity { binary: program(&real, &script.preloads), ..package }
}

/// The digest of the started file, or of its digest and those of what is loaded before it.
fn program(started: &Path, preloads: &[PathBuf]) -> Option<Sha256> {
    let started = digest(started)?;
    if preloads.is_empty() {
        return Some(started);
    }
    let preloads = preloads.iter().map(|file| Some(format!("\n{}", digest(file)?)));
    let preloads: String = preloads.collect::<Option<_>>()?;
    Some(Sha256::of(format!("{started}{preloads}")))
}

/// Read in pieces: the file may be large.
fn digest(file: &Path) -> Option<Sha256> {
    let file = regular(file).filter(|file| file.metadata().is_ok_and(|facts| facts.len() <= MOST))?;
    Sha256::of_reader(file, MOST).ok()?
}

fn bounded(file: &Path, most: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    regular(file)?.take(most + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= most).then_some(bytes)
}

/// Looked at before it is opened: opening a pipe would wait for whoever writes to it.
fn regular(file: &Path) -> Option<File> {
    if !fs::metadata(file).ok()?.is_file() {
        return None;
    }
    File::open(file).ok()
}

/// The nearest `package.json` with a name and a version, and what npm wrote down of it when it was installed.
fn npm(started: &Path) -> Option<Identity> {
    let above = || started.ancestors().skip(1).take(UP);
    let (directory, name, version) = above().find_map(|directory| {
        let package: Value =
            serde_json::from_slice(&bounded(&directory.join("package.json"), MOST_OF_LIST)?).ok()?;
        let text = |key: &str| package[key].as_str().map(str::to_owned);
        Some((directory.to_owned(), text("name")?, text("version")?))
    })?;
    let integrity = above().find_map(|root| installed(root, &directory));
    Some(Identity {
        package: Some(format!("npm:{name}")),
        version: Some(version),
        integrity,
        ..Identity::default()
    })
}

fn installed(root: &Path, package: &Path) -> Option<String> {
    let list = bounded(&root.join("node_modules/.package-lock.json"), MOST_OF_LIST)?;
    let list: Value = serde_json::from_slice(&list).ok()?;
    let key = package.strip_prefix(root).ok()?.to_str()?;
    list["packages"][key]["integrity"].as_str().map(str::to_owned)
}

/// The distribution of a virtual environment that has installed the script (PyPA, "Recording installed projects").
fn python(started: &Path) -> Option<Identity> {
    let name = started.file_name()?.to_str()?;
    let root = started.parent().filter(|bin| bin.ends_with("bin"))?.parent()?;
    let entry = format!("../../../bin/{name},");
    packages(root).into_iter().find_map(|info| {
        let record = String::from_utf8(bounded(&info.join("RECORD"), MOST_OF_LIST)?).ok()?;
        record.lines().find(|line| line.starts_with(&entry))?;
        let metadata = String::from_utf8(bounded(&info.join("METADATA"), MOST_OF_LIST)?).ok()?;
        let field = |key: &str| metadata.lines().find_map(|line| line.strip_prefix(key)).map(str::to_owned);
        let (name, version) = (field("Name: ")?, field("Version: "));
        Some(Identity { package: Some(format!("pypi:{name}")), version, ..Identity::default() })
    })
}

fn packages(root: &Path) -> Vec<PathBuf> {
    let children = |directory: PathBuf| {
        let entries = fs::read_dir(directory).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.path())).collect::<Vec<_>>()
    };
    let libraries = children(root.join("lib")).into_iter().map(|library| library.join("site-packages"));
    libraries.flat_map(children).filter(|path| path.extension().is_some_and(|it| it == "dist-info")).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{identity, npm, python};
    use crate::host::Lookup;

    #[test]
    fn packages_are_found_from_their_scripts() {
        let room = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(room.path()).unwrap();
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            path
        };
        let script = write("app/node_modules/@s/server/dist/index.js", "");
        write("app/node_modules/@s/server/package.json", r#"{"name":"@s/server","version":"1.2.3"}"#);
        write("app/node_modules/@s/server/dist/package.json", r#"{"type":"module"}"#);
        let list = r#"{"packages":{"node_modules/@s/server":{"integrity":"sha512-abc"}}}"#;
        write("app/node_modules/.package-lock.json", list);
        let found = npm(&script).unwrap();
        assert_eq!(found.package.as_deref(), Some("npm:@s/server"));
        assert_eq!(
            (found.version.as_deref(), found.integrity.as_deref()),
            (Some("1.2.3"), Some("sha512-abc"))
        );

        let script = write("venv/bin/mcp-server-time", "#!python\n");
        let info = "venv/lib/python3.11/site-packages/mcp_server_time-0.6.dist-info";
        write(&format!("{info}/RECORD"), "../../../bin/mcp-server-time,sha256=x,1\n");
        write(&format!("{info}/METADATA"), "Metadata-Version: 2.4\nName: mcp-server-time\nVersion: 0.6\n");
        write("venv/lib/python3.11/site-packages/other-1.dist-info/RECORD", "../../../bin/other,,\n");
        let found = python(&script).unwrap();
        assert_eq!(found.package.as_deref(), Some("pypi:mcp-server-time"));
        assert_eq!(found.version.as_deref(), Some("0.6"));
        assert!(npm(&script).is_none() && python(&root.join("venv/bin/none")).is_none());
    }

    #[test]
    fn the_script_is_the_program_whatever_options_stand_before_it() {
        let room = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(room.path()).unwrap();
        for (interpreter, server) in [("node", "server.js"), ("python3", "server.py")] {
            let [interpreter, server, preload] =
                [interpreter, server, "preload.js"].map(|name| root.join(name));
            let binary = |options: &[&str]| {
                let words = ["x"].iter().chain(options).map(OsString::from).chain([server.clone().into()]);
                identity(&Lookup { program: interpreter.clone(), argv: words.collect() }).binary
            };
            let lines: &[&[&str]] = if server.ends_with("server.js") {
                &[&[], &["-r", "dotenv/config"], &["--require", preload.to_str().unwrap()], &["-C", "x"]]
            } else {
                &[&[], &["-X", "utf8"], &["-W", "ignore"]]
            };
            std::fs::write(&interpreter, "interpreter").unwrap();
            std::fs::write(&preload, "1").unwrap();
            for options in lines {
                std::fs::write(&server, "good").unwrap();
                let before = binary(options);
                std::fs::write(&server, "evil").unwrap();
                assert!(
                    before.is_some() && binary(options).is_some() && binary(options) != before,
                    "{options:?}"
                );
            }
            assert_eq!(binary(&["--some-option"]), None);
            let with_preload = ["--require", preload.to_str().unwrap()];
            if server.ends_with("server.js") {
                let before = binary(&with_preload);
                std::fs::write(&preload, "2").unwrap();
                assert_ne!(binary(&with_preload), before);
            }
        }
    }

    #[test]
    fn a_large_program_is_known_and_a_huge_one_is_not() {
        let room = tempfile::tempdir().unwrap();
        let program = room.path().join("server");
        let binary = || identity(&Lookup { program: program.clone(), argv: vec!["server".into()] }).binary;
        let write = |at: u64, byte: u8| {
            let file =
                std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&program).unwrap();
            std::os::unix::fs::FileExt::write_all_at(&file, &[byte], at).unwrap();
        };
        // The file has a hole, so that nothing large is written.
        write(64 << 20, b'a');
        let before = binary();
        write(64 << 20, b'b');
        assert!(before.is_some() && binary().is_some() && binary() != before);
        write(super::MOST, b'a');
        assert_eq!(binary(), None);
    }
}
