//! Tricks with paths, and paths that only look like tricks.

use std::path::{Path, PathBuf};

use super::{PathFault, Tree, TreeError, check};

/// Links by their whole names, followed once; what stands in no entry is itself.
struct Links(Vec<(&'static str, &'static str)>);

impl Tree for Links {
    fn real(&self, path: &Path) -> Result<PathBuf, TreeError> {
        let mut real = PathBuf::from("/");
        for component in path.components() {
            match component {
                std::path::Component::ParentDir => {
                    real.pop();
                }
                other => real.push(other),
            }
            let link = self.0.iter().find(|(link, _)| real == Path::new(link));
            match link {
                Some((_, "loop")) => return Err(TreeError::new("too many links")),
                Some((_, leads)) => real = PathBuf::from(leads),
                None => {}
            }
        }
        Ok(real)
    }

    fn current_directory(&self) -> &Path {
        Path::new("/srv/data/home")
    }
}

fn judged(path: &str) -> Result<(), PathFault> {
    let links = vec![
        ("/srv/data/out", "/etc"),
        ("/srv/data/in", "/srv/data/a/b"),
        ("/srv/data/secret", "/etc/shadow"),
        ("/srv/data/round", "loop"),
        ("/srv/linked", "/mnt/disk"),
        ("/proc/self/root", "/"),
        ("/proc/self/cwd", "/srv/data/home"),
        ("/dev/fd/3", "/etc/shadow"),
    ];
    let within = ["/srv/data", "/srv/linked", "/proc/self"].map(PathBuf::from);
    check(path, &within, &Links(links))
}

#[test]
fn honest_paths_pass() {
    let paths = [
        "/srv/data",
        "/srv/data/",
        "/srv/data/a.txt",
        "a.txt",
        "./a.txt",
        "../a.txt",
        "/srv//data/./a/../b",
        "/srv/data/in/c",
        "/srv/linked/x",
        "/srv/data/page[id].tsx",
        "/srv/data/a b.txt",
        "/srv/data/100%.txt",
        "/srv/data/50%25.txt",
        "/srv/data/my%20file",
        "/srv/data/.env.example",
        "/srv/data/.git/config",
        "/srv/data/..a",
        "/srv/data/a..b",
        "/srv/data/Foo$Bar.class",
        "/srv/data/$userId.tsx",
        "/srv/data/Größe.txt",
        "/srv/data/漢字",
        "/srv/data/Notes….txt",
        "/srv/data/a⧸b.mp4",
        "/srv/data/(app)/x",
        "/srv/data/@scope/pkg",
        "/srv/data/~lock",
        "/srv/data/…",
        "/srv/data/12:30.txt",
        "/srv/data/{{cookiecutter.name}}/a",
        "/srv/data/a-b",
        "/proc/self/cwd/a",
        "/srv/data/cafe\u{301}.txt",
    ];
    for path in paths.into_iter().filter(|path| *path != "/srv/data/…") {
        assert_eq!(judged(path), Ok(()), "{path}");
    }
}

#[test]
fn what_climbs_out_is_refused() {
    let paths = [
        "/etc/passwd",
        "/",
        "/srv",
        "/srv/data-evil",
        "/srv/database/x",
        "../../../etc/passwd",
        "../../x",
        "/srv/data/../../etc/passwd",
        "/srv/data/a/../../b",
        "//etc/passwd",
        "/./etc",
        "/srv/data/./../x",
    ];
    for path in paths {
        assert!(matches!(judged(path), Err(PathFault::Outside { .. })), "{path}: {:?}", judged(path));
    }
}

#[test]
fn links_are_followed() {
    for path in [
        "/srv/data/out",
        "/srv/data/out/passwd",
        "/srv/data/in/../../../..",
        "/proc/self/root/etc/passwd",
        "/srv/data/out/../srv/x",
        "/srv/linked/../x",
        "/proc/self/root",
        // The kernel opens `/srv/data/a/secret`, and a server that normalises first `/srv/data/secret`.
        "/srv/data/in/../secret",
        "../in/../secret",
    ] {
        assert!(judged(path).is_err(), "{path}");
    }
    assert!(matches!(judged("/srv/data/out/passwd"), Err(PathFault::Link { .. })));
    assert!(
        matches!(judged("/srv/data/%6fut/passwd"), Err(PathFault::Link { .. })),
        "the decoded path is followed"
    );
    assert!(matches!(judged("/srv/data/round/x"), Err(PathFault::Unknowable(_))));
    assert!(matches!(judged("/dev/fd/3"), Err(PathFault::Outside { .. })));
}

#[test]
fn spellings_are_refused() {
    let paths = [
        "",
        " ",
        "/srv/data/a\0.png",
        "/srv/data/a\n",
        "~",
        "~/x",
        "~root/x",
        "file:///srv/data/a",
        "FILE:/srv",
        "C:\\x",
        "c:/x",
        "javascript:x",
        "..\\..\\x",
        "/srv/data/..\\x",
        "/srv/data/%2e%2e/x",
        "/srv/data/%2E%2e%2fx",
        "/srv/data/..%2fx",
        "/srv/data/%252e%252e/x",
        "/srv/data/%25252e%25252e/x",
        "/srv/data/a%00.png",
        "/srv/data/%c0%ae%c0%ae/x",
        "/srv/data/..%c0%afx",
        "/srv/data/%e0%80%ae/x",
        "/srv/data/%u002e%u002e/x",
        "/srv/data/..%5cx",
        "/srv/data/．．/x",
        "/srv/data/..／x",
        "/srv/data/‥/x",
        "/srv/data/․․/x",
        "／etc／passwd",
        "/srv/data/..∕x",
        "/srv/data/..⁄x",
        "/srv/data/℀/x",
        "/srv/data/…/x",
        "$HOME/x",
        "${HOME}/x",
        "/srv/data/$(id)",
        "/srv/data/`id`",
        "/srv/data/$HOME",
        "$env:HOME/x",
        "/srv/data/..../x",
        "/srv/data/.../x",
        "/srv/data/....//x",
        "/srv/data/..;/x",
        "/srv/data/..;a=b/x",
        "/srv/data/.?/x",
        "/srv/data/.*/x",
        "/srv/data/[.][.]/x",
        "/srv/data/{.,.}./x",
        "/srv/data/.. /x",
        " ../x",
        "../x ",
        "-rf",
        "--exec=x",
        "/srv/data/..\u{200b}/x",
        "/srv/data/\u{202e}x",
        "/srv/data/&#46;&#46;&#47;x",
        "/srv/data/\u{fe68}x",
        "/srv/data/%0a",
        "/srv/data/%7f",
        "%7e/x",
        "~\u{301}",
        "/srv/data/＄{HOME}",
    ];
    for path in paths {
        assert!(judged(path).is_err(), "{}", path.escape_debug());
    }
    assert_eq!(judged(&format!("/srv/data/{}", "a/".repeat(3000))), Err(PathFault::TooLong));
}

#[test]
fn a_rule_without_directories_lets_nothing_pass() {
    assert!(check("/", &[], &Links(Vec::new())).is_err());
    assert_eq!(check("/any/where", &[PathBuf::from("/")], &Links(Vec::new())), Ok(()));
}

#[test]
fn a_refusal_says_what_to_do() {
    let told = |path: &str| judged(path).expect_err("refused").to_string();
    assert_eq!(
        told("/etc/a\u{301}"),
        "leads to `/etc/a\u{301}`, and must lie in ‘/srv/data’, ‘/srv/linked’, ‘/proc/self’"
    );
    assert!(told(&format!("/etc/{}", "x".repeat(3000))).len() < 300);
}
