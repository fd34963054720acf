//! Files stay small: from 400 lines on a warning, from 600 on a failure; tests and benches apart.

use super::Finding;

const WARN: usize = 400;
const FAIL: usize = 600;

/// The finding about a file's length, if any.
pub(super) fn check(file: &str, source: &str) -> Vec<Finding> {
    let apart = file.split('/').any(|part| matches!(part, "tests" | "benches" | "tests.rs"));
    match own_lines(source) {
        _ if apart => Vec::new(),
        lines if lines > FAIL => {
            vec![Finding::at(file, lines, format!("{lines} lines; {FAIL} are the most"))]
        }
        lines if lines > WARN => vec![Finding::warning(file, lines, format!("{lines} lines; aim at 150"))],
        _ => Vec::new(),
    }
}

/// Lines up to the file's own test module, which stands last.
fn own_lines(source: &str) -> usize {
    source.lines().take_while(|line| *line != "#[cfg(test)]").count()
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn long_files_are_found() {
        assert_eq!(check("a/src/b.rs", &"x\n".repeat(400)), []);
        assert!(!check("a/src/b.rs", &"x\n".repeat(401))[0].fatal);
        assert!(check("a/src/b.rs", &"x\n".repeat(601))[0].fatal);
    }

    #[test]
    fn tests_stand_apart() {
        let source = format!("x\n#[cfg(test)]\n{}", "y\n".repeat(700));
        assert_eq!(check("a/src/b.rs", &source), []);
        assert_eq!(check("tests/tests/b.rs", &"x\n".repeat(700)), []);
        assert_eq!(check("a/src/b/tests.rs", &"x\n".repeat(700)), []);
    }
}
