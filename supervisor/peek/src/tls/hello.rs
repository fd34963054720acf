//! The ClientHello (RFC 8446 section 4.1.2) and the server name in it (RFC 6066 section 3).

use tls_parser::{
    SNIType, TlsClientHelloContents, TlsExtension, TlsExtensionType, parse_tls_extension_sni_hostname,
    parse_tls_extension_unknown, parse_tls_handshake_client_hello,
};

use super::records::Message;
use crate::fault::Speaker;
use crate::{Fault, name};

/// `encrypted_client_hello` (RFC 9849 section 5).
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

/// What a ClientHello says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hello {
    /// The server that the client wants: a host name in lower case, without a trailing dot. `None`: it does not say.
    pub server_name: Option<String>,
    /// Whether there is an encrypted ClientHello within, or one of the drafts before it. Then `server_name` is the
    /// outer name: that of whoever can decrypt the inner one. Browsers send a random one where they have no key.
    pub encrypted: bool,
    /// Bytes of the ClientHello with its records. What follows is not looked at; see [`super::Handshake`].
    pub bytes: usize,
}

/// Reads a whole message. tls-parser takes rests and repetitions as they come, so that is what is looked for here.
pub(super) fn read(message: &Message<'_>) -> Result<Hello, Fault> {
    let (rest, contents) =
        parse_tls_handshake_client_hello(&message.body).map_err(|_| Fault::HelloLengths)?;
    let TlsClientHelloContents { version, ciphers, comp, ext, .. } = contents;
    if version.0 >> 8 != 3 {
        return Err(Fault::HelloVersion);
    }
    if !rest.is_empty() || ciphers.is_empty() || comp.is_empty() {
        return Err(Fault::HelloLengths);
    }
    let (server_name, encrypted) = extensions(ext.unwrap_or_default())?;
    Ok(Hello { server_name, encrypted, bytes: message.bytes })
}

fn extensions(mut rest: &[u8]) -> Result<(Option<String>, bool), Fault> {
    let (mut name, mut encrypted, mut esni) = (None, false, false);
    while !rest.is_empty() {
        let (next, kind, data) = extension(rest)?;
        rest = next;
        match kind {
            TlsExtensionType::ServerName if name.is_some() => return Err(Fault::ServerNames),
            TlsExtensionType::ServerName => name = Some(server_name(data)?),
            TlsExtensionType(ENCRYPTED_CLIENT_HELLO) if encrypted => return Err(Fault::EncryptedTwice),
            TlsExtensionType(ENCRYPTED_CLIENT_HELLO) => encrypted = true,
            TlsExtensionType::EncryptedServerName => esni = true,
            // GREASE (RFC 8701), and everything that says nothing of whom the connection is for.
            _ => {}
        }
    }
    Ok((name, encrypted || esni))
}

/// The next extension, unread: the rest, its type and its data.
fn extension(bytes: &[u8]) -> Result<(&[u8], TlsExtensionType, &[u8]), Fault> {
    match parse_tls_extension_unknown(bytes) {
        Ok((rest, TlsExtension::Unknown(kind, data))) => Ok((rest, kind, data)),
        _ => Err(Fault::HelloLengths),
    }
}

fn server_name(data: &[u8]) -> Result<String, Fault> {
    let (length, list) = data.split_first_chunk().ok_or(Fault::HelloLengths)?;
    if usize::from(u16::from_be_bytes(*length)) != list.len() {
        return Err(Fault::HelloLengths);
    }
    let (rest, (kind, raw)) = parse_tls_extension_sni_hostname(list).map_err(|_| Fault::HelloLengths)?;
    if kind != SNIType::HostName || !rest.is_empty() {
        return Err(Fault::ServerNames);
    }
    name::host_name(raw).map_err(|why| Fault::Name { speaker: Speaker::ServerName, why })
}
