//! Who a server is, as far as its own files tell: package, version, the registry's digest, the digest of the file that is started.

use std::fs;
use std::path::{Path, PathBuf};

use pins::{Identity, Sha256};

use super::package;
use crate::host::{Lookup, script};
use crate::trust;

/// A larger program is not hashed: that would hold up the start.
const MOST: u64 = 1 << 30;

/// What is started. What cannot be found out is left out, and so is not compared for the first time, but is missed if it was
/// known before. A command line that cannot be understood says nothing: another file could be taken for the program.
pub(crate) fn identity(command: &Lookup) -> Identity {
    let script = script(command);
    if !script.is_certain {
        return Identity::default();
    }
    let started = script.file.unwrap_or_else(|| command.program.clone());
    let real = fs::canonicalize(&started).unwrap_or_else(|_| started.clone());
    Identity { binary: program(&real, &script.preloads), ..package::of(&command.program, &real) }
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
    let file = trust::regular(file).filter(|file| file.metadata().is_ok_and(|facts| facts.len() <= MOST))?;
    Sha256::of_reader(file, MOST).ok()?
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::identity;
    use crate::host::Lookup;

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
