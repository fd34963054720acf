//! Domains and ports as they stand in a policy.

use std::net::IpAddr;

use schemars::json_schema;

use super::decode::{FromText, number, text};
use super::list::Subject;
use super::words::scalar;
use crate::problem::Complaint;

/// A domain by name, in lower case and in its ASCII form (IDNA, UTS 46), without the trailing dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Domain {
    /// The name, without `*.`.
    pub(crate) name: String,
    /// `*.name`: everything beneath, not the name itself.
    pub(crate) subdomains_only: bool,
}

impl FromText for Domain {
    const WHAT: &str = "a domain";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        if matches!(text, "*" | "*." | "**" | "*.*") {
            return Err(Complaint::new(
                "`*` would allow every domain; name each one, or a parent as `*.example.com`",
            ));
        }
        shape(text)?;
        let (name, subdomains_only) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        if name.contains('*') {
            let message = "`*` stands for whole names at the start only, as in `*.example.com`";
            return Err(Complaint::new(message));
        }
        let name = ascii(name)?;
        if subdomains_only && !name.contains('.') {
            return Err(Complaint::new(format!(
                "`*.{name}` would allow a whole top-level domain; name each domain"
            )));
        }
        Ok(Self { name, subdomains_only })
    }
}

impl Domain {
    /// Whether every name of `other` is one of this.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let beneath = other.name.strip_suffix(&self.name).is_some_and(|rest| rest.ends_with('.'));
        self == other || (self.subdomains_only && beneath)
    }
}

fn shape(text: &str) -> Result<(), Complaint> {
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
        return Err(Complaint::new("a domain is wanted here, not a URL").instead(host));
    }
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok()
        || bare.split_once('/').is_some_and(|(a, _)| a.parse::<IpAddr>().is_ok())
    {
        return Err(Complaint::new(format!("`{text}` is an address; addresses stand in `allowed_cidrs`")));
    }
    if let Some((host, port)) = text.split_once(':') {
        let message = "a domain is written without a port; ports stand in `allowed_ports`";
        let complaint = Complaint::new(message);
        return Err(if port.bytes().all(|b| b.is_ascii_digit()) {
            complaint.instead(host)
        } else {
            complaint
        });
    }
    match text.split_once('/') {
        Some((host, _)) => Err(Complaint::new("a domain is written without a path").instead(host)),
        None => Ok(()),
    }
}

fn ascii(name: &str) -> Result<String, Complaint> {
    let wrong = || Complaint::new(format!("`{name}` is not a valid domain name"));
    if name.len() > 1024 {
        return Err(Complaint::new("this is longer than any domain name"));
    }
    let ascii = idna::domain_to_ascii_cow(name.as_bytes(), idna::AsciiDenyList::URL).map_err(|_| wrong())?;
    let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
    let sound = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if ascii.len() > 253 || !ascii.split('.').all(sound) {
        return Err(wrong());
    }
    // A last label that is a number makes resolvers read the name as an IPv4 address (WHATWG URL §3.5).
    let last = ascii.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    if last.bytes().all(|b| b.is_ascii_digit()) || hex {
        return Err(Complaint::new(format!(
            "`{name}` is read as an address; addresses stand in `allowed_cidrs`"
        )));
    }
    Ok(ascii.to_owned())
}

impl Subject for Domain {
    const KEY: &str = "domain";
    type Options = ();
    fn show(&self) -> String {
        let Self { name, subdomains_only } = self;
        format!("{}{name}", if *subdomains_only { "*." } else { "" })
    }
}

/// A port that may be connected to, 1–65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Port(pub(crate) u16);

/// A port that may be listened on, 1–65535, or 0 for any free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ListenPort(pub(crate) u16);

fn port(text: &str, lowest: u16) -> Result<u16, Complaint> {
    let sound = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    let number = text.parse().ok().filter(|port| sound && *port >= lowest);
    number.ok_or_else(|| Complaint::new(format!("a port is a number from {lowest} to 65535, not `{text}`")))
}

impl FromText for Port {
    const WHAT: &str = "a port";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        port(text, 1).map(Self)
    }
}

impl FromText for ListenPort {
    const WHAT: &str = "a port";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        port(text, 0).map(Self)
    }
}

impl Subject for Port {
    const KEY: &str = "port";
    type Options = ();
    fn show(&self) -> String {
        self.0.to_string()
    }
}

impl Subject for ListenPort {
    const KEY: &str = "port";
    type Options = ();
    fn show(&self) -> String {
        self.0.to_string()
    }
}

scalar! {
    Domain: text, json_schema!({ "type": "string", "pattern": r"^(\*\.)?[^*/:]+$" });
    Port: number, json_schema!({ "type": "integer", "minimum": 1, "maximum": 65535 });
    ListenPort: number, json_schema!({ "type": "integer", "minimum": 0, "maximum": 65535 });
}

#[cfg(test)]
mod tests {
    use super::{Domain, FromText, Port, Subject};

    #[test]
    fn domains_are_normalised() {
        let cases = [
            ("API.GitHub.com", "api.github.com"),
            ("api.github.com.", "api.github.com"),
            ("*.Example.org", "*.example.org"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("ｅxample.com", "example.com"),
            ("localhost", "localhost"),
            ("_dmarc.example.com", "_dmarc.example.com"),
        ];
        for (text, shown) in cases {
            assert_eq!(Domain::from_text(text).map(|d| d.show()).as_deref(), Ok(shown), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_domain_is_refused() {
        let cases = [
            ("*", None),
            ("*.com", None),
            ("api.*.com", None),
            ("*api.example.com", None),
            ("*.*.example.com", None),
            ("https://api.github.com/v3", Some("api.github.com")),
            ("api.github.com:443", Some("api.github.com")),
            ("api.github.com/v3", Some("api.github.com")),
            ("127.0.0.1", None),
            ("[::1]", None),
            ("::1", None),
            ("10.0.0.0/8", None),
            ("127.1", None),
            ("0x7f.1", None),
            ("2130706433", None),
            ("0x7f000001", None),
            ("a..b", None),
            (".example.com", None),
            ("-a.example", None),
            ("a b.example", None),
            ("", None),
            ("*.", None),
            ("user@example.com", None),
        ];
        for (text, instead) in cases {
            let complaint = Domain::from_text(text).expect_err(text);
            assert_eq!(complaint.suggestion.as_deref(), instead, "{text}");
        }
        assert!(Domain::from_text(&format!("{}.example", "a".repeat(64))).is_err());
        assert!(Domain::from_text("127.0.0.1").expect_err("address").message.contains("allowed_cidrs"));
    }

    #[test]
    fn ports_are_numbers() {
        assert_eq!(Port::from_text("65535"), Ok(Port(65535)));
        for text in ["0", "65536", "-1", "+1", "0443", "https", ""] {
            assert!(Port::from_text(text).is_err(), "{text}");
        }
    }
}
