//! The first words of TLS 1.3 (RFC 8446 section 4.1), as much of them as somebody reads who does not take part.

/// A record's header: its type, the version, two bytes of length.
pub(super) const HEADER: usize = 5;
const HANDSHAKE: u8 = 22;

/// A ClientHello for a name, in one record.
pub(super) fn client(name: &str) -> Vec<u8> {
    let host = [&[0][..], &long(name.as_bytes())].concat();
    let extensions = [
        extension(0, &long(&host)),
        // Version 1.3; x25519; one signature; a key.
        extension(43, &[2, 3, 4]),
        extension(10, &long(&[0, 29])),
        extension(13, &long(&[8, 4])),
        extension(51, &long(&[&[0, 29][..], &long(&[7; 32])].concat())),
    ];
    let ciphers = long(&[0x13, 1, 0x13, 2]);
    record(1, &[&[3, 3][..], &[5; 32], &[0], &ciphers, &[1, 0], &long(&extensions.concat())].concat())
}

/// The ServerHello that answers it.
pub(super) fn server() -> Vec<u8> {
    let extensions = [extension(43, &[3, 4]), extension(51, &[&[0, 29][..], &long(&[9; 32])].concat())];
    record(2, &[&[3, 3][..], &[6; 32], &[0], &[0x13, 1], &[0], &long(&extensions.concat())].concat())
}

/// What follows the header of a record.
pub(super) fn body_of(header: [u8; HEADER]) -> usize {
    usize::from(u16::from_be_bytes([header[3], header[4]]))
}

fn record(kind: u8, message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u32).to_be_bytes();
    let whole = [&[kind][..], &length[1..], message].concat();
    [&[HANDSHAKE, 3, 1][..], &long(&whole)].concat()
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &long(body)].concat()
}

/// Two bytes of length, then the bytes.
fn long(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_how_long_it_is() {
        for hello in [client("bench.example"), server()] {
            let (header, body) = hello.split_first_chunk().expect("a header");
            assert_eq!(body_of(*header), body.len());
            assert_eq!(usize::from(u16::from_be_bytes([body[2], body[3]])), body.len() - 4);
        }
        assert!(client("bench.example").windows(13).any(|part| part == b"bench.example"));
    }
}
