//! Skips that are heard: libtest knows none at run time.

use std::io::Write;

/// Says that the running test cannot be done on this kernel. `cargo xtask test` counts these lines.
/// The caller returns right after, having first asserted how exactly the kernel lacks the feature.
pub fn skip(missing: &str) {
    let name = std::thread::current().name().unwrap_or("unnamed").to_owned();
    // Written to the descriptor: libtest swallows what the print macros of a passing test say.
    let line = format!("SKIP: {name}: {missing}\n");
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}
