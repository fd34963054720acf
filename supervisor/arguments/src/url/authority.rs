//! A URL cut into its parts, by the letter of RFC 3986.

use super::UrlFault;

/// The parts that say where a URL leads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Authority<'a> {
    pub(super) scheme: &'a str,
    /// With brackets around an IPv6 address.
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
    /// Path, query and fragment.
    pub(super) rest: &'a str,
}

impl<'a> Authority<'a> {
    /// `scheme://host[:port]rest`. WHATWG takes `https:host` and `https:///host` for the same; others do not.
    pub(super) fn of(text: &'a str) -> Result<Self, UrlFault> {
        let (scheme, after) = text.split_once("://").ok_or(UrlFault::NotAbsolute)?;
        let sound = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c));
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (authority, rest) = after.split_at(end);
        match authority {
            _ if !sound => Err(UrlFault::NotAbsolute),
            at if at.contains('@') => Err(UrlFault::User),
            encoded if encoded.contains('%') => Err(UrlFault::Doubtful),
            "" => Err(UrlFault::NoHost),
            _ => {
                let (host, port) = cut(authority)?;
                Ok(Self { scheme, host, port: port.map(number).transpose()?, rest })
            }
        }
    }

    /// The port that the scheme stands for, as far as it is known.
    pub(super) fn own_port(&self) -> Option<u16> {
        match &self.scheme.to_ascii_lowercase()[..] {
            "http" | "ws" => Some(80),
            "https" | "wss" => Some(443),
            "ftp" => Some(21),
            _ => None,
        }
    }
}

fn cut(authority: &str) -> Result<(&str, Option<&str>), UrlFault> {
    if !authority.starts_with('[') {
        return Ok(match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        });
    }
    let end = authority.find(']').ok_or(UrlFault::NoHost)? + 1;
    match (&authority[..end], &authority[end..]) {
        (host, "") => Ok((host, None)),
        (host, port) => Ok((host, Some(port.strip_prefix(':').ok_or(UrlFault::NoHost)?))),
    }
}

fn number(port: &str) -> Result<u16, UrlFault> {
    let normal = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
    port.parse().ok().filter(|_| normal).ok_or(UrlFault::NoPort)
}
