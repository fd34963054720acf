//! Prints cases to replay as real system calls: `cargo run -p mcpguard-enforce --example cases -- COUNT [SEED]`.
//!
//! A JSON array on standard output; `tests/meaning/cases.rs` says what its fields mean. Equal arguments print equal cases.

#![allow(clippy::panic, clippy::unwrap_used, dead_code, reason = "what it is made of belongs to tests")]

#[path = "../tests/meaning/cases.rs"]
mod cases;
#[path = "../tests/meaning/files.rs"]
mod files;
#[path = "../../policy/tests/language/host.rs"]
mod host;
#[path = "../tests/meaning/meaning.rs"]
mod meaning;
#[path = "../../policy/tests/language/random.rs"]
mod random;

use std::io::Write;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1).map(|word| word.parse::<u64>().expect("a number"));
    let count = usize::try_from(arguments.next().expect("how many")).expect("a small number");
    let cases = cases::cases(count, arguments.next().unwrap_or(1));
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, &cases)?;
    out.write_all(b"\n")
}
