//! What of a path moves it about: its separators, and its names of dots.

/// How a path is built, whatever its names are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    separators: usize,
    /// Names `.`.
    here: usize,
    /// Names `..`.
    above: usize,
    absolute: bool,
}

impl Shape {
    pub(super) fn of(path: &str) -> Self {
        let names = |wanted: &str| path.split('/').filter(|name| *name == wanted).count();
        Self {
            separators: path.matches('/').count(),
            here: names("."),
            above: names(".."),
            absolute: path.starts_with('/'),
        }
    }

    /// Whether the other has names of dots that this one lacks.
    pub(super) fn gains_dots(self, other: Self) -> bool {
        other.here > self.here || other.above > self.above
    }
}
