//! `policy`, `mcp` and `control` are pure: no files, no environment, no processes, no sockets, no clock.

use super::Finding;
use super::paths::{NamedPath, named};
use super::source::tokens;

/// What reaches out of a pure crate: a path that begins like this.
const IMPURE: &[&[&str]] = &[
    &["std", "fs"],
    &["std", "env"],
    &["std", "process"],
    &["std", "os"],
    &["std", "thread"],
    &["std", "io", "stdin"],
    &["std", "io", "stdout"],
    &["std", "io", "stderr"],
    &["std", "net", "TcpStream"],
    &["std", "net", "TcpListener"],
    &["std", "net", "UdpSocket"],
    &["std", "net", "ToSocketAddrs"],
    &["std", "time", "SystemTime"],
    &["tokio"],
    &["nix"],
    &["libc"],
    &["landlock"],
    &["seccompiler"],
    &["caps"],
    &["jiff"],
    &["tempfile"],
];

/// Single words that are impure wherever they stand, since a `use` may have shortened the path.
const IMPURE_WORDS: &[&str] = &["SystemTime", "TcpStream", "TcpListener", "UdpSocket", "ToSocketAddrs"];

/// The impure paths of one source file.
pub(super) fn check(file: &str, source: &str) -> Vec<Finding> {
    let paths = named(&tokens(source));
    paths.iter().filter(|path| is_impure(path)).map(|path| finding(file, path)).collect()
}

fn is_impure(path: &NamedPath) -> bool {
    let parts: Vec<&str> = path.parts.iter().map(String::as_str).collect();
    IMPURE.iter().any(|forbidden| starts_with(&parts, forbidden))
        || parts.iter().any(|part| IMPURE_WORDS.contains(part))
        || parts.windows(2).any(|pair| pair == ["Instant", "now"])
        || parts == ["std", "*"]
}

/// A single word of this name is a local of the file, not the crate.
fn starts_with(parts: &[&str], forbidden: &[&str]) -> bool {
    parts.len() > 1 && parts.starts_with(forbidden)
}

fn finding(file: &str, path: &NamedPath) -> Finding {
    Finding::at(file, path.line, format!("`{}` in a crate that must stay pure", path.parts.join("::")))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn reaching_out_is_found() {
        for source in [
            "use std::fs;",
            "use std::{io, env};",
            "fn f() { std::process::exit(1) }",
            "use std::time::{Duration, SystemTime};",
            "fn f() { let n = Instant::now(); }",
            "fn f() { let n = std::time::Instant::now(); }",
            "use std::net::{IpAddr, TcpStream};",
            "use tokio::sync::mpsc;",
            "use std::os::fd::OwnedFd;",
            "use std::*;",
        ] {
            assert_eq!(check("a.rs", source).len(), 1, "{source}");
        }
    }

    #[test]
    fn plain_data_is_pure() {
        let source = "use std::net::IpAddr; use std::time::{Duration, Instant}; use std::path::PathBuf;\n\
            // std::fs::read would be wrong here\n\
            fn f(now: Instant, env: &str) -> &'static str { \"std::env::var\" }\n\
            #[cfg(test)]\nmod tests { use std::fs; }";
        assert_eq!(check("a.rs", source), []);
    }
}
