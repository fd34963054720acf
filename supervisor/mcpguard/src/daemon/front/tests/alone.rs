//! Tests that measure or change their whole process run in one of their own.

use std::process::Command;

/// Set in the process that is a test's own.
const ALONE: &str = "MCPGUARD_TEST_ALONE";

/// Runs `body` in a process that runs nothing else. `name` is the test's whole path.
pub(super) fn alone(name: &str, body: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return body();
    }
    let mut own = Command::new(std::env::current_exe().unwrap());
    own.args(["--exact", name, "--test-threads=1", "--nocapture"]).env(ALONE, "1");
    let output = own.output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{}\n{}", said[0], said[1]);
    assert!(said[0].contains("1 passed"), "no test is called {name}: {}", said[0]);
}

/// Kibibytes of memory that this process has at the moment.
pub(super) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

/// Descriptors that this process has open.
pub(super) fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
