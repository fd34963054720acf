//! The policy's addresses and ports behind the look-ups of `verdict`.

use abi::{Address, AddressKey, Door, Learned, LearnedKey, Port, PortKey, PortUse, Session};
use aya_ebpf::btf_maps::lpm_trie::Key;
use verdict::Network;

use crate::maps::{ADDRESSES, LEARNED, PORTS};

/// The look-ups of one policy.
pub(crate) struct Addresses {
    /// Its number.
    pub(crate) rules: u32,
}

/// Bits of a whole [`AddressKey`] that are compared: the number's and the address's.
const WHOLE: u32 = 32 + 128;

/// A [`LearnedKey`] by words: the address, and the number with its padding.
type LearnedWords = [u64; 3];
const _: () = assert!(size_of::<LearnedWords>() == size_of::<LearnedKey>());
const _: () = assert!(cfg!(target_endian = "little"), "the number is the third word's first half");

impl Network for Addresses {
    #[inline(always)]
    fn address(&self, address: &[u8; 16]) -> Option<&Address> {
        let data = AddressKey { rules: self.rules.to_be(), address: *address, padding: 0 };
        ADDRESSES.get(&Key::new(WHOLE, data))
    }

    #[inline(always)]
    fn port(&self, port: u16, usage: PortUse) -> Option<&Port> {
        // SAFETY: entries of a living session are replaced as a whole and stay readable for this program's time.
        unsafe { PORTS.get(PortKey { rules: self.rules, port, usage: usage as u16 }) }
    }

    #[inline(always)]
    fn learned(&self, address: &[u8; 16]) -> Option<&Learned> {
        let [high, low] = words(address);
        let key: LearnedWords = [high, low, u64::from(self.rules)];
        // SAFETY: the three words are a key, and entries are replaced as a whole, as above.
        unsafe { LEARNED.get(&*key.as_ptr().cast::<LearnedKey>()) }
    }
}

/// The port of a session's door on the loopback interface; `None` for a door that the session has not, or for none at all.
#[inline(always)]
pub(crate) fn door_port(session: &Session, door: Door) -> Option<u16> {
    let port = match door {
        Door::Resolver => session.resolver_port,
        Door::Proxy => session.proxy_port,
        Door::Direct => 0,
    };
    if port == 0 { None } else { Some(port) }
}

/// An address as two words.
#[inline(always)]
pub(crate) fn words(address: &[u8; 16]) -> [u64; 2] {
    // SAFETY: every address that the programs ask about is made of two words, and lies where they lay.
    unsafe { address.as_ptr().cast::<[u64; 2]>().read() }
}

/// The second word of an IPv4 address in its IPv6 form; the parameter is in network order, as it was read.
#[inline(always)]
pub(crate) fn mapped(v4: u32) -> u64 {
    joined(0xffff_u32.to_be(), v4)
}

/// Whether the two words are an IPv4 address in its IPv6 form.
#[inline(always)]
pub(crate) fn is_mapped([high, low]: [u64; 2]) -> bool {
    high == 0 && split(low)[0] == 0xffff_u32.to_be()
}

/// Two words as they lie in memory.
#[inline(always)]
pub(crate) fn joined(first: u32, second: u32) -> u64 {
    if cfg!(target_endian = "little") {
        u64::from(first) | u64::from(second) << 32
    } else {
        u64::from(first) << 32 | u64::from(second)
    }
}

/// The same backwards.
#[inline(always)]
pub(crate) fn split(word: u64) -> [u32; 2] {
    let (low, high) = (word as u32, (word >> 32) as u32);
    if cfg!(target_endian = "little") { [low, high] } else { [high, low] }
}
