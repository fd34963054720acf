//! Reading host rules: no file is no rules, and everything that is not in order refuses.

use std::fs::{Permissions, create_dir, set_permissions, write};
use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;

const GOOD: &str = "version: 1\nmaximum: { execution: { memory_limit: 1GiB } }\n";

/// A directory of rules that belongs to the tester.
fn etc() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    mode(directory.path(), 0o755);
    create_dir(directory.path().join("host.d")).unwrap();
    mode(&directory.path().join("host.d"), 0o755);
    directory
}

fn file(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    write(&path, text).unwrap();
    mode(&path, 0o644);
    path
}

fn mode(path: &Path, mode: u32) {
    set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn me() -> Keepers {
    Keepers::Only(nix::unistd::geteuid().as_raw())
}

fn rules(directory: &Path) -> anyhow::Result<Option<HostRules>> {
    read(directory, &me())
}

fn refusal(directory: &Path) -> String {
    format!("{:#}", rules(directory).err().unwrap())
}

#[test]
fn no_file_is_no_rules() {
    let etc = etc();
    assert!(rules(etc.path()).unwrap().is_none());
    assert!(rules(&etc.path().join("absent")).unwrap().is_none());
    file(etc.path(), "notes.txt", "not read");
    assert!(rules(etc.path()).unwrap().is_none());
}

#[test]
fn files_are_read_in_order() {
    let etc = etc();
    file(etc.path(), "host.d/20-b.yaml", GOOD);
    file(etc.path(), "host.d/10-a.yaml", GOOD);
    file(etc.path(), "host.d/10-a.yaml.dpkg-old", "not read");
    file(etc.path(), "host.yaml", GOOD);
    let read = rules(etc.path()).unwrap().unwrap();
    let names: Vec<String> = ["host.yaml", "host.d/10-a.yaml", "host.d/20-b.yaml"]
        .iter()
        .map(|name| etc.path().join(name).display().to_string())
        .collect();
    assert_eq!(read.sources(), names);
}

#[test]
fn what_others_could_have_written_is_refused() {
    let etc = etc();
    let path = file(etc.path(), "host.yaml", GOOD);
    for wrong in [0o666, 0o664, 0o646] {
        mode(&path, wrong);
        let expected = format!(
            "others than its owner may write the host rules in `{}`; `chmod go-w` it",
            path.display()
        );
        assert_eq!(refusal(etc.path()), expected);
    }
    mode(&path, 0o644);
    mode(&etc.path().join("host.d"), 0o777);
    assert!(refusal(etc.path()).contains("may write the directory of host rules"), "{}", refusal(etc.path()));
    mode(&etc.path().join("host.d"), 0o755);
    mode(etc.path(), 0o775);
    assert!(refusal(etc.path()).contains("may write the directory of host rules"), "{}", refusal(etc.path()));
    mode(etc.path(), 0o755);
    assert!(rules(etc.path()).unwrap().is_some());
    let stranger = Keepers::Only(nix::unistd::geteuid().as_raw() + 1);
    let refused = format!("{:#}", read(etc.path(), &stranger).err().unwrap());
    assert!(refused.contains("who could change it; it must belong to user"), "{refused}");
}

#[test]
fn what_cannot_be_read_refuses() {
    let etc = etc();
    symlink("/no/such/file", etc.path().join("host.yaml")).unwrap();
    assert!(refusal(etc.path()).contains("nothing is started without them"), "{}", refusal(etc.path()));
    std::fs::remove_file(etc.path().join("host.yaml")).unwrap();
    create_dir(etc.path().join("host.yaml")).unwrap();
    assert!(refusal(etc.path()).contains("is not a regular file"), "{}", refusal(etc.path()));
    std::fs::remove_dir(etc.path().join("host.yaml")).unwrap();
    file(etc.path(), "host.d/10-a.yml", GOOD);
    assert!(
        refusal(etc.path()).contains("does not end in `.yaml`; rename or remove it"),
        "{}",
        refusal(etc.path())
    );
}

#[test]
fn a_pipe_is_refused_at_once() {
    let etc = etc();
    let path = etc.path().join("host.yaml");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o644)).unwrap();
    assert!(refusal(etc.path()).contains("is not a regular file"), "{}", refusal(etc.path()));
}

#[test]
fn mistakes_keep_their_places() {
    let etc = etc();
    let path = file(etc.path(), "host.yaml", "version: 1\nmaximun: {}\n");
    let problems = rules(etc.path()).err().unwrap().downcast::<policy::Problems>().unwrap();
    let expected = format!(
        "{}:2:1: error: `maximun` is not a key that may stand here; did you mean `maximum`?",
        path.display()
    );
    assert_eq!(problems.to_string(), expected);
}
