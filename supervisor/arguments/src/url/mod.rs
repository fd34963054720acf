//! `url`: absolute, to a host that the rule names, and with one reading.
//!
//! The text is cut by the letter of RFC 3986 and parsed as browsers and node do (WHATWG). Hosts for which both have not the
//! same name are refused: one of two parsers in a server would check what the other does not connect to.

mod address;
mod authority;
mod host;
mod link;
mod plain;

pub use link::{Link, link};
pub use plain::is_plain_uri;

use ::url::Url;

use authority::Authority;
use host::Host;

use crate::excerpt::Excerpt;
use crate::invisible;
use crate::text::is_longer;

/// Characters where the rule names no bound.
const MAX_LENGTH: u64 = 8192;

/// Why a URL is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// Longer than the rule says.
    #[error("is longer than {most} characters")]
    TooLong {
        /// The most characters.
        most: u64,
    },
    /// A character that parsers drop, or read as another.
    #[error("holds the character U+{code:04X}; write it percent-encoded", code = *.0 as u32)]
    Character(char),
    /// No `scheme://` at its beginning.
    #[error("is not absolute; write `https://host/…`")]
    NotAbsolute,
    /// A scheme that is not in the rule.
    #[error("begins with `{scheme}:`, and must begin with one of: {schemes}")]
    Scheme {
        /// What it begins with.
        scheme: Excerpt,
        /// What it must begin with.
        schemes: Excerpt,
    },
    /// A user's name or password, or what some parsers take for one.
    #[error("holds `@` where some read a user name and others a host; leave it out")]
    User,
    /// Nothing that can be connected to.
    #[error("names no host that can be told")]
    NoHost,
    /// Two readings of the host, or one that is not in its normal form.
    #[error(
        "names its host in a form that is read in several ways; write the name or address in its normal form"
    )]
    Doubtful,
    /// A port that is no number in its normal form.
    #[error("has a port that is no number from 1 to 65535")]
    NoPort,
    /// The host is not in the rule.
    #[error("is for `{host}`, and must be for one of: {hosts}")]
    Host {
        /// The host and port.
        host: Excerpt,
        /// The hosts of the rule.
        hosts: Excerpt,
    },
    /// An address or name of this machine, of a private network, or of a cloud's metadata.
    #[error("is for `{host}`, which is not public; only a rule that names it can allow it")]
    NotPublic {
        /// The host.
        host: Excerpt,
    },
    /// Another port than the scheme's own.
    #[error("is for port {port}, which the rule does not name; use the port of the scheme")]
    Port {
        /// The port.
        port: u16,
    },
    /// Line ends or NUL, encoded.
    #[error("holds an encoded line end or NUL in its path")]
    Encoded,
    /// Not a URL to the parser that servers use.
    #[error("cannot be parsed")]
    Unparsable,
}

/// Whether a URL is one that a rule of [`Kind::Url`](crate::Kind::Url) lets pass, with the bound of its length left out.
///
/// # Errors
/// Why not.
pub fn check_url(text: &str, schemes: &[String], hosts: &[String]) -> Result<(), UrlFault> {
    check(text, schemes, hosts, None)
}

pub(crate) fn check(
    text: &str,
    schemes: &[String],
    hosts: &[String],
    max_length: Option<u64>,
) -> Result<(), UrlFault> {
    let most = max_length.unwrap_or(MAX_LENGTH);
    if is_longer(text, most) {
        return Err(UrlFault::TooLong { most });
    }
    characters(text)?;
    let authority = Authority::of(text)?;
    scheme(authority.scheme, schemes)?;
    rest(authority.rest)?;
    let host = agreed(text, &authority)?;
    host::allowed(&host, &authority, hosts)
}

/// What WHATWG strips or turns into something else, and what no URL holds by the letter of RFC 3986.
fn characters(text: &str) -> Result<(), UrlFault> {
    let wrong = |c: &char| {
        c.is_control() || c.is_whitespace() || invisible::is_invisible(*c) || r#"\<>"`^"#.contains(*c)
    };
    text.chars().find(wrong).map_or(Ok(()), |wrong| Err(UrlFault::Character(wrong)))
}

fn scheme(scheme: &str, schemes: &[String]) -> Result<(), UrlFault> {
    let scheme = scheme.to_ascii_lowercase();
    let known = match schemes {
        [] => scheme == "https",
        listed => listed.contains(&scheme),
    };
    let wanted = || if schemes.is_empty() { Excerpt::of("https") } else { Excerpt::list(schemes) };
    known.then_some(()).ok_or_else(|| UrlFault::Scheme { scheme: Excerpt::of(&scheme), schemes: wanted() })
}

/// `http://good.example#@evil.example/` goes to `evil.example` in parsers that look for `@` first. Line ends in a path
/// become lines of a request in clients that decode them.
fn rest(rest: &str) -> Result<(), UrlFault> {
    if !rest.starts_with('/') && rest.contains('@') {
        return Err(UrlFault::User);
    }
    let path = rest.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    match ["%0d", "%0a", "%00"].iter().any(|code| path.contains(code)) {
        true => Err(UrlFault::Encoded),
        false => Ok(()),
    }
}

/// The host and port on which both parsers agree.
fn agreed(text: &str, authority: &Authority<'_>) -> Result<Host, UrlFault> {
    let host = Host::of(authority.host)?;
    let url = Url::parse(text).map_err(|_| UrlFault::Unparsable)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlFault::User);
    }
    let same_host = url.host_str().is_some_and(|parsed| host.is_written(parsed));
    let same_port = url.port() == authority.port.filter(|port| authority.own_port() != Some(*port));
    match same_host && same_port && url.scheme().eq_ignore_ascii_case(authority.scheme) {
        true => Ok(host),
        false => Err(UrlFault::Doubtful),
    }
}

#[cfg(test)]
mod tests;
