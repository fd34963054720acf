//! What the first line of a script executes.

use std::path::{Path, PathBuf};

use super::Lookup;
use crate::trust;

/// The longest first line that the kernel looks at (`BINPRM_BUF_SIZE`, include/uapi/linux/binfmts.h).
const FIRST_LINE_BYTES: u64 = 256;

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

/// The first line of a file, as far as the kernel looks at it, if it is text.
pub(crate) fn first_line(program: &Path) -> Option<String> {
    let start = trust::start_of(program, FIRST_LINE_BYTES)?;
    let line = start.split(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(line).ok().map(str::to_owned)
}
