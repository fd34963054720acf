//! Where a path leads: by its names, and in the real tree.

use std::path::{Component, Path, PathBuf};

use super::PathFault;
use crate::excerpt::Excerpt;

/// The real tree of files, as the server sees it.
pub trait Tree {
    /// Where an absolute path leads with every symbolic link followed, including magic links such as `/proc/self/cwd`.
    /// For a path that does not exist: the real place of its deepest existing ancestor, and the rest behind it.
    ///
    /// # Errors
    /// When it cannot be told. The path is refused then.
    fn real(&self, path: &Path) -> Result<PathBuf, TreeError>;

    /// What relative paths are relative to. Absolute.
    fn current_directory(&self) -> &Path;
}

/// Why it cannot be told where a path leads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TreeError(Excerpt);

impl TreeError {
    /// The reason in a few words, such as `too many links`.
    pub fn new(reason: &str) -> Self {
        Self(Excerpt::of(reason))
    }
}

/// The names decide first, so that a path that climbs out is refused even where no such file is. Then the tree decides
/// about the path as it was written, since `link/..` is not what its names say, and about what its names say, since a
/// server may normalise a path before it opens it.
pub(super) fn check(path: &str, within: &[PathBuf], tree: &dyn Tree) -> Result<(), PathFault> {
    let path = tree.current_directory().join(path);
    let lexical = normalised(&path);
    if !within.iter().any(|directory| lexical.starts_with(normalised(directory))) {
        return Err(PathFault::Outside { leads: shown(&lexical), within: listed(within) });
    }
    follow(&path, within, tree)?;
    match lexical.as_os_str() == path.as_os_str() {
        true => Ok(()),
        false => follow(&lexical, within, tree),
    }
}

fn follow(path: &Path, within: &[PathBuf], tree: &dyn Tree) -> Result<(), PathFault> {
    let real = normalised(&tree.real(path)?);
    match within.iter().any(|directory| lies_really_in(&real, directory, tree)) {
        true => Ok(()),
        false => Err(PathFault::Link { leads: shown(&real), within: listed(within) }),
    }
}

/// A directory that is a link itself is meant by where it leads. One of which nobody can say that holds nothing.
fn lies_really_in(real: &Path, directory: &Path, tree: &dyn Tree) -> bool {
    tree.real(directory).is_ok_and(|directory| real.starts_with(normalised(&directory)))
}

/// Without `.`, `..` and doubled separators; `..` at the root stays there, as in the kernel.
fn normalised(path: &Path) -> PathBuf {
    let mut normalised = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) => normalised.push(name),
            Component::ParentDir => {
                normalised.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    normalised
}

fn shown(path: &Path) -> Excerpt {
    Excerpt::of(&path.to_string_lossy())
}

fn listed(within: &[PathBuf]) -> Excerpt {
    Excerpt::list(within.iter().map(|directory| format!("‘{}’", directory.display())))
}
