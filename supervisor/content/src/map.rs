//! From places in a changed text back to places in the text that it was made of.

use std::num::NonZeroUsize;
use std::ops::Range;

/// What each byte of a changed text came from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Map {
    pieces: Vec<Piece>,
}

/// From `view` on, the changed text is the source from `source` on.
#[derive(Clone, Copy, Debug)]
struct Piece {
    view: usize,
    source: usize,
    /// Bytes of the source that stand for the whole piece; `None` where both go on byte by byte.
    whole: Option<NonZeroUsize>,
}

impl Map {
    /// The map of a text that begins at `source` of another.
    pub(crate) fn from(source: usize) -> Self {
        Self { pieces: vec![Piece { view: 0, source, whole: None }] }
    }

    /// From here on the changed text goes on at `source`.
    pub(crate) fn resume(&mut self, view: usize, source: usize) {
        self.put(Piece { view, source, whole: None });
    }

    /// What comes at `view` stands for `length` bytes from `source` on, at least 1.
    pub(crate) fn replace(&mut self, view: usize, source: usize, length: usize) {
        self.put(Piece { view, source, whole: NonZeroUsize::new(length) });
    }

    fn put(&mut self, piece: Piece) {
        match self.pieces.last_mut() {
            Some(last) if last.view == piece.view => *last = piece,
            _ => self.pieces.push(piece),
        }
    }

    /// The bytes of the source from which a range of the changed text was made.
    pub(crate) fn source(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.at(range.start).0;
        let end = if range.is_empty() { start } else { self.at(range.end - 1).1 };
        start..end.max(start)
    }

    /// Where the byte's piece of the source begins, and where it ends.
    fn at(&self, view: usize) -> (usize, usize) {
        let after = self.pieces.partition_point(|piece| piece.view <= view);
        match after.checked_sub(1).map(|index| self.pieces[index]) {
            None => (view, view + 1),
            Some(Piece { source, whole: Some(length), .. }) => (source, source + length.get()),
            Some(Piece { view: begin, source, whole: None }) => {
                (source + view - begin, source + view - begin + 1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Map;

    #[test]
    fn places_are_found_again() {
        // "ab&amp;cd" was made "ab&cd".
        let mut map = Map::from(10);
        map.replace(2, 12, 5);
        map.resume(3, 17);
        assert_eq!(map.source(&(0..2)), 10..12);
        assert_eq!(map.source(&(2..3)), 12..17);
        assert_eq!(map.source(&(1..4)), 11..18);
        assert_eq!(map.source(&(3..5)), 17..19);
        assert_eq!(Map::default().source(&(3..5)), 3..5);
    }
}
