//! The programs of the test internet: servers and clients of a Debian, unpacked into `target/internet` and nowhere else.
//!
//! ```text
//! apt, privately ──► archives with all that they need ──► target/internet/debian/usr/…
//!                     libraries without the C library ──► target/internet/libraries      for clients under a guard
//! ```
//!
//! Servers are started by the loader that they were packed with. Clients cannot be: a guard lets the loader run nothing.
//! They run on the host's C library, which must not be older than the suite's, and on the other libraries of the suite.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::checkout::Checkout;
use crate::vm::apt::Suite;
use crate::vm::cache::Cache;

/// An old one, so that its clients run on the C library of any host that the project is built on.
const SUITE: &str = "bookworm";
/// Each with the reason why it is there.
const PACKAGES: &[(&str, &str)] = &[
    ("unbound", "DNS: zones, recursion, DNS over TLS and HTTPS, a log of every question"),
    ("nginx", "the web: several names on one address, each with its certificate"),
    ("openssl", "certificates of the test's own authority"),
    ("iproute2", "interfaces, addresses and routes of the namespaces"),
    ("curl", "a client: libcurl with OpenSSL"),
    ("git", "a client: libcurl with GnuTLS, and many requests in a row"),
    ("gron", "a client: Go's resolver and Go's TLS, which use no C library"),
    ("bind9-dnsutils", "a client: dig, which asks any server in any way"),
    ("postgresql-client-15", "a client: psql, whose protocol does not begin with TLS"),
];
/// What must be the host's own: the loader of a guarded program is the host's, and these are parts of it.
const OF_THE_C_LIBRARY: &[&str] = &[
    "ld-linux-x86-64",
    "libBrokenLocale",
    "libanl",
    "libc",
    "libc_malloc_debug",
    "libdl",
    "libm",
    "libmemusage",
    "libmvec",
    "libnsl",
    "libnss_compat",
    "libnss_dns",
    "libnss_files",
    "libnss_hesiod",
    "libpcprofile",
    "libpthread",
    "libresolv",
    "librt",
    "libthread_db",
    "libutil",
];

/// Unpacks what is missing; quick when it is there.
pub(crate) fn setup(checkout: &Checkout) -> Result<()> {
    let place = checkout.root().join("target/internet");
    let stamp = place.join("stamp");
    let made_from = made_from();
    if fs::read_to_string(&stamp).is_ok_and(|found| found == made_from) {
        return Ok(());
    }
    let cache = Cache::open(checkout, false)?;
    let _filling = cache.lock()?;
    eprintln!("setup: Debian's programs of the test internet …");
    let temporary = cache.temporary()?;
    let fresh = temporary.path().join("internet");
    fs::create_dir(&fresh)?;
    let packages: Vec<String> = PACKAGES.iter().map(|(name, _)| (*name).to_owned()).collect();
    Suite::open(SUITE, &cache)?.unpack_closure(&packages, &fresh.join("debian"))?;
    libraries(&fresh)?;
    fs::write(fresh.join("stamp"), made_from)?;
    // Clients run as another user.
    for directory in [fresh.clone(), fresh.join("debian"), fresh.join("libraries")] {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755))?;
    }
    replace(&fresh, &place)
}

fn made_from() -> String {
    let names: Vec<&str> = PACKAGES.iter().map(|(name, _)| *name).collect();
    format!("2 {SUITE} {}\n", names.join(" "))
}

fn replace(fresh: &Path, place: &Path) -> Result<()> {
    if place.exists() {
        fs::remove_dir_all(place).context("cannot remove the old test internet")?;
    }
    fs::rename(fresh, place).context("cannot move the test internet into target")
}

/// Links to every library but those of the C library, in one directory.
fn libraries(fresh: &Path) -> Result<()> {
    let into = fresh.join("libraries");
    fs::create_dir(&into)?;
    for place in ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"] {
        let Ok(entries) = fs::read_dir(fresh.join("debian").join(place)) else { continue };
        for entry in entries {
            let name = entry?.file_name().into_string().unwrap_or_default();
            if name.contains(".so") && !is_of_the_c_library(&name) {
                let target = PathBuf::from("../debian").join(place).join(&name);
                // The two directories are one where /usr is merged: the first link is as good.
                let _ = symlink(target, into.join(&name));
            }
        }
    }
    Ok(())
}

fn is_of_the_c_library(name: &str) -> bool {
    let stem = name.split(".so").next().unwrap_or_default();
    OF_THE_C_LIBRARY.contains(&stem)
}

#[cfg(test)]
mod tests {
    use super::is_of_the_c_library;

    #[test]
    fn the_c_library_is_told_from_others() {
        for own in ["libc.so.6", "ld-linux-x86-64.so.2", "libresolv.so.2"] {
            assert!(is_of_the_c_library(own), "{own}");
        }
        for other in ["libcap.so.2", "libcrypto.so.3", "libm4ri.so.1"] {
            assert!(!is_of_the_c_library(other), "{other}");
        }
    }
}
