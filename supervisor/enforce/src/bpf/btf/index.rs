//! One pass over all types: where each one is, and what the structures and the hooks' functions are called.

use std::ops::Range;

use abi::name_hash;

use super::BtfError;

const MAGIC: u16 = 0xeb9f;
const HEADER: usize = 24;
/// Bytes of `struct btf_type`.
const TYPE: usize = 12;

/// The functions that are asked for: hooks, and helpers of the programs.
const PREFIXES: &[&[u8]] = &[b"security_", b"bpf_"];

/// The kinds that are told apart (`include/uapi/linux/btf.h`).
pub(super) mod kind {
    pub(crate) const STRUCT: u32 = 4;
    pub(crate) const UNION: u32 = 5;
    pub(crate) const TYPEDEF: u32 = 8;
    pub(crate) const VOLATILE: u32 = 9;
    pub(crate) const CONST: u32 = 10;
    pub(crate) const RESTRICT: u32 = 11;
    pub(crate) const FUNCTION: u32 = 12;
    pub(crate) const TYPE_TAG: u32 = 18;
}

/// The head of one type, and where what belongs to it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type {
    pub(super) name: u32,
    pub(super) kind: u32,
    /// `kind_flag`: members carry a bit field's size in their offset.
    pub(super) flag: bool,
    pub(super) count: usize,
    /// Size, or the number of the type that this one refers to.
    pub(super) refers: u32,
    pub(super) tail: usize,
}

/// All types of a kernel.
#[derive(Debug)]
pub(super) struct Index {
    bytes: Vec<u8>,
    types: Range<usize>,
    strings: Range<usize>,
    /// Where the type with number *i + 1* begins.
    starts: Vec<u32>,
    structures: Known,
    functions: Known,
}

/// Named types, by the hash of the name.
#[derive(Debug, Default)]
struct Known(Vec<(u64, u32)>);

impl Index {
    pub(super) fn of(bytes: Vec<u8>) -> Result<Self, BtfError> {
        let (types, strings) = sections(&bytes)?;
        let starts = Vec::with_capacity(types.len() / 24);
        let (structures, functions) = (Known::default(), Known::default());
        let mut index = Self { bytes, types, strings, starts, structures, functions };
        index.scan()?;
        index.structures.0.sort_unstable();
        index.functions.0.sort_unstable();
        Ok(index)
    }

    fn scan(&mut self) -> Result<(), BtfError> {
        let mut at = 0;
        while at < self.types.len() {
            let found = self.head(at)?;
            self.starts.push(u32::try_from(at).map_err(|_| damaged("too many types", at))?);
            self.note(&found)?;
            at = found.tail + tail_bytes(&found, at)?;
        }
        match at == self.types.len() {
            true => Ok(()),
            false => Err(damaged("the last type is cut", at)),
        }
    }

    fn note(&mut self, found: &Type) -> Result<(), BtfError> {
        // As many types as there are starts, and those are counted in a `u32`'s worth of bytes.
        let number = self.starts.len() as u32;
        match found.kind {
            kind::STRUCT if found.name != 0 => {
                let hash = name_hash(self.string(found.name)?);
                self.structures.0.push((hash, number));
            }
            kind::FUNCTION => {
                let start = self.strings.start + found.name as usize;
                let rest = self.bytes.get(start..self.strings.end).unwrap_or_default();
                if PREFIXES.iter().any(|prefix| rest.starts_with(prefix)) {
                    let hash = name_hash(self.string(found.name)?);
                    self.functions.0.push((hash, number));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The type with this number; 0 is `void` and no type.
    pub(super) fn type_of(&self, number: u32) -> Result<Option<Type>, BtfError> {
        let Some(position) = number.checked_sub(1) else {
            return Ok(None);
        };
        match self.starts.get(position as usize) {
            Some(start) => self.head(*start as usize).map(Some),
            None => Err(damaged("a type refers to one that is not there", number as usize)),
        }
    }

    /// The structures of this name, in their order.
    pub(super) fn structures(&self, name: &str) -> impl Iterator<Item = u32> {
        self.named(&self.structures, name)
    }

    /// The first function of this name.
    pub(super) fn function(&self, name: &str) -> Option<u32> {
        self.named(&self.functions, name).next()
    }

    fn named(&self, known: &Known, name: &str) -> impl Iterator<Item = u32> {
        let hash = name_hash(name.as_bytes());
        let start = known.0.partition_point(|(other, _)| *other < hash);
        let same_hash = known.0[start..].iter().take_while(move |(other, _)| *other == hash);
        let has_name = |number: u32| {
            let found = self.type_of(number).ok().flatten();
            found.is_some_and(|found| self.string(found.name).is_ok_and(|other| other == name.as_bytes()))
        };
        same_hash
            .map(|(_, number)| *number)
            .filter(|number| has_name(*number))
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// The string at this offset, without its zero byte.
    pub(super) fn string(&self, offset: u32) -> Result<&[u8], BtfError> {
        let at = offset as usize;
        let rest = self.bytes.get(self.strings.start + at..self.strings.end);
        let rest = rest.ok_or(damaged("a name lies outside of the strings", at))?;
        let end = rest.iter().position(|byte| *byte == 0);
        end.map(|end| &rest[..end]).ok_or(damaged("a name has no end", at))
    }

    /// A little-endian word of the types.
    pub(super) fn word(&self, at: usize) -> Result<u32, BtfError> {
        word(&self.bytes[self.types.clone()], at)
    }

    fn head(&self, at: usize) -> Result<Type, BtfError> {
        let head = self.bytes[self.types.clone()].get(at..).and_then(<[u8]>::first_chunk::<TYPE>);
        let [n0, n1, n2, n3, i0, i1, i2, i3, r0, r1, r2, r3] =
            *head.ok_or(damaged("it ends in the middle of a type", at))?;
        let info = u32::from_le_bytes([i0, i1, i2, i3]);
        Ok(Type {
            name: u32::from_le_bytes([n0, n1, n2, n3]),
            // Bits 16 to 23 and 29 to 30 are zero in every layout up to now; a kernel that uses them makes both wider.
            kind: (info >> 24) & 0x7f,
            flag: info >> 31 == 1,
            count: (info & 0x00ff_ffff) as usize,
            refers: u32::from_le_bytes([r0, r1, r2, r3]),
            tail: at + TYPE,
        })
    }
}

/// Bytes that follow a type's head.
fn tail_bytes(found: &Type, at: usize) -> Result<usize, BtfError> {
    let each = match found.kind {
        // INT, VAR, DECL_TAG: one word. ARRAY: three.
        1 | 14 | 17 => return Ok(4),
        3 => return Ok(12),
        // STRUCT, UNION, DATASEC, ENUM64: three words a member.
        kind::STRUCT | kind::UNION | 15 | 19 => 12,
        // ENUM, FUNC_PROTO: two.
        6 | 13 => 8,
        // PTR, FWD, the references and FLOAT: nothing.
        2 | 7..=12 | 16 | kind::TYPE_TAG => 0,
        _ => return Err(damaged("a kind of type that this program does not know", at)),
    };
    Ok(found.count * each)
}

/// Where the types and the strings are.
fn sections(bytes: &[u8]) -> Result<(Range<usize>, Range<usize>), BtfError> {
    let magic = bytes.get(..2).and_then(|magic| magic.try_into().ok()).map(u16::from_le_bytes);
    if magic != Some(MAGIC) || bytes.len() < HEADER {
        return Err(damaged("it does not begin with the magic number", 0));
    }
    let header = word(bytes, 4)? as usize;
    let section = |at: usize| -> Result<Range<usize>, BtfError> {
        let start = header.checked_add(word(bytes, at)? as usize);
        let end = start.and_then(|start| start.checked_add(word(bytes, at + 4).ok()? as usize));
        let range = start.zip(end).map(|(start, end)| start..end).filter(|range| range.end <= bytes.len());
        range.ok_or(damaged("a section lies outside of the file", at))
    };
    Ok((section(8)?, section(16)?))
}

fn word(bytes: &[u8], at: usize) -> Result<u32, BtfError> {
    let found = at.checked_add(4).and_then(|end| bytes.get(at..end));
    let found = found.and_then(|found| found.try_into().ok());
    found.map(u32::from_le_bytes).ok_or(damaged("it ends in the middle of a type", at))
}

pub(super) fn damaged(what: &'static str, at: usize) -> BtfError {
    BtfError::Damaged { what, at }
}
