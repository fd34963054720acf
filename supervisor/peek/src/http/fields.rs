//! The fields that say whom a request is for, where it ends, and whether something else than HTTP follows.

use httparse::Header;

use crate::Fault;

/// Fields of a head. Servers take about a hundred.
pub(crate) const MAX_FIELDS: usize = 128;

/// Where a request ends (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    None,
    /// Bytes that follow the head, at least one.
    Fixed(u64),
    Chunked,
}

/// What the client wants to speak after this request (RFC 9110 section 7.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Http,
    /// A protocol in which no hosts are named.
    WebSocket,
}

/// The raw values of the fields that count; each stands at most once.
#[derive(Default)]
pub(super) struct Fields<'a> {
    pub(super) host: Option<&'a [u8]>,
    length: Option<&'a [u8]>,
    encoding: Option<&'a [u8]>,
    upgrade: Option<&'a [u8]>,
    wants_upgrade: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn read(headers: &[Header<'a>]) -> Result<Self, Fault> {
        let mut fields = Self::default();
        for header in headers {
            fields.take(header.name, header.value)?;
        }
        Ok(fields)
    }

    fn take(&mut self, name: &str, value: &'a [u8]) -> Result<(), Fault> {
        let (slot, field) = match known(name) {
            Some("Host") => (&mut self.host, "Host"),
            Some("Content-Length") => (&mut self.length, "Content-Length"),
            Some("Transfer-Encoding") => (&mut self.encoding, "Transfer-Encoding"),
            Some("Upgrade") => (&mut self.upgrade, "Upgrade"),
            Some("Connection") => return self.connection(value),
            Some("Expect") if !value.eq_ignore_ascii_case(b"100-continue") => return Err(Fault::Expectation),
            _ => return Ok(()),
        };
        match slot.replace(value) {
            None => Ok(()),
            Some(_) => Err(Fault::Repeated { field }),
        }
    }

    /// A proxy in front of the server drops what `Connection` names; without `Host` the request is for somebody else.
    fn connection(&mut self, value: &[u8]) -> Result<(), Fault> {
        for option in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            match known(std::str::from_utf8(option).unwrap_or_default()) {
                Some("Upgrade") => self.wants_upgrade = true,
                Some(field @ ("Host" | "Content-Length" | "Transfer-Encoding")) => {
                    return Err(Fault::DroppedField { field });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Where the request ends. `version` is the minor one of HTTP/1.
    pub(super) fn body(&self, version: u8) -> Result<Body, Fault> {
        match (self.length, self.encoding) {
            (Some(_), Some(_)) => Err(Fault::TwoLengths),
            (None, None) => Ok(Body::None),
            (Some(raw), None) => match content_length(raw).ok_or(Fault::ContentLength)? {
                0 => Ok(Body::None),
                length => Ok(Body::Fixed(length)),
            },
            (None, Some(raw)) if version == 1 && raw.eq_ignore_ascii_case(b"chunked") => Ok(Body::Chunked),
            (None, Some(_)) => Err(Fault::TransferEncoding),
        }
    }

    /// HTTP/2 (`h2c`) and TLS would name hosts of their own after the switch, tunnels (`connect-udp`) lead elsewhere, and
    /// what others do nobody knows: only WebSocket (RFC 6455) counts as a switch.
    pub(super) fn after(&self, version: u8) -> After {
        match self.upgrade {
            Some(to) if self.wants_upgrade && version == 1 && to.eq_ignore_ascii_case(b"websocket") => {
                After::WebSocket
            }
            _ => After::Http,
        }
    }
}

/// The fields that are looked at, by their name in any case.
pub(super) fn known(name: &str) -> Option<&'static str> {
    const KNOWN: [&str; 6] =
        ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Expect"];
    KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(name))
}

/// At most 19 digits, so that it fits wherever it is counted in 64 bits, and no leading zero that a reader could take
/// for octal.
fn content_length(raw: &[u8]) -> Option<u64> {
    let sound = (1..=19).contains(&raw.len())
        && raw.iter().all(u8::is_ascii_digit)
        && (raw.len() == 1 || raw[0] != b'0');
    let text = std::str::from_utf8(raw).ok().filter(|_| sound)?;
    text.parse().ok().filter(|length| i64::try_from(*length).is_ok())
}
