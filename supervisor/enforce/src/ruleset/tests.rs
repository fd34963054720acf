//! Where the walk goes and where it refuses to go.

use std::os::fd::AsFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::open::{self, OpenError};

struct Tree {
    _directory: tempfile::TempDir,
    root: PathBuf,
}

/// `outside/secret`, `workspace/inner`, `link → workspace`.
fn tree() -> Tree {
    let directory = tempfile::tempdir().expect("temporary directory");
    let root = directory.path().canonicalize().expect("exists");
    std::fs::create_dir_all(root.join("workspace/inner")).expect("writable");
    std::fs::create_dir_all(root.join("outside")).expect("writable");
    std::fs::write(root.join("outside/secret"), "secret").expect("writable");
    symlink(root.join("workspace"), root.join("link")).expect("writable");
    Tree { _directory: directory, root }
}

fn opens(path: &Path, writable: &[PathBuf]) -> Result<PathBuf, OpenError> {
    open::open(path, writable)
        .map(|descriptor| open::real_path(descriptor.as_fd()).expect("/proc is mounted"))
}

#[test]
fn the_users_links_are_followed() {
    let Tree { root, .. } = &tree();
    let writable = [root.join("workspace")];
    assert_eq!(opens(&root.join("link/inner"), &writable).expect("opens"), root.join("workspace/inner"));
    symlink("../outside", root.join("outside/self")).expect("writable");
    assert_eq!(
        opens(&root.join("outside/self/secret"), &writable).expect("opens"),
        root.join("outside/secret")
    );
}

#[test]
fn a_link_inside_a_writable_directory_is_not_followed() {
    let Tree { root, .. } = &tree();
    let writable = [root.join("workspace")];
    for target in ["/", "../outside", "inner", "../workspace/inner"] {
        let planted = root.join("workspace/planted");
        symlink(target, &planted).expect("writable");
        for path in [planted.clone(), planted.join("secret"), root.join("link/planted")] {
            let outcome = opens(&path, &writable);
            assert!(matches!(outcome, Err(OpenError::Planted { .. })), "{path:?} → {target}: {outcome:?}");
        }
        std::fs::remove_file(planted).expect("writable");
    }
}

#[test]
fn a_link_that_leads_through_a_planted_one_is_not_followed() {
    let Tree { root, .. } = &tree();
    symlink("/", root.join("workspace/planted")).expect("writable");
    symlink("workspace/planted/etc", root.join("indirect")).expect("writable");
    let outcome = opens(&root.join("indirect"), &[root.join("workspace")]);
    assert!(matches!(outcome, Err(OpenError::Planted { .. })), "{outcome:?}");
}

#[test]
fn loops_and_missing_paths_stay_closed() {
    let Tree { root, .. } = &tree();
    symlink("loop", root.join("loop")).expect("writable");
    for path in [root.join("loop"), root.join("missing"), root.join("outside/secret/beneath")] {
        assert!(matches!(opens(&path, &[]), Err(OpenError::Absent(_))), "{path:?}");
    }
}

#[test]
fn the_process_itself_is_found_by_its_number() {
    let real = opens(Path::new("/proc/self"), &[]).expect("/proc is mounted");
    assert_eq!(real, PathBuf::from(format!("/proc/{}", std::process::id())));
}

#[test]
fn a_neighbour_of_a_writable_directory_is_not_inside_it() {
    let Tree { root, .. } = &tree();
    std::fs::create_dir(root.join("workspace_evil")).expect("writable");
    symlink("../outside", root.join("workspace_evil/link")).expect("writable");
    assert_eq!(
        opens(&root.join("workspace_evil/link"), &[root.join("workspace")]).expect("opens"),
        root.join("outside")
    );
}
