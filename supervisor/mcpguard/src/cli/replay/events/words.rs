//! Numbers in the words of records.

/// The number before ` bytes`, as in `from the client, 70000 bytes: …`.
pub(super) fn bytes(detail: &str) -> Option<u64> {
    let (before, _) = detail.split_once(" bytes")?;
    before.rsplit(' ').next()?.parse().ok()
}

/// The numbers of `(0x2, 0x80801, …) = errno 1`.
pub(super) fn hex(detail: &str) -> Vec<u64> {
    let words = detail.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(|word| word.strip_prefix("0x"));
    words.filter_map(|digits| u64::from_str_radix(digits, 16).ok()).collect()
}
