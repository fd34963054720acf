//! The mechanisms against the real kernel. This program is the supervisor, the stage `enter`, and the attacker.
//!
//! Each attack first comes through without the guard and then fails under it, by the real system call. Run with a word
//! as argument to run only the tests whose names contain it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test program without a harness tells by itself"
)]

mod attacker;
mod caller;
mod cases;
mod families;
mod gate;
mod nested;
mod programs;
mod sandbox;
mod stage;
mod trees;
mod unix_caller;

use std::process::ExitCode;

/// A test and what it found wrong.
type Test = (String, Box<dyn Fn() -> Result<(), String>>);

/// A test that needs no data.
type Named = (&'static str, fn() -> Result<(), String>);

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next().and_then(|word| word.into_string().ok());
    match first.as_deref() {
        Some("enter") => std::process::exit(enforce::enter_main(arguments).into()),
        Some("attack") => {
            let words: Vec<String> = arguments.map(|word| word.into_string().expect("UTF-8")).collect();
            std::process::exit(attacker::main(&words[0], &words[1..]))
        }
        Some("supervise") => trees::supervise(),
        filter => supervise_tests(filter.filter(|word| !word.starts_with('-'))),
    }
}

fn supervise_tests(filter: Option<&str>) -> ExitCode {
    enforce::become_subreaper().expect("Linux 3.4");
    let tests: Vec<Test> = [cases::tests(), stage::tests(), programs::tests(), trees::tests(), gate::tests()]
        .into_iter()
        .flatten()
        .collect();
    let chosen: Vec<_> =
        tests.iter().filter(|(name, _)| filter.is_none_or(|word| name.contains(word))).collect();
    println!("\nrunning {} tests", chosen.len());
    let mut failed = 0;
    for (name, test) in &chosen {
        match test() {
            Ok(()) => println!("test {name} ... ok"),
            Err(why) => {
                failed += 1;
                println!("test {name} ... FAILED\n    {why}");
            }
        }
    }
    let (passed, hidden) = (chosen.len() - failed, tests.len() - chosen.len());
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; {hidden} filtered out\n"
    );
    ExitCode::from(u8::from(failed > 0))
}
