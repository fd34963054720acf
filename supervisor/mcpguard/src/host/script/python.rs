//! Command lines of Python.

use std::ffi::OsString;

use super::{Script, is_option};

/// Reads the words behind `python` (Python 3.14, "Command line and environment"). A module's file is not looked for: where it
/// lies depends on the environment.
pub(super) fn line(words: &[OsString]) -> Option<Script> {
    let mut words = words.iter();
    let file = loop {
        match words.next() {
            Some(word) if word == "--" => break words.next(),
            Some(word) if word == "--check-hash-based-pycs" => drop(words.next()?),
            Some(word) if is_option(word) && word != "-" => match python_letters(word.to_str()?)? {
                Letters::Flags => {}
                Letters::Value => drop(words.next()?),
                Letters::Code => return Some(Script::default()),
            },
            word => break word,
        }
    };
    let Some(word) = file.filter(|word| *word != "-") else { return Some(Script::default()) };
    let path = std::path::absolute(word).ok()?;
    let file = [path.join("__main__.py"), path].into_iter().find(|path| path.is_file())?;
    Some(Script { file: Some(file), ..Script::default() })
}

/// What a word of options in single letters needs.
enum Letters {
    Flags,
    /// The next word is the value of the last letter.
    Value,
    /// The next word is the program itself.
    Code,
}

fn python_letters(word: &str) -> Option<Letters> {
    let letters = word.strip_prefix('-')?;
    for (at, letter) in letters.char_indices() {
        match letter {
            'c' => return Some(Letters::Code),
            'W' | 'X' if at + 1 == letters.len() => return Some(Letters::Value),
            'W' | 'X' => break,
            letter if "bBdEiIOPqRsStuvVx".contains(letter) => {}
            _ => return None,
        }
    }
    Some(Letters::Flags)
}
