//! Tricks with SQL, and honest statements.

use super::{SqlFault, check};

fn judged(sql: &str, statements: &[&str]) -> Result<(), SqlFault> {
    let statements: Vec<String> = statements.iter().map(|statement| (*statement).to_owned()).collect();
    check(sql, &statements, None)
}

fn selects(sql: &str) -> Result<(), SqlFault> {
    judged(sql, &["select"])
}

#[test]
fn queries_pass() {
    for sql in [
        "SELECT 1",
        "select * from t;",
        "SELECT a, b FROM t WHERE c = 'it''s' ORDER BY a LIMIT 10",
        "WITH x AS (SELECT 1 AS a) SELECT * FROM x",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "SELECT count(*) FROM a JOIN b ON a.id = b.id",
        "SELECT \"Name\" FROM \"Users\"",
        "SELECT `name` FROM `users`",
        "SELECT [name] FROM [users]",
        "SELECT a FROM t WHERE b LIKE '%drop table%'",
        "SELECT updated_at, deleted FROM t",
        "SELECT t.update FROM t",
        "SELECT data->>'a' FROM t",
        "SELECT a::int FROM t",
        "SELECT CASE WHEN a > 1 THEN 'x' ELSE 'y' END FROM t",
        "SELECT * FROM t WHERE a IS DISTINCT FROM 'x'",
        "-- all of them\nSELECT 1",
        "/* a */ SELECT 1 /* b */",
        "SELECT REPLACE(a, 'x', 'y'), TRUNCATE(b, 2) FROM t",
        "SELECT a FROM t WHERE b = 'größe'",
        "SELECT EXTRACT(year FROM d) FROM t",
        "SELECT row_number() OVER (PARTITION BY a ORDER BY b) FROM t",
        "SELECT 'a;b'",
        "SELECT a FROM t WHERE b = $1",
        "SELECT date_trunc('day', ts) FROM t GROUP BY 1 HAVING count(*) > 1",
        "SELECT * FROM t WHERE id IN (SELECT id FROM u)",
        "SELECT '/etc/passwd'",
        "SELECT a FROM t WHERE b ILIKE 'x%' OFFSET 5",
        "SELECT commit, rollback FROM log WHERE commit = 'x' ORDER BY commit",
        "SELECT t.as, t.commit FROM t",
        "SELECT \"km/h\", 'a.csv' FROM \"my table\" AS x, \"a\".\"b\" WHERE c IN ('x', '/y')",
        "SELECT * FROM t JOIN u ON t.a IN ('x', 'y') AND f(t.b, 'z') ORDER BY a, 'b'",
        "SELECT a IS DISTINCT FROM b, 'x' FROM t",
        "SELECT EXTRACT(year FROM d), 'x' FROM f('a', 'b') AS g(a, b), t",
        "SELECT a FROM t GROUP BY a, 'b'",
        "SELECT a FROM t USE INDEX (i) WHERE b = 1",
    ] {
        assert_eq!(selects(sql), Ok(()), "{sql}");
    }
}

#[test]
fn what_is_no_query_is_refused() {
    for sql in [
        "",
        ";",
        " ",
        "DROP TABLE t",
        "INSERT INTO t VALUES (1)",
        "UPDATE t SET a = 1",
        "DELETE FROM t",
        "TRUNCATE t",
        "SELECT 1; DROP TABLE t",
        "SELECT 1; SELECT 2",
        "SELECT 1;; DROP TABLE t --",
        "SELECT * INTO x FROM t",
        "CREATE TABLE x AS SELECT 1",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "SELECT a INTO DUMPFILE '/tmp/x' FROM t",
        "SELECT 1 replace INTO OUTFILE '/tmp/x'",
        "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
        "WITH x AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM x",
        "WITH x AS (SELECT 1) DELETE FROM t",
        "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
        "SELECT * FROM t FOR UPDATE",
        "SELECT * FROM t FOR SHARE",
        "SELECT * FROM t LOCK IN SHARE MODE",
        "SELECT * FROM t FOR NO KEY UPDATE",
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE DELETE FROM t",
        "COPY t TO '/tmp/x'",
        "COPY t FROM PROGRAM 'id'",
        "CALL p()",
        "PRAGMA writable_schema = 1",
        "ATTACH DATABASE '/x' AS y",
        "SET ROLE admin",
        "VACUUM",
        "DO $$ BEGIN END $$",
        "LOAD 'x'",
        "SELECT /*!50000 1 INTO OUTFILE '/x' */",
        "SELECT 1 /*M! UNION SELECT 2 */",
        "SELECT 'a",
        "SELECT \"a",
        "SELECT 1 /* a",
        "SELECT a\0",
        "SELECT @a := 1",
        "SELECT * FROM t SHUTDOWN",
        "SELECT 1 FROM t EXEC xp_cmdshell 'id'",
        "SELECT 1 FROM t WAITFOR",
        "SELECT '\\'; DROP TABLE t; -- '",
        "SELECT 1 -- \n; DROP TABLE t",
        "SELECT 1 # \n; DROP TABLE t",
        "SELECT /* /* */ 1; DROP TABLE t */",
        "SELECT 'a' --' ; DROP TABLE t",
        "SELECT $$a$$; DROP TABLE t",
        "SELECT $a$ ' $a$; DROP TABLE t --'",
        "SELEC 1",
        "hello",
        "' OR 1=1 --",
        "1 OR 1=1",
        "SELECT 1 UNION",
        "SELECT * FROM 'a.csv'",
        "SELECT t.as INTO pwned FROM (SELECT 1 AS \"as\") t",
        "SELECT t.as INTO pwned FROM t",
        "SELECT 1 AS as INTO pwned FROM t",
        "SELECT * FROM \"/etc/secret.csv\"",
        "SELECT * FROM \"secret.csv\"",
        "SELECT * FROM `a.Parquet`",
        "SELECT * FROM [a.json]",
        "SELECT * FROM \"s3://a/b\"",
        "SELECT * FROM \"c:\\x\"",
        "SELECT * FROM csv.`/etc/passwd`",
        "SELECT * FROM t, '/etc/secret.csv'",
        "SELECT * FROM t, \"/etc/secret.csv\"",
        "SELECT * FROM t JOIN u ON 1 = 1, '/etc/secret.csv'",
        "SELECT * FROM (t, '/etc/secret.csv')",
        "SELECT * FROM ('/etc/secret.csv')",
        "SELECT 1 FROM t REVERT",
        "SELECT 1 FROM t ROLLBACK",
        "SELECT 1 FROM t SETUSER",
        "SELECT 1 FROM t CHECKPOINT",
        "SELECT 1 COMMIT",
        "SELECT 'a' REVERT",
        "SELECT f(1) REVERT",
        "SELECT * FROM (SELECT 1 AS a) AS x REVERT",
        "SELECT * FROM t WHERE a = t.on REVERT",
        "SELECT * FROM t JOIN 'a.csv' ON 1=1",
        "ＳＥＬＥＣＴ 1",
        "SELECT 1；DROP TABLE t",
        "SELECT ʼaʼ",
        "BEGIN",
        "COMMIT",
        "SELECT 1 \u{feff}",
        "VALUES (1)",
        "TABLE t",
        "SELECT * FROM t WHERE a = 'x\\' OR b = ' OR 1=1; DROP TABLE t -- '",
    ] {
        assert!(selects(sql).is_err(), "{sql}");
    }
}

#[test]
fn functions_that_reach_out_are_refused() {
    for sql in [
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT PG_READ_FILE ('/x')",
        "SELECT pg_catalog.pg_read_file('/x')",
        "SELECT \"pg_read_file\"('/x')",
        "SELECT pg_read_file/**/('/x')",
        "SELECT * FROM pg_ls_dir('/')",
        "SELECT lo_import('/x')",
        "SELECT * FROM dblink('host=x', 'y') AS t(a int)",
        "SELECT load_extension('/x')",
        "SELECT LOAD_FILE('/x')",
        "SELECT * FROM t WHERE a = (SELECT pg_sleep(10))",
        "SELECT set_config('a', 'b', false)",
        "SELECT nextval('s')",
        "SELECT query_to_xml('drop table t', true, true, '')",
        "SELECT readfile('/x')",
        "SELECT writefile('/x', 'y')",
        "SELECT fts3_tokenizer('a', 'b')",
        "SELECT UTL_HTTP.REQUEST('http://x') FROM dual",
        "SELECT * FROM read_csv('/x')",
        "SELECT * FROM OPENROWSET(BULK '/x', SINGLE_CLOB) AS x",
        "SELECT sleep(5)",
        "SELECT benchmark(1000000, md5('a'))",
        "SELECT U&\"pg\\005fread_file\"('/x')",
        "SELECT u&\"\\0070g_sleep\"(1)",
        "SELECT pg_terminate_backend(1)",
        "SELECT cron.schedule('x', '* * * * *', 'DROP TABLE users')",
        "SELECT cron.schedule_in_database('x', '* * * * *', 'y', 'z')",
        "SELECT net.http_get('http://x')",
        "SELECT http_get('http://x')",
        "SELECT * FROM http(('GET', 'http://x', NULL, NULL, NULL))",
        "SELECT aws_s3.query_export_to_s3('select 1', 'b', 'k', 'r')",
        "SELECT pg_stat_statements_reset()",
        "SELECT pg_stat_reset_shared('bgwriter')",
        "SELECT * FROM sys.fn_trace_gettable('//x/y.trc', 1)",
        "SELECT * FROM sys.fn_xe_file_target_read_file('//x/y', NULL, NULL, NULL)",
        "SELECT * FROM sys.dm_os_file_exists('c:/x')",
        "SELECT * FROM sys.dm_os_enumerate_filesystem('c:/', '*')",
        "SELECT * FROM read_ndjson_auto('/x')",
        "SELECT * FROM read_ndjson_objects('/x')",
        "SELECT * FROM read_json_objects_auto('/x')",
        "SELECT * FROM read_csv_auto('/x')",
        "SELECT * FROM read_text('/x')",
        "SELECT * FROM read_blob('/x')",
        "SELECT * FROM sniff_csv('/x')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM parquet_kv_metadata('/x')",
        "SELECT fileCluster('c', '/x')",
        "SELECT * FROM icebergLocal('/x')",
        "SELECT * FROM deltaLakeCluster('c', 'x')",
        "SELECT * FROM hudi('x')",
        "SELECT * FROM urlCluster('c', 'http://x')",
        "SELECT * FROM s3Cluster('c', 'http://x')",
        "SELECT * FROM remoteSecure('x', 'y', 'z')",
        "SELECT * FROM mysql('x', 'y', 'z', 'u', 'p')",
        "SELECT * FROM sqlite('x', 'y')",
    ] {
        assert!(selects(sql).is_err(), "{sql}");
    }
    assert_eq!(selects("SELECT sleep, file, url FROM t"), Ok(()), "columns may have these names");
    assert!(judged("EXEC xp_cmdshell 'id'", &["exec"]).is_err());
}

#[test]
fn other_kinds_pass_where_they_are_permitted() {
    let cases: [(&str, &[&str]); 15] = [
        ("INSERT INTO t (a) VALUES (1), (2)", &["insert"]),
        ("INSERT INTO t SELECT * FROM u", &["insert"]),
        ("INSERT OR IGNORE INTO t VALUES (1)", &["insert"]),
        ("REPLACE INTO t VALUES (1)", &["replace"]),
        ("UPDATE t SET a = 1 WHERE b = 2", &["update"]),
        ("DELETE FROM t WHERE a = 1", &["delete"]),
        ("INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2", &["insert", "update"]),
        ("CREATE TABLE t (a INT REFERENCES u (b) ON DELETE CASCADE)", &["create"]),
        ("ALTER TABLE t DROP COLUMN a", &["alter"]),
        ("EXPLAIN SELECT 1", &["explain"]),
        ("EXPLAIN ANALYZE SELECT 1", &["select", "explain"]),
        ("PRAGMA table_info(t)", &["pragma"]),
        ("SHOW TABLES", &["show"]),
        ("GRANT SELECT, INSERT ON t TO x", &["grant"]),
        ("WITH x AS (SELECT 1) DELETE FROM t", &["delete"]),
    ];
    for (sql, statements) in cases {
        assert_eq!(judged(sql, statements), Ok(()), "{sql}");
        assert!(judged(sql, &["nothing"]).is_err(), "{sql}");
    }
}

#[test]
fn a_permitted_kind_carries_no_other() {
    let cases: [(&str, &[&str]); 9] = [
        ("PREPARE x AS DELETE FROM t", &["prepare"]),
        ("INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2", &["insert"]),
        ("WITH x AS (DELETE FROM u RETURNING *) INSERT INTO t SELECT * FROM x", &["insert"]),
        ("EXPLAIN ANALYZE DELETE FROM t", &["explain", "select"]),
        ("INSERT t SELECT 1 INTO OUTFILE '/x'", &["insert"]),
        ("SELECT 1 AS insert INTO x", &["select", "insert"]),
        ("PRAGMA journal_mode = DELETE", &["pragma"]),
        ("PRAGMA journal_mode(DELETE)", &["pragma", "delete"]),
        ("COPY t FROM '/etc/passwd'", &["copy"]),
    ];
    for (sql, statements) in cases {
        assert!(judged(sql, statements).is_err(), "{sql}");
    }
}

#[test]
fn work_is_bounded() {
    let long = [
        format!("SELECT {}1", "1+".repeat(30_000)),
        format!("SELECT {}1{}", "(".repeat(30_000), ")".repeat(30_000)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(4000)),
        format!("SELECT {}1", "- ".repeat(30_000)),
        format!("SELECT {}1", "NOT ".repeat(10_000)),
        format!("SELECT a{}", "[1]".repeat(10_000)),
        format!("SELECT {}1", "x".repeat(70_000)),
        format!("SELECT {}", "/*".repeat(30_000)),
        format!("SELECT * FROM {}t{}", "(SELECT * FROM ".repeat(2000), ")".repeat(2000)),
    ];
    for sql in long {
        assert!(selects(&sql).is_err(), "{}", &sql[..40]);
    }
    assert_eq!(selects(&format!("SELECT {}1", "1+".repeat(900))), Ok(()));
    assert_eq!(
        judged(&format!("INSERT INTO t VALUES {}(1, 'a')", "(1, 'a'), ".repeat(3000)), &["insert"]),
        Ok(())
    );
}
