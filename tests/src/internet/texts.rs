//! Secrets and tokens: what proves that somebody was reached, and that something has arrived.

use std::fs;

use anyhow::{Context, Result};
use base64::Engine;

/// The secrets of one internet: nobody who has not reached a host knows its secret.
#[derive(Clone, Debug)]
pub(super) struct Secrets {
    nonce: String,
}

impl Secrets {
    /// New ones.
    pub(super) fn new() -> Result<Self> {
        Ok(Self { nonce: random()? })
    }

    /// The secret of a host, or of something else that can be named. At most 64 characters, as a certificate has room for.
    pub(super) fn of(&self, name: &str) -> String {
        format!("secret-of-{name}-{}", self.nonce)
    }

    /// A secret that is a number.
    pub(super) fn number(&self) -> u32 {
        u32::from_str_radix(&self.nonce[..7], 16).unwrap_or_default()
    }

    /// Whose secrets are in a text.
    pub(super) fn found<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let end = format!("-{}", self.nonce);
        let parts = text.split("secret-of-").skip(1);
        parts.filter_map(|part| part.split_once(end.as_str())).map(|(name, _)| name).collect()
    }

    /// The configuration list of ECH that is given out, as it stands in a zone file: base64, of a secret and no keys.
    pub(super) fn ech(&self) -> String {
        base64::engine::general_purpose::STANDARD.encode(self.of("ech"))
    }
}

/// A word that nobody has said before; what it is sent by is known by it.
pub(super) fn token() -> Result<String> {
    Ok(format!("token{}", random()?))
}

fn random() -> Result<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/uuid").context("no random number")?;
    Ok(text.chars().filter(char::is_ascii_hexdigit).take(12).collect())
}
