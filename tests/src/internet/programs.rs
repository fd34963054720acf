//! The clients: real programs, and our own one for what no real program does.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;

use super::raise::Internet;
use crate::patience::seconds;
use crate::servers::{checkout, node, python};

/// Who carries a trick out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `curl`: libcurl, OpenSSL, the C library's resolver.
    Curl,
    /// Node's own `fetch` (undici), and c-ares.
    Node,
    /// Python's `requests` (urllib3).
    Requests,
    /// Python's `httpx`.
    Httpx,
    /// `git` over HTTPS: libcurl with GnuTLS.
    Git,
    /// A clone by `git`, looked into.
    Clone,
    /// `gron`: Go's own resolver and TLS.
    Go,
    /// `dig`.
    Dig,
    /// `psql`.
    Psql,
    /// System calls and bytes by our own program.
    Own,
}

impl Program {
    /// As tables show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Curl => "curl",
            Self::Node => "node fetch",
            Self::Requests => "requests",
            Self::Httpx => "httpx",
            Self::Git | Self::Clone => "git",
            Self::Go => "go (gron)",
            Self::Dig => "dig",
            Self::Psql => "psql",
            Self::Own => "system calls",
        }
    }

    /// The words that start it.
    pub(super) fn command(self, internet: &Internet) -> Result<Vec<OsString>> {
        let debian = |program: &str| internet.debian.client(program);
        let clients = checkout().join("tests/internet/clients");
        let library = |name: &str| -> Result<Vec<OsString>> {
            Ok(vec![python("venv")?.into(), clients.join("get.py").into(), name.into()])
        };
        Ok(match self {
            Self::Curl => {
                let longest = seconds(6).to_string();
                let options = ["--silent", "--show-error", "--max-time", &longest].map(OsString::from);
                [with_libraries(internet, debian("usr/bin/curl")), options.to_vec()].concat()
            }
            Self::Node => {
                let authority = "NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt";
                vec![
                    "/usr/bin/env".into(),
                    authority.into(),
                    node()?.into(),
                    clients.join("fetch.mjs").into(),
                ]
            }
            Self::Requests => library("requests")?,
            Self::Httpx => library("httpx")?,
            Self::Git => git(internet, debian("usr/bin/git").into()),
            Self::Clone => {
                let script = [OsString::from("/usr/bin/python3"), clients.join("clone.py").into()];
                let mut words = git(internet, script[0].clone());
                words.extend([script[1].clone(), debian("usr/bin/git").into()]);
                words
            }
            Self::Go => with_libraries(internet, debian("usr/bin/gron")),
            Self::Dig => {
                let longest = format!("+time={}", seconds(1));
                let options = [&longest, "+tries=1", "+short"].map(OsString::from);
                [with_libraries(internet, debian("usr/bin/dig")), options.to_vec()].concat()
            }
            Self::Psql => {
                let mut words = with_libraries(internet, debian("usr/lib/postgresql/15/bin/psql"));
                let longest = format!("PGCONNECT_TIMEOUT={}", seconds(3));
                words.splice(2..2, [&longest, "PGPASSWORD=x"].map(OsString::from));
                words.extend(["-U", "x", "-d", "x", "-tAc", "select 1", "-h"].map(OsString::from));
                words
            }
            // Nothing is compiled into the checkout, which is read and not written.
            Self::Own => {
                vec!["/usr/bin/python3".into(), "-B".into(), checkout().join("tests/internet/attacks").into()]
            }
        })
    }

    /// Every program that a policy must let the puppet start.
    pub(super) fn executables(internet: &Internet) -> Result<Vec<PathBuf>> {
        let debian = |program: &str| internet.debian.client(program);
        Ok(vec![
            "/usr/bin/python3".into(),
            "/usr/bin/env".into(),
            node()?,
            python("venv")?,
            debian("usr/bin/curl"),
            debian("usr/bin/git"),
            debian("usr/lib/git-core"),
            debian("usr/bin/gron"),
            debian("usr/bin/dig"),
            debian("usr/lib/postgresql/15/bin/psql"),
        ])
    }
}

fn with_libraries(internet: &Internet, program: PathBuf) -> Vec<OsString> {
    let mut libraries = OsString::from("LD_LIBRARY_PATH=");
    libraries.push(internet.debian.libraries());
    vec!["/usr/bin/env".into(), libraries, program.into()]
}

/// Git with the helpers that it was packed with, and nobody's configuration.
fn git(internet: &Internet, program: OsString) -> Vec<OsString> {
    let mut helpers = OsString::from("GIT_EXEC_PATH=");
    helpers.push(internet.debian.client("usr/lib/git-core"));
    let mut words = with_libraries(internet, PathBuf::from(program));
    let more = ["GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GIT_TEMPLATE_DIR=/nonexistent"]
        .map(OsString::from);
    words.splice(2..2, more.into_iter().chain([helpers]));
    words
}
