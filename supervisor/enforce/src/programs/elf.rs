//! The loader that an ELF file names (`PT_INTERP`). Only 64-bit little-endian files: no others can run here.

use std::path::PathBuf;

const MAGIC: &[u8] = b"\x7fELF\x02\x01";
const PROGRAM_HEADER_TABLE: usize = 0x20;
const ENTRY_SIZE: usize = 0x36;
const ENTRY_COUNT: usize = 0x38;
const PT_INTERP: u32 = 3;

/// The loader, if the file is dynamically linked. Reads no further than the head goes.
pub(super) fn loader(head: &[u8]) -> Option<PathBuf> {
    if !head.starts_with(MAGIC) {
        return None;
    }
    let table = usize::try_from(u64::from_le_bytes(bytes(head, PROGRAM_HEADER_TABLE)?)).ok()?;
    let size = usize::from(u16::from_le_bytes(bytes(head, ENTRY_SIZE)?));
    let count = usize::from(u16::from_le_bytes(bytes(head, ENTRY_COUNT)?));
    (0..count).find_map(|index| interpreter(head, table.checked_add(index.checked_mul(size)?)?))
}

fn interpreter(head: &[u8], entry: usize) -> Option<PathBuf> {
    if u32::from_le_bytes(bytes(head, entry)?) != PT_INTERP {
        return None;
    }
    let offset = usize::try_from(u64::from_le_bytes(bytes(head, entry.checked_add(8)?)?)).ok()?;
    let size = usize::try_from(u64::from_le_bytes(bytes(head, entry.checked_add(32)?)?)).ok()?;
    let path = head.get(offset..offset.checked_add(size)?)?;
    super::absolute(path.split(|byte| *byte == 0).next()?)
}

fn bytes<const N: usize>(head: &[u8], at: usize) -> Option<[u8; N]> {
    head.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_of_the_running_test_is_found() {
        let head = std::fs::read("/proc/self/exe").expect("own program");
        let loader = loader(&head[..head.len().min(8192)]).expect("test programs are linked dynamically");
        assert!(loader.exists(), "{loader:?}");
    }

    #[test]
    fn nothing_else_has_a_loader_and_nothing_panics() {
        let mut hostile = std::fs::read("/proc/self/exe").expect("own program");
        hostile.truncate(8192);
        for at in 0..512 {
            let mut broken = hostile.clone();
            broken[at] = 0xff;
            broken.truncate(broken.len() - at * 8);
            let _ = loader(&broken);
        }
        assert_eq!(loader(b"#!/bin/sh\n"), None);
        assert_eq!(loader(b"\x7fELF\x01\x01"), None);
    }
}
