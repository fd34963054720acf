//! Statements that nest: none crashes, and honest ones pass.
//!
//! Tests run on threads with 2 MiB of stack, without optimisation: what overflows there ends all of them.

use super::{SqlFault, check};

/// How deep a query may be in any shape.
const HONEST: usize = 20;
/// What stands before, begins each level, stands inside, ends each level. Measured: the costliest and the most devious ones.
const SHAPES: [(&str, &str, &str, &str); 30] = [
    ("SELECT ", "(", "1", ")"),
    ("SELECT ", "(SELECT ", "1", ")"),
    ("SELECT * FROM ", "(SELECT * FROM ", "t", ") a"),
    ("SELECT * FROM ", "LATERAL (SELECT * FROM ", "t", ") a"),
    ("SELECT * FROM t WHERE ", "a IN (SELECT a FROM t WHERE ", "1", ")"),
    ("SELECT * FROM t WHERE ", "NOT EXISTS (SELECT 1 WHERE ", "1", ")"),
    ("SELECT ", "(WITH x AS (SELECT 1) SELECT * FROM x WHERE a = ", "1", ")"),
    ("", "(", "SELECT 1", ") UNION SELECT 1"),
    ("SELECT 1 ORDER BY ", "(SELECT 1 ORDER BY ", "1", ")"),
    ("SELECT * FROM ", "(", "t", " JOIN u ON a = b)"),
    ("SELECT * FROM ", "t JOIN (", "t", ") ON a = b"),
    ("SELECT * FROM t ", "JOIN t ", "", "ON a = b "),
    ("SELECT ", "CASE WHEN a THEN ", "1", " END"),
    ("SELECT ", "coalesce(CASE WHEN a THEN (", "1", ") END, 2)"),
    ("SELECT ", "f(", "1", ")"),
    ("SELECT ", "f(a => ", "1", ")"),
    ("SELECT ", "CAST(", "1", " AS INT)"),
    ("SELECT CAST(a AS ", "STRUCT<a ", "INT", ">"),
    ("SELECT ", "NOT ", "1", ""),
    ("SELECT ", "- ", "1", ""),
    ("SELECT ", "ARRAY[", "1", "]"),
    ("SELECT ", "{'a': ", "1", "}"),
    ("SELECT ", "(a OR (b AND ", "1", "))"),
    ("SELECT ", "sum(a) OVER (ORDER BY ", "1", ")"),
    ("SELECT 1", "", "", " + 1"),
    ("SELECT * FROM t WHERE a", "", "", " AND a"),
    ("SELECT 1", "", "", " UNION SELECT 1"),
    ("SELECT * FROM t", "", "", " JOIN t ON a = b"),
    ("SELECT * FROM t MATCH_RECOGNIZE (PATTERN (", "(", "a", ")"),
    ("SELECT a", "", "", ".b"),
];

fn judged((before, begin, inside, end): (&str, &str, &str, &str), levels: usize) -> Result<(), SqlFault> {
    let close = if before.ends_with("AS ") { ")" } else { "" };
    let close = if before.ends_with("PATTERN (") { ") DEFINE a AS 1)" } else { close };
    let sql = format!("{before}{}{inside}{}{close}", begin.repeat(levels), end.repeat(levels));
    let length = Some(sql.len() as u64);
    check(&sql, &["select".to_owned()], length)
}

#[test]
fn honest_depths_pass() {
    // `[a[b]]` is a name in T-SQL, which ends at the first bracket: arrays within arrays are refused whatever their depth.
    for shape in SHAPES.into_iter().filter(|(_, begin, ..)| !begin.contains('[')) {
        for levels in 1..=HONEST {
            assert_eq!(judged(shape, levels), Ok(()), "{levels} × {shape:?}");
        }
    }
}

#[test]
fn no_depth_overflows_the_stack() {
    for shape in SHAPES {
        for levels in (25..=125).step_by(5).chain([160, 490, 990, 5000]) {
            let _ = judged(shape, levels);
        }
    }
}

#[test]
fn what_is_too_deep_is_told_so() {
    for shape in [SHAPES[0], SHAPES[1], SHAPES[2], SHAPES[28]] {
        assert_eq!(judged(shape, 150), Err(SqlFault::TooDeep), "{shape:?}");
    }
    assert_eq!(judged(SHAPES[11], 150), Err(SqlFault::TooComplex));
}
