//! The package that a started file comes from, as far as the package managers left it beside the file.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use pins::Identity;
use serde_json::Value;

use crate::host::first_line;
use crate::trust;

/// Directories above the started file in which its package is looked for.
const UP: usize = 16;
/// The longest file of a package manager that is read.
const MOST: u64 = 32 << 20;

/// What fetches and starts servers of other packages, by its command and as a package. Its own package says nothing of them.
const LAUNCHERS: [&str; 11] =
    ["npm", "npx", "pnpm", "pnpx", "yarn", "corepack", "bun", "bunx", "uv", "uvx", "pipx"];
/// Directories that hold what belongs to no package of JavaScript around them.
const FOREIGN: [&str; 4] = [".venv", "venv", "target", "site-packages"];

/// The package of a file. Symlinks are resolved already: they lead from `~/.local/bin` or `.bin` into the package.
pub(super) fn of(program: &Path, real: &Path) -> Identity {
    if program.file_name().is_some_and(is_launcher) {
        return Identity::default();
    }
    let found = python(real).or_else(|| npm(real)).unwrap_or_default();
    let name = found.package.as_deref().and_then(|package| package.split_once(':'));
    if name.is_some_and(|(_, name)| is_launcher(OsStr::new(name))) { Identity::default() } else { found }
}

fn is_launcher(name: &OsStr) -> bool {
    LAUNCHERS.iter().any(|launcher| name == *launcher)
}

/// The package of JavaScript that the file lies in, and what npm wrote down of it when it was installed.
fn npm(started: &Path) -> Option<Identity> {
    let (directory, name, version) = match installed_at(started) {
        Some(directory) => named(directory)?,
        None => around(started)?,
    };
    let integrity = started.ancestors().skip(1).take(UP).find_map(|root| integrity(root, &directory));
    Some(Identity {
        package: Some(format!("npm:{name}")),
        version: Some(version),
        integrity,
        ..Identity::default()
    })
}

/// `node_modules/NAME` or `node_modules/@SCOPE/NAME` around a file: the innermost one.
fn installed_at(started: &Path) -> Option<&Path> {
    let holds = |directory: &Path| {
        let scope = directory.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"@"));
        let above = if scope { directory.parent() } else { Some(directory) };
        above.is_some_and(|above| above.ends_with("node_modules"))
    };
    let mut packages = started.ancestors().skip(1).filter(|package| package.parent().is_some_and(holds));
    packages
        .find(|package| !package.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"@")))
}

/// A `package.json` with a name and a version.
fn named(directory: &Path) -> Option<(PathBuf, String, String)> {
    let package: Value = serde_json::from_slice(&bounded(&directory.join("package.json"), MOST)?).ok()?;
    let text = |key: &str| package[key].as_str().map(str::to_owned);
    Some((directory.to_owned(), text("name")?, text("version")?))
}

/// The nearest such package around a file of JavaScript that nothing foreign lies between.
fn around(started: &Path) -> Option<(PathBuf, String, String)> {
    if !is_javascript(started) {
        return None;
    }
    let directories = started.ancestors().skip(1).take(UP);
    directories.take_while(|directory| !is_foreign(directory)).find_map(named)
}

fn is_foreign(directory: &Path) -> bool {
    let named = directory.file_name().is_some_and(|name| FOREIGN.iter().any(|foreign| name == *foreign));
    named || directory.join("pyvenv.cfg").is_file()
}

/// By its ending or, for a program without one, by its first line.
fn is_javascript(file: &Path) -> bool {
    let endings = ["js", "mjs", "cjs", "ts", "mts", "cts"];
    match file.extension() {
        Some(ending) if endings.iter().any(|known| ending == *known) => true,
        _ => first_line(file).is_some_and(|line| line.starts_with("#!") && line.contains("node")),
    }
}

fn integrity(root: &Path, package: &Path) -> Option<String> {
    let list = bounded(&root.join("node_modules/.package-lock.json"), MOST)?;
    let list: Value = serde_json::from_slice(&list).ok()?;
    let key = package.strip_prefix(root).ok()?.to_str()?;
    list["packages"][key]["integrity"].as_str().map(str::to_owned)
}

/// The distribution that has installed the file (PyPA, "Recording installed projects"): a script of a virtual environment, or
/// a file below `site-packages`.
fn python(started: &Path) -> Option<Identity> {
    let modules = started.ancestors().skip(1).find(|part| part.ends_with("site-packages"));
    if let Some(modules) = modules {
        let entry = started.strip_prefix(modules).ok()?.to_str()?;
        return recorded(distributions(modules), entry);
    }
    let name = started.file_name()?.to_str()?;
    let root = started.parent().filter(|bin| bin.ends_with("bin"))?.parent()?;
    let libraries = children(&root.join("lib")).into_iter().map(|library| library.join("site-packages"));
    recorded(libraries.flat_map(|modules| distributions(&modules)), &format!("../../../bin/{name}"))
}

/// The distribution whose list of files has this one.
fn recorded(distributions: impl IntoIterator<Item = PathBuf>, file: &str) -> Option<Identity> {
    let entry = format!("{file},");
    distributions.into_iter().find_map(|info| {
        let record = String::from_utf8(bounded(&info.join("RECORD"), MOST)?).ok()?;
        record.lines().find(|line| line.starts_with(&entry))?;
        let metadata = String::from_utf8(bounded(&info.join("METADATA"), MOST)?).ok()?;
        let field = |key: &str| metadata.lines().find_map(|line| line.strip_prefix(key)).map(str::to_owned);
        let (name, version) = (field("Name: ")?, field("Version: "));
        Some(Identity { package: Some(format!("pypi:{name}")), version, ..Identity::default() })
    })
}

fn distributions(modules: &Path) -> Vec<PathBuf> {
    let is_distribution = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "dist-info");
    children(modules).into_iter().filter(is_distribution).collect()
}

fn children(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

fn bounded(file: &Path, most: u64) -> Option<Vec<u8>> {
    trust::start_of(file, most + 1).filter(|bytes| bytes.len() as u64 <= most)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::of;

    struct Room {
        root: PathBuf,
        _held: tempfile::TempDir,
    }

    impl Room {
        fn new() -> Self {
            let held = tempfile::tempdir().unwrap();
            Self { root: held.path().canonicalize().unwrap(), _held: held }
        }

        fn write(&self, path: &str, text: &str) -> PathBuf {
            let path = self.root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            path
        }

        /// A virtual environment with one distribution, which has this one file.
        fn distribution(&self, venv: &str, name: &str, file: &str) {
            let info = format!("{venv}/lib/python3.11/site-packages/{name}-0.6.dist-info");
            self.write(&format!("{info}/RECORD"), &format!("{file},sha256=x,1\n"));
            self.write(
                &format!("{info}/METADATA"),
                &format!("Metadata-Version: 2.4\nName: {name}\nVersion: 0.6\n"),
            );
        }

        /// What is found for a file, as one text.
        fn found(&self, path: &str) -> String {
            let path = self.root.join(path);
            let found = of(&path, &path.canonicalize().unwrap());
            let parts = [found.package, found.version, found.integrity];
            parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
        }
    }

    #[test]
    fn packages_are_found_from_their_scripts() {
        let room = Room::new();
        room.write("app/node_modules/@s/server/dist/index.js", "");
        room.write("app/node_modules/@s/server/package.json", r#"{"name":"@s/server","version":"1.2.3"}"#);
        room.write("app/node_modules/@s/server/dist/package.json", r#"{"name":"x","version":"9"}"#);
        room.write("app/node_modules/plain/bin/native", "ELF");
        room.write("app/node_modules/plain/package.json", r#"{"name":"plain","version":"2.0.0"}"#);
        room.write("app/node_modules/nameless/index.js", "");
        room.write("app/node_modules/nameless/package.json", "{}");
        room.write("app/package.json", r#"{"name":"app","version":"7.0.0"}"#);
        room.write("app/src/deep/server.mjs", "");
        room.write("app/src/cli", "#!/usr/bin/env node\n");
        let list = r#"{"packages":{"node_modules/@s/server":{"integrity":"sha512-abc"}}}"#;
        room.write("app/node_modules/.package-lock.json", list);
        assert_eq!(room.found("app/node_modules/@s/server/dist/index.js"), "npm:@s/server 1.2.3 sha512-abc");
        assert_eq!(room.found("app/node_modules/plain/bin/native"), "npm:plain 2.0.0");
        assert_eq!(room.found("app/node_modules/nameless/index.js"), "");
        assert_eq!(room.found("app/src/deep/server.mjs"), "npm:app 7.0.0");
        assert_eq!(room.found("app/src/cli"), "npm:app 7.0.0");

        room.write("venv/bin/mcp-server-time", "#!python\n");
        room.write("venv/bin/none", "#!python\n");
        room.distribution("venv", "other", "../../../bin/other");
        room.distribution("venv", "mcp-server-time", "../../../bin/mcp-server-time");
        assert_eq!(room.found("venv/bin/mcp-server-time"), "pypi:mcp-server-time 0.6");
        assert_eq!(room.found("venv/bin/none"), "");
    }

    #[test]
    fn a_package_around_a_virtual_environment_or_a_build_is_not_the_servers() {
        let room = Room::new();
        room.write("site/package.json", r#"{"name":"my-website","version":"7.0.0"}"#);
        room.distribution("site/.venv", "time", "../../../bin/mcp-time");
        room.distribution("site/env", "files", "files/server.py");
        room.write("site/env/pyvenv.cfg", "");
        let modules = "site/env/lib/python3.11/site-packages";
        for (file, wanted) in [
            ("site/.venv/bin/mcp-time", "pypi:time 0.6"),
            ("site/.venv/bin/tool.js", ""),
            (&format!("{modules}/files/server.py"), "pypi:files 0.6"),
            (&format!("{modules}/files/other.js"), ""),
            ("site/env/bin/tool.js", ""),
            ("site/target/server", ""),
            ("site/target/server.js", ""),
            ("site/server.py", ""),
            ("site/server", ""),
            ("site/server.js", "npm:my-website 7.0.0"),
        ] {
            room.write(file, "");
            assert_eq!(room.found(file), wanted, "{file}");
        }
    }

    #[test]
    fn symlinks_lead_to_the_package() {
        let room = Room::new();
        room.write("share/uv/tools/t/bin/mcp-t", "#!python\n");
        room.distribution("share/uv/tools/t", "mcp-t", "../../../bin/mcp-t");
        std::fs::create_dir_all(room.root.join("local/bin")).unwrap();
        std::os::unix::fs::symlink("../../share/uv/tools/t/bin/mcp-t", room.root.join("local/bin/mcp-t"))
            .unwrap();
        assert_eq!(room.found("local/bin/mcp-t"), "pypi:mcp-t 0.6");
    }

    #[test]
    fn a_launcher_has_no_package() {
        let room = Room::new();
        room.write("lib/node_modules/npm/package.json", r#"{"name":"npm","version":"10.9.0"}"#);
        let real = room.write("lib/node_modules/npm/bin/npx-cli.js", "#!/usr/bin/env node\n");
        room.write("lib/node_modules/x/package.json", r#"{"name":"x","version":"1.0.0"}"#);
        let other = room.write("lib/node_modules/x/index.js", "");
        for program in ["npx", "node"] {
            assert_eq!(of(&Path::new("/usr/bin").join(program), &real).package, None, "{program}");
        }
        assert_eq!(of(Path::new("/usr/bin/uvx"), &other).package, None);
        assert!(of(Path::new("/usr/bin/node"), &other).package.is_some());
    }
}
