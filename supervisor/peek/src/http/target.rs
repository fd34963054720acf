//! The request target (RFC 9112 section 3.2): a URL in it must be for the host that `Host` names.

use super::authority::Authority;
use crate::Fault;
use crate::fault::Speaker;

/// The port of `http:` URLs that name none.
const HTTP_PORT: u16 = 80;

/// Checks a target against the `Host` field.
pub(super) fn check(method: &str, target: &str, host: &Authority) -> Result<(), Fault> {
    match target {
        "*" if method == "OPTIONS" => Ok(()),
        _ if target.starts_with('/') => Ok(()),
        _ => same(authority(target).ok_or(Fault::Target)?, host),
    }
}

/// The authority of an `http:` URL. One of another scheme asks for a gateway, whose far end nobody sees.
fn authority(target: &str) -> Option<&[u8]> {
    let (scheme, rest) = target.as_bytes().split_at_checked(7)?;
    if !scheme.eq_ignore_ascii_case(b"http://") {
        return None;
    }
    rest.split(|byte| matches!(byte, b'/' | b'?' | b'#')).next()
}

fn same(raw: &[u8], host: &Authority) -> Result<(), Fault> {
    let url = Authority::read(raw).map_err(|why| Fault::Name { speaker: Speaker::RequestLine, why })?;
    let port = |authority: &Authority| authority.port.unwrap_or(HTTP_PORT);
    if url.host == host.host && port(&url) == port(host) { Ok(()) } else { Err(Fault::OtherHost) }
}
