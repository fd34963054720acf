//! A crate root opens with `//!`: what it is, what it never does, the picture of its data flow.

use super::Finding;

/// A crate root that does not open with its documentation.
pub(super) fn check(file: &str, source: &str) -> Vec<Finding> {
    if source.starts_with("//! ") {
        return Vec::new();
    }
    vec![Finding::at(file, 1, "a crate root opens with `//! `: what it is, what it never does".to_owned())]
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn documentation_comes_first() {
        assert_eq!(check("a.rs", "//! The thing.\n"), []);
        assert_eq!(check("a.rs", "#![forbid(unsafe_code)]\n//! The thing.\n").len(), 1);
        assert_eq!(check("a.rs", "").len(), 1);
    }
}
