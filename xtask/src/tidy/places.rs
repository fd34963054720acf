//! No tracked file names a package registry's host or a path of the machine it was written on.
//!
//! Which registry serves a user is their own configuration; a host in a lock file would override it.

use std::path::Path;

use super::Finding;

/// The hosts, in halves: this file must not find itself.
const HOSTS: &[(&str, &str)] = &[
    ("registry.npm", "js.org"),
    ("registry.yarn", "pkg.com"),
    ("py", "pi.org"),
    ("files.python", "hosted.org"),
    ("static.crates", ".io"),
    ("index.crates", ".io"),
    ("proxy.go", "lang.org"),
];

/// Paths of machines that the project is built on.
const PATHS: &[(&str, &str)] = &[
    ("/root/", ".cargo"),
    ("/root/", ".pyenv"),
    ("/root/", ".npm"),
    ("/wo", "rk/main"),
    ("/wo", "rk/shared"),
    ("/tmp/", "target-"),
];

/// Findings in one file; `root` is where this checkout lies.
pub(super) fn check(file: &str, text: &str, root: &Path) -> Vec<Finding> {
    let mut found = Vec::new();
    let here = root.to_string_lossy();
    for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        if let Some(host) = joined(HOSTS).find(|host| line.contains(host.as_str())) {
            found.push(Finding::at(file, number, format!("the host of a package registry: {host}")));
        }
        if let Some(path) = joined(PATHS).find(|path| line.contains(path.as_str())) {
            found.push(Finding::at(file, number, format!("a path of one machine: {path}")));
        } else if here.len() > 4 && line.contains(here.as_ref()) {
            found.push(Finding::at(file, number, "the path of this checkout".to_owned()));
        }
    }
    found
}

fn joined(halves: &'static [(&str, &str)]) -> impl Iterator<Item = String> {
    halves.iter().map(|(first, second)| [*first, *second].concat())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::check;

    #[test]
    fn hosts_and_machine_paths_are_found() {
        let root = Path::new("/home/someone/mcpguard");
        let host = ["https://registry.npm", "js.org/x"].concat();
        assert_eq!(check("a", &format!("ok\n{host}"), root)[0].line, 2);
        assert_eq!(check("a", &["/root/", ".cargo/bin"].concat(), root).len(), 1);
        assert_eq!(check("a", "see /home/someone/mcpguard/target", root).len(), 1);
        assert_eq!(check("a", "deny: [/root, /etc] from the npm registry", root), []);
    }
}
