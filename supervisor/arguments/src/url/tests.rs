//! Tricks with URLs, and honest ones.

use super::{UrlFault, check};

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn judged(text: &str, hosts: &[&str]) -> Result<(), UrlFault> {
    check(text, &owned(&["https", "http"]), &owned(hosts), None)
}

const LISTED: [&str; 3] = ["api.good.example", "*.wild.example", "bücher.example"];

#[test]
fn listed_hosts_pass() {
    for url in [
        "https://api.good.example",
        "http://api.good.example/",
        "https://API.Good.Example/a?b=c#d",
        "https://api.good.example:443/",
        "http://api.good.example:80/x",
        "https://a.wild.example/",
        "https://a.b.wild.example/",
        "https://bücher.example/",
        "https://BÜCHER.example/",
        "https://xn--bcher-kva.example/",
        "https://api.good.example/@user/x",
        "https://api.good.example/?q=a@b.c",
        "https://api.good.example/?u=http://other/",
        "https://api.good.example/a%20b?x=%0a",
        "https://api.good.example/(a)[b]{c}|d",
        "HTTPS://api.good.example/",
    ] {
        assert_eq!(judged(url, &LISTED), Ok(()), "{url}");
    }
}

#[test]
fn other_hosts_are_refused() {
    for url in [
        "https://evil.example/",
        "https://good.example/",
        "https://api.good.example.evil.example/",
        "https://wild.example/",
        "https://.wild.example/",
        "https://evilwild.example/",
        "https://xapi.good.example/",
        "https://api.good.example.:443/",
        "https://api.good.example./",
        "https://аpi.good.example/",
        "https://api.good.example:8443/",
        "http://api.good.example:443/",
        "ftp://api.good.example/",
        "https:api.good.example",
        "https:/api.good.example",
        "https:///api.good.example",
        "//api.good.example",
        "api.good.example",
        "/etc/passwd",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "https://:443/",
        "https://?",
        "",
    ] {
        assert!(judged(url, &LISTED).is_err(), "{url}");
    }
}

#[test]
fn confused_parsers_are_refused() {
    for url in [
        "https://api.good.example@evil.example/",
        "https://api.good.example:x@evil.example/",
        r"https://api.good.example\@evil.example/",
        r"https://evil.example\@api.good.example/",
        "https://api.good.example#@evil.example/",
        "https://api.good.example?@evil.example/",
        "https://api.good.example:443#@evil.example/",
        "https://evil.example#.wild.example/x@",
        "https://api.good.example\t.evil.example/",
        "https://api.good.example\n/",
        " https://api.good.example/",
        "https://api.good.example/ ",
        "https://api.good.example%2f@evil.example/",
        "https://api.good.example%00.evil.example/",
        "https://api.good.example;evil.example/",
        "https://api.good.example,evil.example/",
        "https://a*.wild.example/",
        "https://api.good.example:0443/",
        "https://api.good.example:/",
        "https://api.good.example:99999/",
        "https://api.good.example:443:443/",
        "https://api．good．example/",
        "https://api。good。example/",
        "https://ａｐｉ.good.example/",
        "https://api.good.ex\u{ad}ample/",
        "https://api.good.ex\u{200d}ample/",
        "https://api.good.example/%0d%0aX-Evil:1",
        "https://api.good.example/\r\nHost: x",
        "https://ℊood.wild.example/",
        "https://evil.example／.wild.example/",
        "https://evil.c℀.wild.example/",
        "https://evil.example？.wild.example",
        "https://[api.good.example]/",
        "https://[::1/",
        "https://[::1]x/",
        "https://user@/",
    ] {
        assert!(judged(url, &LISTED).is_err(), "{}", url.escape_debug());
    }
}

#[test]
fn what_is_not_public_is_refused() {
    for url in [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://0/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://169.254.169.254/latest/",
        "http://[fd00:ec2::254]/",
        "http://10.0.0.1/",
        "http://192.168.0.1/",
        "http://100.64.0.1/",
        "http://localhost/",
        "http://LOCALHOST/",
        "http://a.localhost/",
        "http://metadata.google.internal/",
        "http://metadata/",
        "http://a.local/",
        "http://intranet/",
        "http://printer.home.arpa/",
        "http://wiki.corp/",
        "http://a.mail/",
        "http://a.invalid/",
        "http://a.alt/",
        "http://METADATA.GOOGLE.INTERNAL/computeMetadata/v1/",
        "http://ip-10-0-0-1.ec2.internal/",
        "http://kubernetes.default.svc/",
        "http://api.svc.cluster.local/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::]/",
        "http://[::]/",
        "http://0.0.0.0/",
        "http://①②⑦.⓪.⓪.①/",
        "http://127。0。0。1/",
        "http://１２７.0.0.1/",
        "http://127.0.0.1./",
        "http://localhost./",
        "http://0xa9fea9fe/",
        "http://[fe80::1%25eth0]/",
        "http://224.0.0.1/",
        "http://0x7f000001/",
        "http://017700000001/",
        "http://127.0.0.0x1/",
    ] {
        assert!(judged(url, &["*"]).is_err(), "{url}");
        assert!(judged(url, &[]).is_err(), "{url}");
    }
    for url in ["https://example.org/", "https://8.8.8.8/", "https://[2606:4700::1111]/", "https://a.co.uk/x"]
    {
        assert_eq!(judged(url, &["*"]), Ok(()), "{url}");
        assert_eq!(judged(url, &[]), Ok(()), "{url}");
    }
}

#[test]
fn what_the_rule_names_may_be_private() {
    let hosts =
        ["localhost:3000", "127.0.0.1", "[::1]:8080", "fd00::5", "db.corp.internal", "*.svc.internal:*"];
    for url in [
        "http://localhost:3000/",
        "http://127.0.0.1/",
        "http://[::1]:8080/",
        "http://[fd00::5]/",
        "https://db.corp.internal/",
        "http://a.svc.internal:9000/",
        "http://a.svc.internal/",
        "http://[FD00:0::5]/",
    ] {
        assert_eq!(judged(url, &hosts), Ok(()), "{url}");
    }
    for url in [
        "http://localhost/",
        "http://127.0.0.1:3000/",
        "http://127.0.0.2/",
        "http://[::1]/",
        "http://0x7f.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://2130706433/",
    ] {
        assert!(judged(url, &hosts).is_err(), "{url}");
    }
}

#[test]
fn schemes_are_those_of_the_rule() {
    let hosts = owned(&["git.example"]);
    assert_eq!(check("https://git.example/a", &[], &hosts, None), Ok(()));
    assert!(check("http://git.example/a", &[], &hosts, None).is_err());
    assert_eq!(check("ssh://git.example/a", &owned(&["ssh"]), &hosts, None), Ok(()));
    assert!(check("ssh://git.example:2222/a", &owned(&["ssh"]), &hosts, None).is_err());
    assert_eq!(
        check("ssh://git.example:2222/a", &owned(&["ssh"]), &owned(&["git.example:2222"]), None),
        Ok(())
    );
    assert!(check("ssh://127.0.0.1/a", &owned(&["ssh"]), &[], None).is_err());
    assert!(check("ssh://0x7f.1/a", &owned(&["ssh"]), &[], None).is_err());
    assert_eq!(check("https://git.example:443/", &[], &owned(&["git.example:443"]), None), Ok(()));
    assert_eq!(check("https://git.example/", &[], &owned(&["git.example:443"]), None), Ok(()));
    assert!(check("https://git.example/abc", &[], &hosts, Some(20)).is_err());
}

#[test]
fn a_rule_that_is_no_name_covers_nothing() {
    for hosts in ["", "*.", ".", "**", "a b", "*.*", "%", "https://good.example"] {
        assert!(judged("https://good.example/", &[hosts]).is_err(), "{hosts}");
    }
}
