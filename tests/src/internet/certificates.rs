//! Certificates: an authority that only this internet knows, and one certificate for each name.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::debian::Debian;
use super::hosts::{HOSTS, PRIVATE_RESOLVER_NAME, Role};
use super::texts::Secrets;
use crate::run;

/// Everything that `openssl req` wants to read.
const CONFIGURATION: &str = "[req]\ndistinguished_name = dn\n[dn]\n";

/// Makes the authority (`certs/ca-certificates.crt`, and by its hash), one key, and `NAME.pem` for each host. A
/// certificate carries the host's secret as its organisation: TLS 1.2 shows it before anything is encrypted.
pub(super) fn make(debian: &Debian, place: &Path, secrets: &Secrets) -> Result<()> {
    fs::create_dir(place.join("certs"))?;
    fs::write(place.join("openssl.cnf"), CONFIGURATION)?;
    for key in ["authority.key", "host.key"] {
        openssl(
            debian,
            place,
            &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key],
        )?;
    }
    let basic = "basicConstraints=critical,CA:TRUE";
    let usage = "keyUsage=critical,keyCertSign,cRLSign";
    let own = [
        "-subj",
        "/CN=authority of the test internet",
        "-key",
        "authority.key",
        "-addext",
        basic,
        "-addext",
        usage,
    ];
    request(debian, place, &own, "certs/ca-certificates.crt")?;
    let hosts = HOSTS.iter().filter(|host| host.role != Role::Plain).map(|host| host.name);
    for name in hosts.chain([PRIVATE_RESOLVER_NAME]) {
        host(debian, place, name, &secrets.of(name))?;
    }
    openssl(debian, place, &["rehash", "certs"])
}

fn host(debian: &Debian, place: &Path, name: &str, secret: &str) -> Result<()> {
    let subject = format!("/O={secret}/CN={name}");
    let names = format!("subjectAltName=DNS:{name}");
    let by = ["-key", "host.key", "-CA", "certs/ca-certificates.crt", "-CAkey", "authority.key"];
    let what = ["-subj", &subject, "-addext", &names, "-addext", "basicConstraints=critical,CA:FALSE"];
    request(debian, place, &[by.as_slice(), what.as_slice()].concat(), &format!("{name}.pem"))
}

fn request(debian: &Debian, place: &Path, more: &[&str], out: &str) -> Result<()> {
    let words = ["req", "-x509", "-config", "openssl.cnf", "-new", "-sha256", "-days", "30"];
    openssl(debian, place, &[words.as_slice(), more, &["-out", out]].concat())
}

fn openssl(debian: &Debian, place: &Path, words: &[&str]) -> Result<()> {
    let mut command: Command = debian.command("usr/bin/openssl");
    command.args(words).current_dir(place).env("OPENSSL_CONF", "/dev/null");
    let finished = run(&mut command).context("no openssl")?;
    ensure!(finished.status == Some(0), "openssl {words:?}: {}", finished.stderr);
    Ok(())
}
