//! The texts in which the kernel names the hierarchies. Pure.

use std::path::PathBuf;

/// Which interface a hierarchy has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Version 2: one hierarchy for all controllers.
    Unified,
    /// Version 1: a hierarchy for one controller, or for some.
    Legacy,
}

/// A mounted hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) version: Version,
    /// Which part of the hierarchy is mounted, as seen from this process's cgroup namespace.
    pub(super) root: PathBuf,
    pub(super) point: PathBuf,
    /// Names of version 1 controllers, among other options. Empty for version 2.
    pub(super) options: Vec<String>,
}

/// Reads `/proc/self/mountinfo` (`proc_pid_mountinfo(5)`).
pub(super) fn mounts(mountinfo: &str) -> Vec<Mount> {
    mountinfo.lines().filter_map(mount).collect()
}

fn mount(line: &str) -> Option<Mount> {
    // `id parent major:minor root point options [optional]… - type source options`
    let (before, after) = line.split_once(" - ")?;
    let mut fields = before.split(' ').skip(3);
    let (root, point) = (fields.next()?, fields.next()?);
    let mut after = after.split(' ');
    let version = match after.next()? {
        "cgroup2" => Version::Unified,
        "cgroup" => Version::Legacy,
        _ => return None,
    };
    let options = match version {
        Version::Unified => Vec::new(),
        Version::Legacy => after.nth(1)?.split(',').map(str::to_owned).collect(),
    };
    Some(Mount { version, root: unescaped(root), point: unescaped(point), options })
}

/// Blanks, tabs, newlines and backslashes are written as `\` and three octal digits.
fn unescaped(field: &str) -> PathBuf {
    let (mut rest, mut plain) = (field, String::new());
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        plain.push(code.map_or('\\', char::from));
        rest = if code.is_some() { after.get(3..).unwrap_or_default() } else { after };
    }
    plain.push_str(rest);
    PathBuf::from(plain)
}

/// Where this process stands in a hierarchy, by `/proc/self/cgroup` (`cgroups(7)`): `id:controllers:path`.
pub(super) fn own_group(text: &str, mount: &Mount) -> Option<PathBuf> {
    text.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let fits = match mount.version {
            Version::Unified => controllers.is_empty(),
            Version::Legacy => {
                !controllers.is_empty()
                    && controllers.split(',').all(|name| mount.options.iter().any(|o| o == name))
            }
        };
        fits.then(|| PathBuf::from(path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
23 1 259:0 / / rw,relatime - ext4 /dev/root rw
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 /docker/a\\040b /mnt/with\\040blank rw,relatime - cgroup2 cgroup2 rw,nsdelegate
";

    #[test]
    fn hierarchies_are_found_among_all_mounts() {
        let found = mounts(HYBRID);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].options, ["rw", "cpu", "cpuacct"]);
        assert_eq!(found[2].version, Version::Unified);
        assert_eq!(found[2].root, PathBuf::from("/docker/a b"));
        assert_eq!(found[2].point, PathBuf::from("/mnt/with blank"));
    }

    #[test]
    fn the_own_group_is_that_of_the_same_hierarchy() {
        let found = mounts(HYBRID);
        let own = "9:name=systemd:/init.scope\n1:cpu,cpuacct:/a:b\n0::/user.slice\n";
        let paths: Vec<_> = found.iter().map(|mount| own_group(own, mount)).collect();
        let expected = ["/a:b", "/init.scope", "/user.slice"].map(|path| Some(PathBuf::from(path)));
        assert_eq!(paths, expected);
        assert_eq!(own_group("2:cpuset:/x\n", &found[0]), None);
    }

    #[test]
    fn nothing_is_made_of_a_text_that_is_none() {
        assert_eq!(mounts("a b c - cgroup2\n\n - cgroup cgroup\n"), []);
        assert_eq!(unescaped("a\\04"), PathBuf::from("a\\04"));
        assert_eq!(unescaped("a\\134040"), PathBuf::from("a\\040"));
    }
}
