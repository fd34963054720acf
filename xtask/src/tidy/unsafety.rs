//! Unsafe code stands in `enforce::sys` only, and every other crate forbids it. The attacks of `enforce`'s own tests and
//! of the virtual machines are raw system calls and nothing else; they are in no binary that is shipped.

use super::Finding;
use super::source::tokens;

/// The one place of unsafe code.
const SYS: &str = "supervisor/enforce/src/sys";
/// Tests that make raw system calls.
const ATTACKS: &str = "supervisor/enforce/tests/";
/// The raw system calls inside of virtual machines.
const GUEST: &str = "tests/vm/src/sys";
/// The programs in the kernel: every map value and every helper is a raw pointer there, and the verifier is the judge.
const PROGRAMS: &str = "ebpf/programs/src/";

/// Uses of the keyword `unsafe` outside of `enforce::sys`. (`unsafe_code` in attributes is another word.)
pub(super) fn check(file: &str, source: &str) -> Vec<Finding> {
    let is_in = |module: &str| file.starts_with(&format!("{module}/")) || file == format!("{module}.rs");
    if is_in(SYS) || is_in(GUEST) || file.starts_with(ATTACKS) || file.starts_with(PROGRAMS) {
        return Vec::new();
    }
    let used = tokens(source).into_iter().filter(|token| token.text == "unsafe");
    used.map(|token| Finding::at(file, token.line, format!("`unsafe` outside of {SYS}"))).collect()
}

/// A crate root that does not forbid unsafe code.
pub(super) fn check_root(file: &str, source: &str) -> Vec<Finding> {
    const FORBID: [&str; 7] = ["!", "[", "forbid", "(", "unsafe_code", ")", "]"];
    let found = tokens(source);
    let forbids =
        found.windows(FORBID.len()).any(|some| some.iter().map(|token| token.text.as_str()).eq(FORBID));
    let has_some = ["supervisor/enforce/src/", PROGRAMS].iter().any(|place| file.starts_with(place));
    if forbids || has_some || file == "tests/vm/src/main.rs" {
        return Vec::new();
    }
    vec![Finding::at(file, 1, "the crate root lacks `#![forbid(unsafe_code)]`".to_owned())]
}

#[cfg(test)]
mod tests {
    use super::{check, check_root};

    #[test]
    fn unsafe_is_found_outside_of_sys() {
        let source = "fn f() { unsafe { g() } }";
        assert_eq!(check("supervisor/mcp/src/lib.rs", source).len(), 1);
        assert_eq!(check("supervisor/enforce/src/lib.rs", source).len(), 1);
        assert_eq!(check("supervisor/enforce/src/system.rs", source).len(), 1);
        assert_eq!(check("supervisor/enforce/src/sys/mod.rs", source), []);
        assert_eq!(check("supervisor/enforce/tests/attacks.rs", source), []);
        assert_eq!(check("supervisor/mcp/tests/attacks.rs", source).len(), 1);
        assert_eq!(check("ebpf/programs/src/scope.rs", source), []);
        assert_eq!(check("ebpf/verdict/src/file.rs", source).len(), 1);
        assert_eq!(check("tests/vm/src/sys.rs", source), []);
        assert_eq!(check("tests/vm/src/sys/ring.rs", source), []);
        assert_eq!(check("tests/vm/src/actor/raw.rs", source).len(), 1);
        assert_eq!(check("supervisor/mcp/src/lib.rs", "#![forbid(unsafe_code)] // unsafe"), []);
    }

    #[test]
    fn a_root_must_forbid() {
        assert_eq!(check_root("supervisor/mcp/src/lib.rs", "//! x\n#![forbid(unsafe_code)]"), []);
        assert_eq!(check_root("supervisor/mcp/src/lib.rs", "//! #![forbid(unsafe_code)]").len(), 1);
        assert_eq!(check_root("supervisor/enforce/src/lib.rs", "//! x"), []);
    }
}
