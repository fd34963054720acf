//! The little type information that the kernel demands for the storage of tasks and sockets: that the key is a 32-bit integer and that the
//! value is as long as it is. Source: `bpf_local_storage_map_check_btf` in `kernel/bpf/bpf_local_storage.c`.

/// The key's type in [`blob`].
pub(super) const KEY: u32 = 1;
/// The value's type in [`blob`].
pub(super) const VALUE: u32 = 3;

const INT: u32 = 1 << 24;
const ARRAY: u32 = 3 << 24;
/// `\0int\0byte\0`: the names of the types 1 and 2 begin at 1 and 5.
const STRINGS: &[u8] = b"\0int\0byte\0";

/// `[1] int`, `[2] byte`, `[3] byte[value_size]`, as `Documentation/bpf/btf.rst` lays them out.
pub(super) fn blob(value_size: u32) -> Vec<u8> {
    let types = [[1, INT, 4, 32].as_slice(), &[5, INT, 1, 8], &[0, ARRAY, 0, 2, KEY, value_size]].concat();
    let type_bytes = size_of_val(types.as_slice()) as u32;
    let mut blob = vec![0x9f, 0xeb, 1, 0];
    for word in [24, 0, type_bytes, type_bytes, STRINGS.len() as u32].iter().chain(&types) {
        blob.extend(word.to_ne_bytes());
    }
    blob.extend(STRINGS);
    blob
}
