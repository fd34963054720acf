//! Which structures may be read from and written to maps as bytes.

/// Plain data with one representation on both sides of a map.
///
/// # Safety
/// `repr(C)` or an integer, without pointers or padding, and any bytes are a value of it.
pub(crate) unsafe trait Layout: Copy + 'static {}

macro_rules! layout {
    ($($plain:ty),+ $(,)?) => {
        $(
            // SAFETY: integers and arrays of them, with explicit padding; `abi` asserts the sizes.
            unsafe impl Layout for $plain {}
        )+
    };
}

layout!(
    u32,
    u64,
    [u64; abi::SCOPE_WORDS],
    abi::Active,
    abi::Address,
    abi::AddressKey,
    abi::Entry,
    abi::Filter,
    abi::Learned,
    abi::LearnedKey,
    abi::NameKey,
    abi::NameRule,
    abi::NamedKey,
    abi::ObjectKey,
    abi::Peer,
    abi::PeerKey,
    abi::Policy,
    abi::Port,
    abi::PortKey,
    abi::Session,
    abi::State,
    abi::Task,
);

/// A value of a map, for `aya`, whose own mark of plain data cannot be put on another crate's types.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain<T>(pub(crate) T);

// SAFETY: transparent, and `Layout` promises what `Pod` demands.
unsafe impl<T: Layout> aya::Pod for Plain<T> {}

/// The head of a record of the programs, and what follows it.
pub(crate) fn read_event(record: &[u8]) -> Option<(abi::Event, &[u8])> {
    let (head, rest) = record.split_at_checked(size_of::<abi::Event>())?;
    // SAFETY: `head` has as many bytes as the structure, which is integers and arrays of them, so that any are a value.
    Some((unsafe { head.as_ptr().cast::<abi::Event>().read_unaligned() }, rest))
}

/// A record as a program would write it.
#[cfg(test)]
pub(crate) fn event_bytes(head: &abi::Event, payload: &[u8]) -> Vec<u8> {
    // SAFETY: the structure has no padding, so that every byte of it is initialised.
    let head = unsafe { std::slice::from_raw_parts((&raw const *head).cast(), size_of::<abi::Event>()) };
    [head, payload].concat()
}
