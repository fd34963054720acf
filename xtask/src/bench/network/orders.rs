//! What both sides agree on.

/// The one name that may be reached.
pub(super) const NAME: &str = "bench.example";
/// Its address: public, so that a resolver gives it out. The namespace has it on its loopback interface.
pub(super) const HOST: [u8; 4] = [93, 184, 216, 34];
/// Who resolves it.
pub(super) const RESOLVER: ([u8; 4], u16) = ([127, 0, 0, 1], 53);
/// Where hosts are named.
pub(super) const TLS: u16 = 443;
/// Where they are not, so that an address is all there is to judge.
pub(super) const PLAIN: u16 = 5432;

/// The host shall send so many bytes.
pub(super) const SEND: u8 = b's';
/// The same no faster than [`LINK`].
pub(super) const SEND_SLOWLY: u8 = b'l';
/// Bytes in a second of a fast link: 10 Gbit/s.
pub(super) const LINK: u64 = 1_250_000_000;
/// The host shall read so many bytes, and then say one.
pub(super) const READ: u8 = b'r';

/// An order, as it follows the greeting: which, and how many bytes. Framed as TLS frames data.
pub(super) fn order(what: u8, bytes: u64) -> Vec<u8> {
    [&[23, 3, 3, 0, 9, what][..], &bytes.to_be_bytes()].concat()
}

/// Bytes of an order.
pub(super) const ORDER: usize = 14;
/// Bytes of one write of bulk.
pub(super) const PIECE: usize = 128 * 1024;
