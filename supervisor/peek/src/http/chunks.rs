//! The chunked coding (RFC 9112 section 7.1), byte by byte: nothing is stored, so nothing has to be waited for.

use crate::Fault;

/// Bytes of one chunk's extensions. Hardly anybody sends any (RFC 9112 section 7.1.1 asks for a limit).
pub(crate) const MAX_EXTENSION: usize = 1024;
/// Hexadecimal digits of a size: 64 bits.
const MAX_DIGITS: u32 = 16;

/// Where in the coding the stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    Size {
        digits: u32,
        size: u64,
    },
    /// From the `;` to the end of the line.
    Extension {
        bytes: usize,
        size: u64,
    },
    /// After the carriage return of the size's line.
    SizeEnd(u64),
    Data(u64),
    DataEnd,
    /// After the carriage return that ends the data.
    DataEnded,
    /// The chunk of size 0 has come; trailers follow.
    Last,
}

impl Chunks {
    pub(super) fn new() -> Self {
        Self::Size { digits: 0, size: 0 }
    }

    /// The bytes that belong to chunks, up to the end of the last one's line.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut passed = 0;
        while let (Some(&byte), false) = (bytes.get(passed), *self == Self::Last) {
            if let Self::Data(left) = *self {
                let rest = bytes.len() - passed;
                let taken = usize::try_from(left).unwrap_or(usize::MAX).min(rest);
                passed += taken;
                *self = Self::data(left - taken as u64);
            } else {
                *self = self.step(byte)?;
                passed += 1;
            }
        }
        Ok(passed)
    }

    /// Bytes of data that are still to come.
    pub(super) fn data(left: u64) -> Self {
        if left == 0 { Self::DataEnd } else { Self::Data(left) }
    }

    fn step(self, byte: u8) -> Result<Self, Fault> {
        match (self, byte) {
            (Self::Size { digits, size }, _) if byte.is_ascii_hexdigit() => digit(digits, size, byte),
            (Self::Size { digits: 1.., size }, b';') => Ok(Self::Extension { bytes: 0, size }),
            (Self::Size { digits: 1.., size } | Self::Extension { size, .. }, b'\r') => {
                Ok(Self::SizeEnd(size))
            }
            (Self::Size { .. } | Self::Extension { .. }, b'\n') => Err(Fault::BareLineFeed),
            (Self::Extension { bytes: MAX_EXTENSION.., .. }, _) => Err(Fault::ChunkExtension),
            (Self::Extension { bytes, size }, b'\t' | b' '..=b'~') => {
                Ok(Self::Extension { bytes: bytes + 1, size })
            }
            (Self::SizeEnd(0), b'\n') => Ok(Self::Last),
            (Self::SizeEnd(size), b'\n') => Ok(Self::Data(size)),
            (Self::DataEnd, b'\r') => Ok(Self::DataEnded),
            (Self::DataEnded, b'\n') => Ok(Self::new()),
            (Self::DataEnd | Self::DataEnded, _) => Err(Fault::ChunkEnd),
            _ => Err(Fault::ChunkSize),
        }
    }
}

fn digit(digits: u32, size: u64, byte: u8) -> Result<Chunks, Fault> {
    let digit = char::from(byte).to_digit(16).filter(|_| digits < MAX_DIGITS).ok_or(Fault::ChunkSize)?;
    let size = (size << 4) | u64::from(digit);
    // Beyond 63 bits a reader that counts with a sign sees something else.
    if i64::try_from(size).is_err() {
        Err(Fault::ChunkSize)
    } else {
        Ok(Chunks::Size { digits: digits + 1, size })
    }
}
