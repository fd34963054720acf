//! Addresses that names stand for, and the doors through which a session goes out: its resolver and its proxy.
//!
//! ```text
//! resolver ──learns──► LEARNED ─► verdict ─► direct, or through a door of the session's own
//!                                              └► FLOWS: where a socket wanted to go, for as long as it lives
//!                                              └► PEERS: whose connection has arrived at the proxy
//! ```

/// Key of the map `LEARNED`: an address that an allowed name stands for.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LearnedKey {
    /// In its IPv6 form, in network byte order.
    pub address: [u8; 16],
    /// Whose: [`crate::rules_of`].
    pub rules: u32,
    /// Zero.
    pub padding: u32,
}

/// Key of the map `DESTINATIONS`: an address that the session has gone to. The value is until when that is remembered
/// (`CLOCK_BOOTTIME`, nanoseconds).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DestinationKey {
    /// In its IPv6 form, in network byte order.
    pub address: [u8; 16],
    /// The session's slot.
    pub slot: u32,
    /// Zero.
    pub padding: u32,
}

/// How many grants of one address are told apart.
pub const LEARNINGS: usize = 4;

/// Value of the map `LEARNED`: every name that stands for the address at this time. Names with the same classes, the
/// same way and the same end are one grant; if there are more than fit, grants of one way are put together and end with
/// the first of them, so that nothing is ever open for longer than its name allows.
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// In no order; unused ones are zero.
    pub grants: [Learning; LEARNINGS],
}

/// One grant of a learned address.
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Learning {
    /// Classes that may reach it.
    pub classes: u64,
    /// When it ends: `CLOCK_BOOTTIME`, nanoseconds. At that instant it holds no more.
    pub until_ns: u64,
    /// The policy rule.
    pub rule: u32,
    /// 1: what is sent to checked ports goes through the proxy, which looks at the name. 0: the address is enough.
    pub checked: u32,
}

/// Flag of a [`crate::Port`]: what speaks there names its host, so that the name can be checked.
pub const PORT_CHECKED: u32 = 1;

/// Where names are resolved (RFC 1035 section 4.2).
pub const DNS_PORT: u16 = 53;

/// Where a socket was let through to.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Classes in which its packets may leave.
    pub classes: u64,
    /// Where the process wanted to go, in its IPv6 form.
    pub wanted: [u8; 16],
    /// Where its packets go: the same, or a door on loopback.
    pub real: [u8; 16],
    /// The port that was wanted, in host byte order.
    pub wanted_port: u16,
    /// The port of `real`, in host byte order.
    pub real_port: u16,
    /// A [`Door`].
    pub door: u32,
}

/// Value of the socket storage `FLOWS`: a socket's flow, and whose it is. It lives as long as the socket.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketFlow {
    /// Where the socket was let through to.
    pub flow: Flow,
    /// The session's slot: in another session's group the flow means nothing.
    pub slot: u32,
    /// The session's [`crate::Session::revision`] then.
    pub revision: u32,
}

impl SocketFlow {
    /// Whether a session of this slot and revision goes by the flow. What leads to a door does so under every policy: who
    /// stands behind it asks for itself.
    #[inline(always)]
    pub fn is_of(&self, slot: u32, revision: u32) -> bool {
        self.slot == slot && (self.revision == revision || self.flow.door != Door::Direct as u32)
    }
}

/// Through which door a flow leaves.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Door {
    /// None: it goes where it wants to go.
    Direct = 0,
    /// The session's resolver.
    Resolver = 1,
    /// The session's proxy, which checks the name.
    Proxy = 2,
}

/// Key of the map `PEERS`: the near end of a connection to a door, as the door sees it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerKey {
    /// In its IPv6 form, in network byte order.
    pub address: [u8; 16],
    /// In host byte order.
    pub port: u16,
    /// Zero.
    pub padding: [u16; 3],
}

/// Value of the map `PEERS`: who has connected to a door, and where they wanted to go.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// In its IPv6 form, in network byte order.
    pub wanted: [u8; 16],
    /// In host byte order.
    pub wanted_port: u16,
    /// Zero.
    pub padding: u16,
    /// The session's slot.
    pub slot: u32,
}

const _: () = assert!(size_of::<LearnedKey>() == 24);
const _: () = assert!(size_of::<DestinationKey>() == 24);
const _: () = assert!(size_of::<Learning>() == 24);
const _: () = assert!(size_of::<Learned>() == 24 * LEARNINGS);
const _: () = assert!(size_of::<Flow>() == 48);
const _: () = assert!(size_of::<SocketFlow>() == 56);
const _: () = assert!(size_of::<PeerKey>() == 24);
const _: () = assert!(size_of::<Peer>() == 24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_the_revisions_that_let_it_through_and_a_doors_is_every_ones() {
        let straight = SocketFlow { slot: 3, revision: 7, ..SocketFlow::default() };
        assert!(
            straight.is_of(3, 7) && !straight.is_of(3, 8) && !straight.is_of(3, 6) && !straight.is_of(4, 7)
        );
        let flow = Flow { door: Door::Proxy as u32, ..Flow::default() };
        let led = SocketFlow { flow, ..straight };
        assert!(led.is_of(3, 7) && led.is_of(3, 8) && !led.is_of(4, 7));
    }
}
