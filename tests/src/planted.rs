//! Forty secrets that stand in the environment of every guard that a test starts. No test gives them to a server, so that
//! they may never be found again: not in a log, not on stderr, not in a command line, in no test of the whole run.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::thread;

/// Beginnings of keys and tokens in well-known forms, and how long the rest is; in two parts where the whole would alarm those
/// who look for secrets in repositories.
const FORMS: [(&str, &str, usize); 10] = [
    ("gh", "p_", 36),
    ("github_", "pat_", 82),
    ("AK", "IA", 16),
    ("xox", "b-", 48),
    ("sk-", "proj-", 48),
    ("gl", "pat-", 20),
    ("np", "m_", 36),
    ("sk_", "live_", 32),
    ("h", "vs.", 90),
    ("password-", "", 24),
];
const NUMBER: usize = 40;

/// The secrets, in the forms of the list again and again.
fn planted() -> &'static [String] {
    static PLANTED: OnceLock<Vec<String>> = OnceLock::new();
    PLANTED.get_or_init(|| (0..NUMBER).map(secret).collect())
}

fn secret(number: usize) -> String {
    const SIGNS: &[u8] = b"A7dK2mQ9xT4vB8nZ3cW6yL5sH1gR0jPfEuXo";
    let (first, second, length) = FORMS[number % FORMS.len()];
    let sign = |place: usize| char::from(SIGNS[(place * place + 7 * place + 11 * number) % SIGNS.len()]);
    [first, second].concat() + &(0..length).map(sign).collect::<String>()
}

/// The variables of a guard's environment that hold them.
pub(crate) fn variables() -> impl Iterator<Item = (String, &'static str)> {
    planted().iter().enumerate().map(|(number, secret)| (format!("PLANTED_{number}"), secret.as_str()))
}

/// Whether a command is started with them.
pub(crate) fn is_in(command: &Command) -> bool {
    command.get_envs().any(|(name, _)| name == "PLANTED_0")
}

/// Fails the test if a text holds one of them.
pub(crate) fn check(place: &str, text: &[u8]) {
    if thread::panicking() {
        return;
    }
    let text = String::from_utf8_lossy(text);
    let found = planted().iter().position(|secret| text.contains(secret.as_str()));
    assert!(found.is_none(), "{place} holds a secret that nobody gave to it: PLANTED_{found:?}");
}

/// The same for every file beneath a directory.
pub(crate) fn check_files(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => check_files(&path),
            Ok(kind) if kind.is_file() => {
                check(&path.display().to_string(), &fs::read(&path).unwrap_or_default())
            }
            _ => {}
        }
    }
}

/// The same for the command lines of all processes, as everybody can see them.
pub(crate) fn check_processes() {
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        // Processes come and go.
        check("a command line", &fs::read(entry.path().join("cmdline")).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::{NUMBER, check, check_files, planted, variables};

    #[test]
    fn what_is_planted_is_found() {
        assert_eq!(planted().iter().collect::<std::collections::BTreeSet<_>>().len(), NUMBER);
        assert_eq!(variables().count(), NUMBER);
        check("a clean text", b"nothing");
        let text = format!("before {} after", planted()[7]);
        assert!(std::panic::catch_unwind(|| check("a text", text.as_bytes())).is_err());
        let directory = tempfile::tempdir().expect("a directory");
        let inner = directory.path().join("a/b");
        std::fs::create_dir_all(&inner).expect("directories");
        std::fs::write(inner.join("log"), &planted()[39]).expect("a file");
        assert!(std::panic::catch_unwind(|| check_files(directory.path())).is_err());
    }
}
