//! A tree of files that is a table of links; what the corpora say and how counts are told.

#![allow(dead_code, reason = "each test uses a part")]

pub(crate) mod tally;
pub(crate) mod words;

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use arguments::{Tree, TreeError};

/// Links by their whole names, and where they lead. Every other path is itself.
#[derive(Default)]
pub(crate) struct Links(pub(crate) BTreeMap<PathBuf, PathBuf>);

impl Tree for Links {
    fn real(&self, path: &Path) -> Result<PathBuf, TreeError> {
        let mut followed = 0;
        self.walk(path, &mut followed)
    }

    fn current_directory(&self) -> &Path {
        Path::new("/srv/data")
    }
}

impl Links {
    fn walk(&self, path: &Path, followed: &mut usize) -> Result<PathBuf, TreeError> {
        let mut real = PathBuf::from("/");
        for component in path.components() {
            match component {
                Component::Normal(name) => real.push(name),
                Component::ParentDir => {
                    real.pop();
                }
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            }
            if let Some(leads) = self.0.get(&real) {
                *followed += 1;
                // As many as the kernel follows (path_resolution(7)).
                if *followed > 40 {
                    return Err(TreeError::new("too many links"));
                }
                let from = real.parent().unwrap_or(Path::new("/")).join(leads);
                real = self.walk(&from, followed)?;
            }
        }
        Ok(real)
    }
}
