//! Trees.
use crate::Test;

pub(crate) fn tests() -> Vec<Test> {
    Vec::new()
}

pub(crate) fn supervise() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
