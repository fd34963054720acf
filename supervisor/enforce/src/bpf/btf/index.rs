//! One pass over all types: where each one is, and what the structures and the hooks' functions are called.

use std::collections::HashMap;

use super::BtfError;

const MAGIC: u16 = 0xeb9f;
const HEADER: usize = 24;
/// Bytes of `struct btf_type`.
const TYPE: usize = 12;

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
    types: Vec<u8>,
    strings: Vec<u8>,
    /// Where the type with number *i + 1* begins.
    starts: Vec<u32>,
    structures: HashMap<Vec<u8>, Vec<u32>>,
    functions: HashMap<Vec<u8>, u32>,
}

impl Index {
    pub(super) fn of(bytes: Vec<u8>) -> Result<Self, BtfError> {
        let (types, strings) = sections(&bytes)?;
        let mut index = Self {
            types: types.to_vec(),
            strings: strings.to_vec(),
            starts: Vec::with_capacity(types.len() / 40),
            structures: HashMap::new(),
            functions: HashMap::new(),
        };
        index.scan()?;
        Ok(index)
    }

    fn scan(&mut self) -> Result<(), BtfError> {
        let mut at = 0;
        while at < self.types.len() {
            let found = self.head(at)?;
            self.starts.push(u32::try_from(at).map_err(|_| damaged("too many types", at))?);
            let number =
                u32::try_from(self.starts.len()).map_err(|_| damaged("too many types", at))?;
            self.note(number, &found)?;
            at = found.tail + tail_bytes(&found, at)?;
        }
        match at == self.types.len() {
            true => Ok(()),
            false => Err(damaged("the last type is cut", at)),
        }
    }

    fn note(&mut self, number: u32, found: &Type) -> Result<(), BtfError> {
        match found.kind {
            kind::STRUCT if found.name != 0 => {
                let name = self.string(found.name)?.to_vec();
                self.structures.entry(name).or_default().push(number);
            }
            kind::FUNCTION => {
                let name = self.string(found.name)?;
                if name.starts_with(b"security_") || name.starts_with(b"bpf_lsm_") {
                    let name = name.to_vec();
                    self.functions.entry(name).or_insert(number);
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

    pub(super) fn structures(&self, name: &str) -> &[u32] {
        self.structures.get(name.as_bytes()).map_or(&[], Vec::as_slice)
    }

    pub(super) fn function(&self, name: &str) -> Option<u32> {
        self.functions.get(name.as_bytes()).copied()
    }

    /// The string at this offset, without its zero byte.
    pub(super) fn string(&self, offset: u32) -> Result<&[u8], BtfError> {
        let at = offset as usize;
        let rest = self.strings.get(at..).ok_or(damaged("a name lies outside of the strings", at))?;
        let end = rest.iter().position(|byte| *byte == 0);
        end.map(|end| &rest[..end]).ok_or(damaged("a name has no end", at))
    }

    /// A little-endian word of the types.
    pub(super) fn word(&self, at: usize) -> Result<u32, BtfError> {
        word(&self.types, at)
    }

    fn head(&self, at: usize) -> Result<Type, BtfError> {
        let info = self.word(at + 4)?;
        Ok(Type {
            name: self.word(at)?,
            // Bits 16 to 23 and 29 to 30 are zero in every layout up to now; a kernel that uses them makes both wider.
            kind: (info >> 24) & 0x7f,
            flag: info >> 31 == 1,
            count: (info & 0x00ff_ffff) as usize,
            refers: self.word(at + 8)?,
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

/// The bytes of the types and of the strings.
fn sections(bytes: &[u8]) -> Result<(&[u8], &[u8]), BtfError> {
    let magic = bytes.get(..2).and_then(|magic| magic.try_into().ok()).map(u16::from_le_bytes);
    if magic != Some(MAGIC) || bytes.len() < HEADER {
        return Err(damaged("it does not begin with the magic number", 0));
    }
    let header = word(bytes, 4)? as usize;
    let section = |at: usize| -> Result<&[u8], BtfError> {
        let start = header.checked_add(word(bytes, at)? as usize);
        let end = start.and_then(|start| Some(start + word(bytes, at + 4).ok()? as usize));
        let range = start.zip(end).and_then(|(start, end)| bytes.get(start..end));
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
