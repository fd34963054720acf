//! Frames: how long a message is, how many descriptors it brings, and then the message.
//!
//! ```text
//! ┌── length, 4 bytes, big-endian ──┬── descriptors, 1 byte ──┬── payload: so many bytes of JSON ──┐
//! ```
//! A sender gives the descriptors to the kernel together with the first byte of their frame. The kernel gives them out
//! with the read in which that byte is, so a read never brings descriptors of a frame that it does not touch.

/// Bytes before the payload.
pub const HEAD: usize = 5;

/// The most descriptors that one message brings.
pub const MAX_DESCRIPTORS: usize = 2;

/// Why bytes are not frames. Nothing that follows can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The announced length is above the limit of this moment.
    #[error("a message of {length} bytes was announced; at most {limit} are read here")]
    TooLong {
        /// What was announced, in bytes.
        length: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The announced length is 0.
    #[error("a message of no bytes was announced; every message has some")]
    Empty,
    /// More descriptors than the message announces, or than any message may bring.
    #[error(
        "{came} descriptors came where {announced} may; send each together with the first byte of its message"
    )]
    TooManyDescriptors {
        /// What has come and belongs to no earlier message.
        came: usize,
        /// What may come.
        announced: usize,
    },
    /// Fewer descriptors than the message announces.
    #[error(
        "{came} descriptors came with a message that announces {announced}; send them together with its first byte"
    )]
    TooFewDescriptors {
        /// What has come.
        came: usize,
        /// What was announced.
        announced: usize,
    },
    /// The stream ended within a frame.
    #[error("the connection ended within a message")]
    Truncated,
}

/// A whole frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The message.
    pub payload: Vec<u8>,
    /// How many descriptors it brings: the first ones that the caller holds.
    pub descriptors: usize,
}

/// Puts a message into a frame.
///
/// # Errors
/// [`FrameError::TooLong`], [`FrameError::Empty`], or [`FrameError::TooManyDescriptors`]: the other side would refuse it.
pub fn encode(payload: &[u8], descriptors: usize, limit: usize) -> Result<Vec<u8>, FrameError> {
    let head = Head { length: payload.len(), descriptors };
    head.check(limit)?;
    let mut bytes = Vec::with_capacity(HEAD + payload.len());
    // Both fit: no limit is above what four bytes say, and `check` knows the most descriptors.
    let length =
        u32::try_from(payload.len()).map_err(|_| FrameError::TooLong { length: payload.len(), limit })?;
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.push(u8::try_from(descriptors).unwrap_or(u8::MAX));
    bytes.extend_from_slice(payload);
    Ok(bytes)
}

/// What a frame announces.
#[derive(Clone, Copy, Debug)]
struct Head {
    length: usize,
    descriptors: usize,
}

impl Head {
    fn parse([a, b, c, d, descriptors]: [u8; HEAD]) -> Self {
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        Self { length, descriptors: descriptors.into() }
    }

    fn check(self, limit: usize) -> Result<(), FrameError> {
        let Self { length, descriptors } = self;
        if length > limit {
            return Err(FrameError::TooLong { length, limit });
        }
        if descriptors > MAX_DESCRIPTORS {
            return Err(FrameError::TooManyDescriptors { came: descriptors, announced: MAX_DESCRIPTORS });
        }
        if length == 0 { Err(FrameError::Empty) } else { Ok(()) }
    }
}

/// Cuts a stream into frames. It holds one unfinished frame and nothing else.
#[derive(Debug, Default)]
pub struct Frames {
    /// A head that is not complete: its first bytes, and how many there are.
    begun: [u8; HEAD],
    begun_bytes: usize,
    head: Option<Head>,
    payload: Vec<u8>,
    /// Descriptors that have come and that no frame has taken.
    descriptors: usize,
}

impl Frames {
    /// So many descriptors came with the bytes that are given next.
    pub fn arrived(&mut self, descriptors: usize) {
        self.descriptors = self.descriptors.saturating_add(descriptors);
    }

    /// The next frame; takes from the front of `bytes` what it needs. Call it until it gives `None`: then all bytes of
    /// this read were taken. `limit` is the most bytes that a payload may have which begins now.
    ///
    /// # Errors
    /// See [`FrameError`]. After one the stream has no meaning any more.
    pub fn next(&mut self, bytes: &mut &[u8], limit: usize) -> Result<Option<Frame>, FrameError> {
        let Some(head) = self.head(bytes, limit)? else {
            let announced = if self.begun_bytes == 0 { 0 } else { MAX_DESCRIPTORS };
            return self.wait(announced);
        };
        self.fill(bytes, head.length);
        if self.payload.len() < head.length {
            return self.wait(head.descriptors);
        }
        self.complete(head).map(Some)
    }

    /// Bytes of memory that are held for the payload that is not complete: at most the limit, and at most twice what has
    /// come.
    pub fn held(&self) -> usize {
        self.payload.capacity()
    }

    /// The stream has ended.
    ///
    /// # Errors
    /// [`FrameError::Truncated`], if that was within a frame.
    pub fn end(&self) -> Result<(), FrameError> {
        let between = self.begun_bytes == 0 && self.head.is_none();
        if between { Ok(()) } else { Err(FrameError::Truncated) }
    }

    fn head(&mut self, bytes: &mut &[u8], limit: usize) -> Result<Option<Head>, FrameError> {
        if self.head.is_none() {
            let taken = split(bytes, HEAD - self.begun_bytes);
            self.begun[self.begun_bytes..][..taken.len()].copy_from_slice(taken);
            self.begun_bytes += taken.len();
            if self.begun_bytes < HEAD {
                return Ok(None);
            }
            let head = Head::parse(self.begun);
            head.check(limit)?;
            self.begun_bytes = 0;
            self.head = Some(head);
        }
        Ok(self.head)
    }

    /// Room is made for what has come, and for twice as much at most; never for what was only announced.
    fn fill(&mut self, bytes: &mut &[u8], length: usize) {
        let missing = length - self.payload.len();
        let taken = split(bytes, missing);
        if self.payload.capacity() - self.payload.len() < taken.len() {
            self.payload.reserve_exact(taken.len().max(self.payload.len()).min(missing));
        }
        self.payload.extend_from_slice(taken);
    }

    fn wait(&self, announced: usize) -> Result<Option<Frame>, FrameError> {
        let came = self.descriptors;
        if came > announced { Err(FrameError::TooManyDescriptors { came, announced }) } else { Ok(None) }
    }

    fn complete(&mut self, Head { length: _, descriptors }: Head) -> Result<Frame, FrameError> {
        let came = self.descriptors;
        self.descriptors = came
            .checked_sub(descriptors)
            .ok_or(FrameError::TooFewDescriptors { came, announced: descriptors })?;
        self.head = None;
        Ok(Frame { payload: std::mem::take(&mut self.payload), descriptors })
    }
}

/// Takes up to `most` bytes from the front.
fn split<'a>(bytes: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(most.min(bytes.len()));
    *bytes = rest;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 100;

    /// One read: all frames of it, or the error.
    fn read(frames: &mut Frames, mut bytes: &[u8], descriptors: usize) -> Result<Vec<Frame>, FrameError> {
        frames.arrived(descriptors);
        std::iter::from_fn(|| frames.next(&mut bytes, LIMIT).transpose()).collect()
    }

    fn frame(payload: &str, descriptors: usize) -> Frame {
        Frame { payload: payload.into(), descriptors }
    }

    #[test]
    fn frames_come_back_however_they_are_cut() {
        let bytes = [encode(b"one", 0, LIMIT).unwrap(), encode(b"two", 2, LIMIT).unwrap()].concat();
        for piece in 1..=bytes.len() {
            let (mut frames, mut all) = (Frames::default(), Vec::new());
            for (index, part) in bytes.chunks(piece).enumerate() {
                let begins = (index * piece..index * piece + part.len()).contains(&8);
                all.extend(read(&mut frames, part, if begins { 2 } else { 0 }).unwrap());
            }
            assert_eq!(all, [frame("one", 0), frame("two", 2)], "{piece}");
            assert_eq!(frames.end(), Ok(()));
        }
    }

    #[test]
    fn a_length_is_refused_before_a_byte_is_kept() {
        let mut frames = Frames::default();
        let head = [0xff, 0xff, 0xff, 0xff, 0];
        let error = FrameError::TooLong { length: 0xffff_ffff, limit: LIMIT };
        assert_eq!(read(&mut frames, &head, 0), Err(error));
        assert_eq!(frames.held(), 0);
        assert_eq!(read(&mut Frames::default(), &[0; HEAD], 0), Err(FrameError::Empty));
    }

    #[test]
    fn announced_bytes_take_no_memory() {
        let mut frames = Frames::default();
        read(&mut frames, &[0, 0, 0, LIMIT as u8, 0, b'x'], 0).unwrap();
        assert!(frames.held() <= 8, "{}", frames.held());
        assert_eq!(frames.end(), Err(FrameError::Truncated));
    }

    #[test]
    fn descriptors_are_counted() {
        let with = |announced: u8| [0, 0, 0, 1, announced, b'x'];
        let too_many = |came, announced| Err(FrameError::TooManyDescriptors { came, announced });
        let too_few = |came, announced| Err(FrameError::TooFewDescriptors { came, announced });
        for (announced, came, expected) in [
            (0, 1, too_many(1, 0)),
            (1, 2, too_many(1, 0)),
            (3, 3, too_many(3, 2)),
            (1, 0, too_few(0, 1)),
            (2, 1, too_few(1, 2)),
        ] {
            // The frame itself is sound where what is left over is the fault.
            let mut frames = Frames::default();
            assert_eq!(read(&mut frames, &with(announced), came), expected, "{announced} {came}");
        }
        assert_eq!(read(&mut Frames::default(), &with(1)[..5], 2), too_many(2, 1), "known from the head");
        assert_eq!(
            read(&mut Frames::default(), &with(1)[..2], 3),
            too_many(3, 2),
            "too many for any message"
        );
        assert_eq!(read(&mut Frames::default(), &[], 1), too_many(1, 0), "nobody's");
        assert_eq!(read(&mut Frames::default(), &with(2), 2), Ok(vec![frame("x", 2)]));
    }

    #[test]
    fn nothing_is_sent_that_would_be_refused() {
        assert_eq!(encode(&[b'x'; 101], 0, LIMIT), Err(FrameError::TooLong { length: 101, limit: LIMIT }));
        assert_eq!(encode(b"", 0, LIMIT), Err(FrameError::Empty));
        let error = FrameError::TooManyDescriptors { came: 3, announced: 2 };
        assert_eq!(encode(b"x", 3, LIMIT), Err(error));
    }
}
