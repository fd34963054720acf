//! An act that waits for a word: meanwhile whoever started it decides where it belongs.

use std::io::Read;

/// `init --gate NAME ARGUMENTS…`: waits for one byte on stdin, then acts as `init --act` does.
pub(crate) fn run_gated(name: &str, arguments: &[&str]) -> u8 {
    let mut word = [0];
    match std::io::stdin().read_exact(&mut word) {
        Ok(()) => super::run_alone(name, arguments),
        Err(error) => {
            eprintln!("nobody opened the gate: {error}");
            2
        }
    }
}
