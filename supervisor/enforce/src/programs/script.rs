//! The `#!` line, read as the kernel reads it (`fs/binfmt_script.c`), and `env`, read as coreutils does.

use std::path::{Path, PathBuf};

/// The kernel looks at this many bytes of a file.
const BUFFER: usize = 256;

/// What follows `#!`, up to the end of the line, without spaces and tabs around it.
pub(super) fn interpreter_line(head: &[u8]) -> Option<&[u8]> {
    let line = head.get(..BUFFER.min(head.len()))?.strip_prefix(b"#!")?;
    let line = line.split(|byte| matches!(byte, b'\n' | 0)).next()?;
    Some(trim(line))
}

/// The interpreter, and what it will execute in turn if it is `env`.
pub(super) fn programs(line: &[u8], search_path: &[PathBuf]) -> Vec<PathBuf> {
    let mut words = line.splitn(2, |byte| matches!(byte, b' ' | b'\t'));
    let Some(interpreter) = words.next().and_then(super::absolute) else {
        return Vec::new();
    };
    let argument = trim(words.next().unwrap_or_default());
    let started =
        (interpreter.file_name() == Some("env".as_ref())).then(|| started_by_env(argument, search_path));
    std::iter::once(interpreter).chain(started.flatten()).collect()
}

/// `env NAME`, or `env -S 'A=b NAME …'`: the first word that is neither an option nor an assignment.
fn started_by_env(argument: &[u8], search_path: &[PathBuf]) -> Option<PathBuf> {
    let argument = argument.strip_prefix(b"-S").map_or(argument, trim);
    let mut words = argument.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    let name = words.find(|word| !word.starts_with(b"-") && !word.contains(&b'='))?;
    super::absolute(name).or_else(|| look_up(name, search_path))
}

fn look_up(name: &[u8], search_path: &[PathBuf]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let name = Path::new(std::ffi::OsStr::from_bytes(name));
    search_path.iter().map(|directory| directory.join(name)).find(|path| super::is_program(path))
}

fn trim(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_the_kernel_reads_them() {
        let cases: [(&[u8], Option<&[u8]>); 6] = [
            (b"#!/bin/sh\n", Some(b"/bin/sh")),
            (b"#! \t/bin/sh -e \nrest", Some(b"/bin/sh -e")),
            (b"#!/bin/sh", Some(b"/bin/sh")),
            (b"\x7fELF", None),
            (b"", None),
            (b"#", None),
        ];
        for (head, expected) in cases {
            assert_eq!(interpreter_line(head), expected, "{head:?}");
        }
    }

    #[test]
    fn relative_interpreters_are_left_out() {
        assert_eq!(programs(b"python3", &[]), Vec::<PathBuf>::new());
        assert_eq!(programs(b"/usr/bin/env", &[]), [PathBuf::from("/usr/bin/env")]);
        assert_eq!(programs(b"/opt/env A=1", &[]), [PathBuf::from("/opt/env")]);
    }
}
