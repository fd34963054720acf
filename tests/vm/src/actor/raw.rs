//! Any system call by number. Arguments: a number, `text:…` for a string with its zero, `hex:…` for bytes.

use std::io;

use serde_json::{Value, json};

use super::{Act, number, parse};
use crate::sys::{self, Argument};

pub(super) const ACTS: &[(&str, Act)] =
    &[("syscall", syscall), ("landlock_abi", |_| Ok(json!(sys::landlock_abi())))];

fn syscall(arguments: &[&str]) -> io::Result<Value> {
    let name = i64::try_from(number(arguments, 0)?).map_err(io::Error::other)?;
    let mut words = arguments[1..].iter().map(|text| word(text)).collect::<io::Result<Vec<_>>>()?;
    Ok(json!(sys::call(name, &mut words)?))
}

fn word(text: &str) -> io::Result<Argument> {
    if let Some(text) = text.strip_prefix("text:") {
        return Ok(Argument::Memory([text.as_bytes(), b"\0"].concat()));
    }
    match text.strip_prefix("hex:") {
        Some(digits) => bytes(digits).map(Argument::Memory),
        None => parse(text).map(Argument::Number),
    }
}

fn bytes(digits: &str) -> io::Result<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| {
        let text = std::str::from_utf8(pair).map_err(io::Error::other)?;
        u8::from_str_radix(text, 16).map_err(io::Error::other)
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_texts_become_memory() {
        assert_eq!(bytes("00ff10").unwrap(), [0, 255, 16]);
        assert!(matches!(word("text:a").unwrap(), Argument::Memory(memory) if memory == b"a\0"));
        assert!(matches!(word("-1").unwrap(), Argument::Number(u64::MAX)));
    }

    #[test]
    fn a_raw_call_reaches_the_kernel() {
        let own = syscall(&[&libc::SYS_getpid.to_string()]).unwrap();
        assert_eq!(own, json!(std::process::id()));
        let refused = syscall(&[&libc::SYS_mmap.to_string()]).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::ENOTSUP));
    }
}
