//! Every script in `tests/exchanges` is one test; see `simulate` for what a script is.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod simulate;

macro_rules! exchanges {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            simulate::run(stringify!($name), include_str!(concat!("exchanges/", stringify!($name), ".txt")));
        }
    )*};
}

exchanges! {
    tools
    list
    rates
    throttled
    sizes
    exclusive
    timeouts
    cancelling
    ids
    items
    later_answers
    nowhere_to_hide
    responses
    grants
    handshake
    modern
    tasks
    batches
    server_requests
    methods
    framing
    lookalikes
    kill
    blocked
    ending
    escapes
    stuffed
    revise
    arguments
    schemas
    structured
    content
    allowances
    approvals
    elicitation
    rounds
    round_again
    judged_again
    shown_otherwise
    another_schema
    listening
    pins
    reopened
    shaken_again
    first_use
    unaccepted
    access
    scopes
    roles
}

/// A script that is not in the list above would never run.
#[test]
fn no_script_is_forgotten() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exchanges");
    let list = include_str!("exchanges.rs");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(list.lines().any(|line| line.trim() == name), "{name} is not in the list");
    }
}
