//! Finding a member: through dots, anonymous unions, `const` and `typedef`.

use super::BtfError;
use super::index::{Index, Type, damaged, kind};

/// As deep as structures are looked into, and as long as a chain of `const` and `typedef` may be.
const MAX_DEPTH: usize = 32;
/// Bytes of `struct btf_member`.
const MEMBER: usize = 12;

/// A member's place: bits from the start, and its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    bits: u64,
    of: u32,
    is_bit_field: bool,
}

pub(super) fn offset(index: &Index, structure: &str, member: &str) -> Result<u32, BtfError> {
    let mut found: Vec<Place> = Vec::new();
    for number in index.structures(structure) {
        if let Some(place) = path(index, number, member)? {
            found.push(place);
        }
    }
    let missing = || BtfError::NoField { structure: structure.to_owned(), member: member.to_owned() };
    let first = *found.first().ok_or_else(missing)?;
    // Two structures of one name (a driver's and the kernel's) are one only if they agree.
    let clear = found.iter().all(|place| place.bits == first.bits && !place.is_bit_field);
    let bytes = u32::try_from(first.bits / 8).ok().filter(|_| clear && first.bits % 8 == 0);
    bytes.ok_or_else(|| BtfError::Unclear { structure: structure.to_owned(), member: member.to_owned() })
}

/// Follows the dots.
fn path(index: &Index, structure: u32, member: &str) -> Result<Option<Place>, BtfError> {
    let mut place = Place { bits: 0, of: structure, is_bit_field: false };
    for name in member.split('.') {
        let Some((_, container)) = structure_behind(index, place.of)? else {
            return Ok(None);
        };
        match find(index, &container, name.as_bytes(), MAX_DEPTH)? {
            Some(next) => place = Place { bits: place.bits + next.bits, ..next },
            None => return Ok(None),
        }
    }
    Ok(Some(place))
}

/// The member of this name, here or in an anonymous structure or union here.
fn find(index: &Index, container: &Type, name: &[u8], depth: usize) -> Result<Option<Place>, BtfError> {
    let Some(deeper) = depth.checked_sub(1) else {
        return Err(damaged("structures contain each other without end", container.tail));
    };
    for number in 0..container.count {
        let at = container.tail + number * MEMBER;
        let (member_name, of) = (index.word(at)?, index.word(at + 4)?);
        let (bits, is_bit_field) = place_bits(index.word(at + 8)?, container.flag);
        if member_name != 0 {
            if index.string(member_name)? == name {
                return Ok(Some(Place { bits, of, is_bit_field }));
            }
        } else if let Some((_, inner)) = structure_behind(index, of)?
            && let Some(found) = find(index, &inner, name, deeper)?
        {
            return Ok(Some(Place { bits: bits + found.bits, ..found }));
        }
    }
    Ok(None)
}

fn place_bits(offset: u32, carries_size: bool) -> (u64, bool) {
    match carries_size {
        true => (u64::from(offset & 0x00ff_ffff), offset >> 24 != 0),
        false => (u64::from(offset), false),
    }
}

/// The structure or union that a type is once `const`, `typedef` and the like are taken off; `None` for anything else.
fn structure_behind(index: &Index, mut number: u32) -> Result<Option<(u32, Type)>, BtfError> {
    for _ in 0..MAX_DEPTH {
        let Some(found) = index.type_of(number)? else {
            return Ok(None);
        };
        match found.kind {
            kind::STRUCT | kind::UNION => return Ok(Some((number, found))),
            kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG => {
                number = found.refers;
            }
            _ => return Ok(None),
        }
    }
    Err(damaged("types refer to each other without end", number as usize))
}
