//! Single policies and their tables.

use abi::{Bucket, Entry, NO_RULE, PORT_CHECKED, Rate, Reason, flags, name_hash, session_flags};
use enforce::encode::{EncodeError, Implied, Object, Purpose, RealPaths, Tables, encode};
use policy::Plan;
use policy::plan::AbsolutePath;
use verdict::rate::{Taken, take};

use crate::files::Files;
use crate::host::{Texts, context, environment, path, plan, source};
use crate::world::World;

fn compiled(text: &str) -> Plan {
    plan(&format!("version: 1\n{text}")).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A file that extends another: what one of them may not say alone, two may.
fn compiled_over(base: &str, own: &str) -> Plan {
    let texts = Texts::default().with("base", &format!("version: 1\n{base}"));
    let policy = policy::load(source("own.yaml", &format!("version: 1\nextends: [base]\n{own}")), &texts);
    let environment = environment();
    policy.expect("valid").compile(&context(&environment)).expect("valid")
}

fn tables(text: &str) -> Tables {
    encode(&compiled(text), &Implied::default(), &RealPaths::default()).expect("a small policy")
}

fn object<'a>(tables: &'a Tables, place: &str) -> &'a Object {
    tables.objects.iter().find(|object| object.path == path(place)).unwrap_or_else(|| panic!("{place}"))
}

fn entry(tables: &Tables, place: &str) -> Entry {
    object(tables, place).entry
}

/// What is said by name beneath an object.
fn by_name(tables: &Tables, node: u32, name: &str) -> Option<Entry> {
    let known =
        tables.named.iter().find(|(key, _)| (key.node, key.name) == (node, name_hash(name.as_bytes())));
    known.map(|(_, entry)| *entry)
}

const WAY: u32 = flags::HAS_NAMES | flags::ON_THE_WAY;

#[test]
fn a_denied_path_is_known_by_inode_and_by_name_from_every_directory_above_it() {
    let tables = tables("filesystem: { read: [/g], write: [/g/w], deny: [/g/w/a/key, /elsewhere] }\n");
    let objects: Vec<(String, Purpose, u32)> = tables
        .objects
        .iter()
        .map(|object| (object.path.as_path().display().to_string(), object.purpose, object.entry.flags))
        .collect();
    let reads = flags::DECIDES | flags::CODE;
    let expected = [
        ("/elsewhere", Purpose::Deny, flags::DECIDES),
        ("/g", Purpose::Grant, reads | WAY),
        ("/g/w", Purpose::Grant, flags::DECIDES | WAY),
        ("/g/w/a", Purpose::Way, WAY),
        ("/g/w/a/key", Purpose::Deny, flags::DECIDES),
    ];
    assert_eq!(objects, expected.map(|(place, purpose, bits)| (place.to_owned(), purpose, bits)));
    // /g ─w─► /g/w ─a─► /g/w/a ─key─► denied; outside of all grants there is nothing to tell apart.
    assert_eq!(tables.named.len(), 3);
    let mut above = entry(&tables, "/g");
    for (name, place) in [("w", "/g/w"), ("a", "/g/w/a")] {
        assert_eq!(above.name_lengths, 1 << name.len());
        let step = by_name(&tables, above.node, name).expect(name);
        assert_eq!((step.flags, step.node, step.rule), (WAY, entry(&tables, place).node, NO_RULE), "{name}");
        above = step;
    }
    assert_eq!(above.name_lengths, 1 << "key".len());
    let denied = by_name(&tables, above.node, "key").expect("key");
    assert_eq!(denied, entry(&tables, "/g/w/a/key"));
    assert_eq!((denied.flags, denied.read | denied.write | denied.execute), (flags::DECIDES, 0));
    assert_eq!((entry(&tables, "/g/w").read, entry(&tables, "/g/w").write), (1, 1));
    assert_eq!(entry(&tables, "/g/w/a").rule, NO_RULE);
}

#[test]
fn a_way_ends_at_a_deny_above() {
    let tables = tables("filesystem: { read: [/g, /g/no/yes], deny: [/g/no, /g/no/yes/no] }\n");
    let inner = entry(&tables, "/g/no/yes");
    assert!(by_name(&tables, inner.node, "no").is_some());
    let outer = entry(&tables, "/g");
    assert_eq!(by_name(&tables, outer.node, "no").expect("denied").flags, flags::DECIDES);
    assert_eq!(tables.named.len(), 2, "what lies beneath a denied name needs no name: {:?}", tables.named);
    assert_eq!(entry(&tables, "/g/no").flags, flags::DECIDES);
}

#[test]
fn what_is_implied_runs_always_and_a_loader_is_only_loaded() {
    let text = "\
filesystem: { read: [/usr], deny: [/usr/bin/closed] }
tools: { t: { allowed_programs: [/usr/bin/git] } }
";
    let programs = ["/usr/bin/node", "/usr/bin/git", "/usr/bin/closed", "/opt/run"].map(path).to_vec();
    let implied = Implied { programs, loaders: vec![path("/usr/lib64/ld.so")] };
    let tables = encode(&compiled(text), &implied, &RealPaths::default()).expect("a small policy");
    let rights = |place: &str| {
        let Entry { read, write, execute, .. } = entry(&tables, place);
        (read, write, execute)
    };
    assert_eq!(rights("/usr/bin/node"), (0b1, 0, 0b1));
    assert_eq!(rights("/usr/bin/git"), (0b11, 0, 0b11));
    assert_eq!(rights("/opt/run"), (0b1, 0, 0b1));
    assert_eq!(rights("/usr/bin/closed"), (0, 0, 0), "at equal length deny wins");
    assert_eq!(rights("/usr/lib64/ld.so"), (0b1, 0, 0));
    assert_eq!(entry(&tables, "/usr/lib64/ld.so").flags & flags::LOADER, flags::LOADER);
    assert_eq!(entry(&tables, "/usr/bin/node").flags & flags::LOADER, 0);
    assert_eq!(entry(&tables, "/opt/run").rule, NO_RULE);
    // A loader that the policy names as a program may be started.
    let named = compiled("execution: { allowed_programs: [/usr/lib64/ld.so] }\n");
    let tables = encode(&named, &implied, &RealPaths::default()).expect("a small policy");
    assert_eq!(entry(&tables, "/usr/lib64/ld.so").execute, 1);
}

#[test]
fn rights_are_those_of_the_real_path() {
    let text = "\
filesystem: { read: [/usr/lib], deny: [/lib/closed] }
tools: { t: { allowed_paths: [/lib/own, /link] } }
";
    let mut real = RealPaths::default();
    for (written, really) in
        [("/lib/own", "/usr/lib/own"), ("/lib/closed", "/usr/lib/closed"), ("/link", "/usr/lib")]
    {
        real.insert(path(written), path(really));
    }
    let tables = encode(&compiled(text), &Implied::default(), &real).expect("a small policy");
    let own = entry(&tables, "/usr/lib/own");
    assert_eq!((own.read, own.write), (0b11, 0b10), "class 0 reads it as it reads everything around it");
    let around = entry(&tables, "/usr/lib");
    assert_eq!((around.read, around.write), (0b11, 0b10), "two rules of one place hold together");
    assert_eq!(
        by_name(&tables, around.node, "closed").expect("denied by its real name").flags,
        flags::DECIDES
    );
    assert_eq!(object(&tables, "/usr/lib/closed").purpose, Purpose::Deny);
    // What is only written like this is no inode; the way to a denied name is known by name alone.
    let places: Vec<String> =
        tables.objects.iter().map(|object| object.path.as_path().display().to_string()).collect();
    assert_eq!(places, ["/usr/lib", "/usr/lib/closed", "/usr/lib/own"]);
}

#[test]
fn code_is_mapped_from_where_the_nearest_grant_is_one_to_read() {
    let base = "filesystem: { read: [/r, /r/w/venv] }\nnetwork: { unix_sockets: [/r/w/venv/s] }\n";
    let plan = compiled_over(base, "filesystem: { write: [/r/w, /w] }\n");
    let tables = encode(&plan, &Implied::default(), &RealPaths::default()).expect("a small policy");
    let code = |place: &str| entry(&tables, place).flags & flags::CODE != 0;
    assert!(code("/r") && !code("/r/w") && !code("/w") && code("/r/w/venv"));
    assert_eq!(entry(&tables, "/r/w/venv").write, 1, "a wider grant to write holds there all the same");
    assert!(code("/r/w/venv/s"), "what says nothing about files is like what lies above it");
    assert_eq!(tables.flags & session_flags::CODE_ANYWHERE, 0);
}

#[test]
fn whoever_may_write_what_they_may_execute_may_map_code_from_anywhere() {
    let anywhere = |text| tables(text).flags & session_flags::CODE_ANYWHERE != 0;
    assert!(anywhere("filesystem: { write: [/w] }\nexecution: { allowed_programs: [/w/bin] }\n"));
    assert!(!anywhere(
        "filesystem: { write: [/w], read: [/r] }\nexecution: { allowed_programs: [/r/bin] }\n"
    ));
    let implied = Implied { programs: vec![path("/w/run")], loaders: Vec::new() };
    let own = encode(&compiled("filesystem: { write: [/w] }\n"), &implied, &RealPaths::default());
    assert_ne!(own.expect("a small policy").flags & session_flags::CODE_ANYWHERE, 0);
}

#[test]
fn a_socket_is_reached_beneath_its_directory_unless_it_is_denied() {
    let text = "\
filesystem: { read: [/run/x/data], deny: [/run/x/docker.sock] }
network: { unix_sockets: [/run/x, /run/one] }
";
    let tables = tables(text);
    let directory = entry(&tables, "/run/x");
    assert_eq!((directory.read, directory.write, directory.flags & flags::DECIDES), (0, 0, flags::DECIDES));
    assert_eq!(entry(&tables, "/run/x/data").read, 1);
    let (before, after) = (Files::settled(), Files::replaced("/run/x/docker.sock"));
    let world = World::new(tables, &before);
    for reached in ["/run/x/any", "/run/x/data/any", "/run/one"] {
        assert!(world.socket(&before, &path(reached)), "{reached}");
    }
    for closed in ["/run/x/docker.sock", "/run/other", "/run/one-more"] {
        assert!(!world.socket(&before, &path(closed)), "{closed}");
    }
    // Made anew it is denied all the same.
    assert!(!world.socket(&after, &path("/run/x/docker.sock")));
}

#[test]
fn a_directory_on_the_way_to_a_denied_path_stays_where_it_is() {
    let tables = tables("filesystem: { write: [/w], deny: [/w/a/key] }\n");
    for place in ["/w", "/w/a"] {
        assert_eq!(entry(&tables, place).flags & flags::ON_THE_WAY, flags::ON_THE_WAY, "{place}");
    }
    let closed = Entry { flags: flags::ON_THE_WAY, ..entry(&tables, "/w") };
    assert_eq!(verdict::file::detach(&closed, 1).map_err(|denial| denial.reason), Err(Reason::OnTheWay));
}

#[test]
fn domains_open_no_address_by_themselves_and_ranges_keep_their_family() {
    let text = "\
network: { allowed_cidrs: [10.0.0.0/8, \"::/0\"], allowed_ports: [443, 5432], listen: [0, 8080] }
tools: { t: { allowed_domains: [a.example] } }
";
    let tables = tables(text);
    let ranges: Vec<(u8, u64)> =
        tables.addresses.iter().map(|(prefix, _, value)| (*prefix, value.classes)).collect();
    // IPv4's root ends what the range of IPv6 around it grants.
    assert_eq!(ranges, [(96, 0), (104, 1), (0, 1)]);
    let ports: Vec<(u16, u16)> = tables.ports.iter().map(|(key, _)| (key.port, key.usage)).collect();
    assert_eq!(ports, [(0, 2), (443, 1), (5432, 1), (8080, 2)]);
    let checked: Vec<u16> =
        tables.ports.iter().filter(|(_, port)| port.flags == PORT_CHECKED).map(|(key, _)| key.port).collect();
    assert_eq!(checked, [443, 8080]);
    assert_eq!(tables.flags, session_flags::NETWORK | session_flags::LISTEN_ANY | session_flags::DOORS);
    let closed = self::tables("filesystem: { read: [/r] }\n");
    assert_eq!((closed.addresses.len(), closed.ports.len(), closed.flags), (0, 0, 0));
}

/// How many of `tries` single tokens, one every `step` nanoseconds, are there.
fn granted(rate: &Rate, tries: u64, step: u64) -> u64 {
    let mut back_at = 0;
    (0..tries)
        .filter(|n| match take(rate, back_at, 1_000_000_000_000 + n * step, 1) {
            Taken::Store(new) => {
                back_at = new;
                true
            }
            Taken::Unlimited | Taken::Over => false,
        })
        .count() as u64
}

#[test]
fn rates_let_a_whole_minute_s_worth_through_at_once_and_no_more() {
    let text = "\
filesystem: { read: [/r], max_opens_per_minute: 700 }
network: { allowed_cidrs: [10.0.0.0/8], max_connections_per_minute: 60, max_sent_bytes_per_minute: 4GiB }
execution: { allowed_programs: [node], max_execs_per_minute: 7 }
on_violation: { file: kill, exec: kill, repeated: { count: 20, within_seconds: 60, then: kill } }
";
    let Tables { rates, flags, .. } = tables(text);
    let rate = |bucket: Bucket| rates[bucket as usize];
    for (bucket, count) in
        [(Bucket::Open, 700), (Bucket::Connect, 60), (Bucket::Exec, 7), (Bucket::Denial, 19)]
    {
        assert_eq!(granted(&rate(bucket), 2000, 0), count, "{bucket:?}");
    }
    assert_eq!(rate(Bucket::Exec), Rate { interval_ns: 8_571_428_572, window_ns: 7 * 8_571_428_572 });
    // Seven at once, and seven more in the minute that follows, the last of them as it ends.
    assert_eq!(granted(&rate(Bucket::Exec), 6001, 10_000_000), 13);
    let bytes = rate(Bucket::SentBytes);
    assert!(bytes.window_ns >= 60_000_000_000 && bytes.window_ns < 60_200_000_000, "{bytes:?}");
    assert_eq!(rate(Bucket::Fork), Rate::default());
    let expected = [
        session_flags::NETWORK,
        session_flags::KILL_FILE,
        session_flags::KILL_EXEC,
        session_flags::KILL_REPEATED,
    ];
    assert_eq!(flags, expected.iter().fold(0, |sum, flag| sum | flag));
    let freezes = tables("on_violation: { repeated: { count: 20, within_seconds: 60, then: freeze } }\n");
    assert_eq!((freezes.flags, freezes.rates[Bucket::Denial as usize]), (0, Rate::default()));
    let first = tables("on_violation: { repeated: { count: 1, within_seconds: 60, then: kill } }\n");
    assert_eq!(granted(&first.rates[Bucket::Denial as usize], 9, 0), 0, "the first one is one too many");
}

#[test]
fn names_are_compared_at_eight_lengths_at_most() {
    let deny = |count: usize| {
        let names: Vec<String> =
            (1..=count).map(|length| format!("\"**/*{}\"", "x".repeat(length))).collect();
        compiled(&format!(
            "filesystem: {{ read: [/r], deny: [\"**/.env\", \"**/id_*\", {}] }}\n",
            names.join(", ")
        ))
    };
    let encoded = |plan: &Plan| encode(plan, &Implied::default(), &RealPaths::default());
    let tables = encoded(&deny(8)).expect("eight");
    assert_eq!(tables.summary.suffix_lengths, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(tables.summary.prefix_lengths, [3, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!((tables.summary.exact_lengths, tables.names.len()), (1 << 4, 10));
    assert_eq!(
        tables.flags & (session_flags::NAMES | session_flags::NAME_ENDS),
        session_flags::NAMES | session_flags::NAME_ENDS
    );
    let error = encoded(&deny(9)).expect_err("nine");
    assert!(matches!(&error, EncodeError::TooManyLengths { lengths, .. } if lengths.len() == 9));
    assert_eq!(
        error.to_string(),
        "the denied name ends (`**/*x`) have 9 different lengths (1, 2, 3, 4, 5, 6, 7, 8, 9); eBPF compares at most 8: \
         say some of them in one, or name files whole"
    );
}

#[test]
fn equal_plans_have_equal_tables() {
    let text = "filesystem: { write: [/w, /v], deny: [/w/a/b, /w/c, /v/d, \"**/.env\", \"**/*.pem\"] }\nnetwork: { allowed_cidrs: [public] }\n";
    assert_eq!(tables(text), tables(text));
    assert!(tables(text).objects.is_sorted_by(|left, right| left.path < right.path));
}

/// The real paths are asked of a file system that has links.
mod real {
    use std::os::unix::fs::symlink;

    use super::*;
    use enforce::encode::look_up;

    fn at(directory: &std::path::Path, name: &str) -> AbsolutePath {
        AbsolutePath::new(directory.join(name)).expect("absolute")
    }

    #[test]
    fn links_are_followed_as_far_as_they_lead() {
        let scratch = tempfile::tempdir().expect("a directory");
        let root = scratch.path().canonicalize().expect("it is there");
        std::fs::create_dir_all(root.join("usr/lib")).expect("own directory");
        symlink(root.join("usr/lib"), root.join("lib")).expect("own directory");
        let shown = root.display();
        let plan = compiled(&format!(
            "filesystem: {{ read: [{shown}/lib, {shown}/gone], deny: [{shown}/lib/no/such] }}\n"
        ));
        let implied = Implied { programs: vec![at(&root, "lib")], loaders: Vec::new() };
        let real = look_up(&plan, &implied).expect("nothing is writable");
        for (written, really) in
            [("lib", "usr/lib"), ("lib/no/such", "usr/lib/no/such"), ("gone", "gone"), ("usr", "usr")]
        {
            assert_eq!(real.of(&at(&root, written)), &at(&root, really), "{written}");
        }
    }

    /// Whoever registers the objects follows no link.
    #[test]
    fn no_object_lies_behind_a_link() {
        let scratch = tempfile::tempdir().expect("a directory");
        let root = scratch.path().canonicalize().expect("it is there");
        std::fs::create_dir_all(root.join("usr/lib/no")).expect("own directory");
        symlink("usr/lib", root.join("lib")).expect("own directory");
        symlink("no", root.join("usr/lib/link")).expect("own directory");
        let shown = root.display();
        let plan = compiled(&format!(
            "filesystem: {{ read: [{shown}], deny: [{shown}/lib/no, {shown}/lib/gone/x, {shown}/usr/lib/link] }}\n"
        ));
        let real = look_up(&plan, &Implied::default()).expect("nothing is writable");
        let tables = encode(&plan, &Implied::default(), &real).expect("a small policy");
        let places: Vec<&std::path::Path> = tables
            .objects
            .iter()
            .map(|object| object.path.as_path().strip_prefix(&root).expect("beneath"))
            .collect();
        let expected = ["", "usr", "usr/lib", "usr/lib/gone", "usr/lib/gone/x", "usr/lib/no"];
        assert_eq!(places, expected.map(std::path::Path::new));
        // By name they are closed both ways, so that replacing a link opens nothing.
        let top = object(&tables, &shown.to_string()).entry;
        let lib = by_name(&tables, top.node, "lib").expect("the way that is written");
        assert_eq!(by_name(&tables, lib.node, "no").expect("denied").flags, flags::DECIDES);
        let lib = entry(&tables, &root.join("usr/lib").display().to_string());
        assert_eq!(by_name(&tables, lib.node, "link").expect("denied").flags, flags::DECIDES);
    }

    #[test]
    fn a_link_that_the_server_could_have_planted_is_no_grant() {
        let scratch = tempfile::tempdir().expect("a directory");
        let root = scratch.path().canonicalize().expect("it is there");
        std::fs::create_dir(root.join("work")).expect("own directory");
        symlink("/", root.join("work/downloads")).expect("own directory");
        let shown = root.display();
        let plan = compiled_over(
            &format!("filesystem: {{ read: [{shown}/work/downloads] }}\n"),
            &format!("filesystem: {{ write: [{shown}/work] }}\n"),
        );
        let error = look_up(&plan, &Implied::default()).expect_err("a planted link");
        assert!(error.to_string().contains("could have planted it"), "{error}");
    }
}
