//! The session's addresses and ports behind the look-ups of `verdict`.

use abi::{Address, AddressKey, PortKey, PortUse};
use aya_ebpf::btf_maps::lpm_trie::Key;
use verdict::Network;

use crate::maps::{ADDRESSES, PORTS};

/// The look-ups of one session.
pub(crate) struct Addresses {
    /// The session's slot.
    pub(crate) slot: u32,
}

/// Bits of a whole [`AddressKey`] that are compared: the slot's and the address's.
const WHOLE: u32 = 32 + 128;

impl Network for Addresses {
    #[inline(always)]
    fn address(&self, address: &[u8; 16]) -> Option<&Address> {
        let data = AddressKey { slot: self.slot.to_be(), address: *address, padding: 0 };
        ADDRESSES.get(&Key::new(WHOLE, data))
    }

    #[inline(always)]
    fn port(&self, port: u16, usage: PortUse) -> Option<u32> {
        // SAFETY: entries of a living session are replaced as a whole and stay readable for this program's time.
        let found = unsafe { PORTS.get(PortKey { slot: self.slot, port, usage: usage as u16 }) };
        found.map(|port| port.rule)
    }
}

/// The second word of an IPv4 address in its IPv6 form; the parameter is in network order, as it was read.
#[inline(always)]
pub(crate) fn mapped(v4: u32) -> u64 {
    joined(0xffff_u32.to_be(), v4)
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
