//! Refused names, addresses and sockets. The line that is suggested is about what was tried, and about nothing beside it.
//!
//! ```text
//! what       rule of the record   says
//! name       —                    network.allowed_domains, or the tool's whose call was alone in flight
//! name       a tool's domain      the same; that the tool's own rule waits for its call
//! name       names it always      no line, or the one that the reason asks for: records, verify, a range
//! address    a domain             the port, or no line: who wants a name must look it up
//! address    a range, or —        allowed_cidrs, the port
//! path       —                    unix_sockets
//! ```

use std::net::IpAddr;

use super::advice::{Advice, digits, more};
use super::domain::{DomainRule, item};
use super::evidence::{Evidence, Refused};
use super::lines;
use super::target::Target;

/// The keys that a record's words lead to; how the resolver and the proxy word their reasons.
const REBINDING: &str = "it stands for ";
const RECORDS: &str = "records of type ";
const UNCHECKED: &str = "`verify: address-only`";
const NEW_NAMES: &str = "more new names";
const LOOK_UPS: &str = "more look-ups were made";
const SHAPE: [&str; 2] = ["it has more than ", "one of its labels "];
const LISTENING: &str = "listen on ";
/// Reasons that no line of a policy removes, and what is said of them.
const FIXED: [(&str, &str); 2] = [
    ("records of class ", "only the internet's records are looked up; no program needs others"),
    (
        "more ",
        "this limit is mcpguard's own and protects itself; the look-up works again when others have ended",
    ),
];

impl Advice {
    /// A name, an address or a socket that was refused.
    pub(super) fn network(&mut self, evidence: &Evidence<'_>, refused: &Refused<'_>) {
        if self.name_rate(evidence, refused) {
            return;
        }
        match Target::of(refused.what) {
            Target::Name(name, port) => self.name(evidence, refused, name, port),
            Target::Address(_, Some(port)) if refused.detail.is_some_and(|it| it.starts_with(LISTENING)) => {
                self.key(evidence, "network", "listen", &format!("[{port}]"));
            }
            Target::Address(address, port) => self.address(evidence, refused, address, port),
            Target::Path(path) => self.key(evidence, "network", "unix_sockets", &lines::one(path)),
            Target::Other => {
                self.note("a policy has no word for it: it is no host name, no address and no path")
            }
        }
    }

    /// A rate of names: twice what holds. Whether it was one.
    pub(super) fn name_rate(&mut self, evidence: &Evidence<'_>, refused: &Refused<'_>) -> bool {
        let reason = refused.reason.unwrap_or_default();
        let key = match reason {
            reason if reason.starts_with(NEW_NAMES) => "max_names_per_minute",
            reason if reason.starts_with(LOOK_UPS) => "max_lookups_per_minute",
            _ => return false,
        };
        let written = evidence.written(&format!("network.{key}")).and_then(|(_, text)| digits(text));
        match refused.limit.or(written) {
            Some(limit) => self.key(evidence, "network", key, &more(Some(limit), limit * 2).to_string()),
            None => self.note("the record does not tell the limit"),
        }
        true
    }

    fn name(&mut self, evidence: &Evidence<'_>, refused: &Refused<'_>, name: &str, port: Option<u16>) {
        let reason = refused.reason.unwrap_or_default();
        let rules = evidence.domains();
        let naming: Vec<&DomainRule<'_>> = rules.iter().filter(|rule| rule.names(name)).collect();
        if let Some((_, note)) = FIXED.iter().find(|(start, _)| reason.starts_with(start)) {
            return self.note(*note);
        }
        if let Some(address) = rebound(reason) {
            return self.rebinding(evidence, name, address);
        }
        if let Some(kind) = reason.strip_prefix(RECORDS).and_then(digits) {
            return self.records(evidence, &rules, name, kind);
        }
        if SHAPE.iter().any(|shape| reason.starts_with(shape)) {
            self.note("beneath a wildcard it looks like data that is written into a name; a rule that spells it out allows just it");
            return self.allow(evidence, refused, name, port);
        }
        if reason.contains(UNCHECKED) {
            return self.by_address(evidence, naming.first().copied(), name);
        }
        match (naming.iter().find(|rule| rule.tool.is_none()), naming.first()) {
            (Some(always), _) => self.allowed_already(evidence, always, port),
            (None, Some(of_a_tool)) => {
                self.waits_for_a_call(of_a_tool);
                self.allow(evidence, refused, name, port);
            }
            (None, None) => self.allow(evidence, refused, name, port),
        }
    }

    /// The name itself: for the tool whose call was alone in flight, else for all.
    fn allow(&mut self, evidence: &Evidence<'_>, refused: &Refused<'_>, name: &str, port: Option<u16>) {
        let mut tools: Vec<&str> = refused.calls.iter().map(|call| &call.tool[..]).collect();
        tools.sort_unstable();
        tools.dedup();
        match tools[..] {
            [tool] if lines::is_tool_name(tool) => {
                self.note(format!(
                    "only calls of `{tool}` were in flight, so the line is for them; under `network.allowed_domains` it would hold always"
                ));
                if evidence.has_globs() {
                    self.note("an entry of its own takes the place of a glob that held for the tool; copy the keys that should stay");
                }
                self.add(evidence, lines::tool(tool, "allowed_domains", &lines::one(name)));
            }
            _ => self.key(evidence, "network", "allowed_domains", &lines::one(name)),
        }
        self.port(evidence, port);
    }

    /// The name is not what was missing.
    fn allowed_already(&mut self, evidence: &Evidence<'_>, rule: &DomainRule<'_>, port: Option<u16>) {
        self.rule = Some(rule.rule.clone());
        if port.is_some_and(|port| !evidence.ports().contains(&port)) {
            return self.port(evidence, port);
        }
        self.note(
            "the name is allowed; the connection went to an address that was not looked up by this name. The program must \
             ask the session's resolver for it, and connect while the answer holds",
        );
    }

    fn waits_for_a_call(&mut self, rule: &DomainRule<'_>) {
        self.rule = Some(rule.rule.clone());
        if let Some(tool) = rule.tool {
            self.note(format!(
                "`{}` opens it while a call of `{tool}` is in flight, and none was",
                rule.rule.text
            ));
        }
    }

    /// An allowed name that stands for an address which is not public: the address is what must be allowed.
    fn rebinding(&mut self, evidence: &Evidence<'_>, name: &str, address: IpAddr) {
        self.note(format!(
            "{address} is not public. Whoever serves `{name}` chose it, so that the line is right only if that host is meant; it opens the address itself, on every allowed port"
        ));
        self.key(evidence, "network", "allowed_cidrs", &lines::one(&address.to_string()));
    }

    fn records(&mut self, evidence: &Evidence<'_>, rules: &[DomainRule<'_>], name: &str, kind: u64) {
        let word = match kind {
            16 => "txt",
            33 => "srv",
            _ => {
                return self.note(
                    "records of this type are never looked up: no program needs them to connect, and they could carry data away",
                );
            }
        };
        // `_service._proto.` stands before the name that the rule is about.
        let base = name.split('.').skip_while(|label| label.starts_with('_')).collect::<Vec<_>>().join(".");
        if base.is_empty() {
            return self.note("the name is no service of a host");
        }
        let naming = rules.iter().find(|rule| rule.names(&base));
        self.domain_item(evidence, naming, &base, word);
    }

    /// What is spoken on the port names nobody.
    fn by_address(&mut self, evidence: &Evidence<'_>, rule: Option<&DomainRule<'_>>, name: &str) {
        self.note("with `address-only` whoever shares the host's address is reached as well");
        self.domain_item(evidence, rule, name, "address-only");
    }

    /// An item with one more option, where the rule that names it stands.
    fn domain_item(
        &mut self,
        evidence: &Evidence<'_>,
        rule: Option<&DomainRule<'_>>,
        name: &str,
        option: &str,
    ) {
        let value = rule.map_or_else(|| item(name, &[option]), |rule| rule.with(name, option));
        let value = format!("[{value}]");
        let yaml = match rule.and_then(|rule| rule.tool) {
            Some(tool) => lines::tool(tool, "allowed_domains", &value),
            None => lines::section("network", "allowed_domains", &value),
        };
        match rule.filter(|rule| rule.domain == name) {
            Some(rule) => self.replace(evidence, rule.rule, yaml),
            None => self.add(evidence, yaml),
        }
    }

    fn address(
        &mut self,
        evidence: &Evidence<'_>,
        refused: &Refused<'_>,
        address: IpAddr,
        port: Option<u16>,
    ) {
        let closed = port.filter(|port| !evidence.ports().contains(port));
        let rule = refused.rule.filter(|rule| rule.line > 0);
        let in_a_range = rule.is_some_and(|rule| rule.text.starts_with("network.allowed_cidrs: "));
        match rule.and_then(DomainRule::read) {
            Some(domain) => self.of_a_domain(evidence, refused, &domain, closed),
            None if in_a_range && closed.is_some() => self.port(evidence, port),
            None => {
                self.key(evidence, "network", "allowed_cidrs", &lines::one(&address.to_string()));
                self.port(evidence, port);
            }
        }
    }

    /// The address was learned for a domain, and yet it was closed.
    fn of_a_domain(
        &mut self,
        evidence: &Evidence<'_>,
        refused: &Refused<'_>,
        domain: &DomainRule<'_>,
        closed: Option<u16>,
    ) {
        let single = Some(domain.domain).filter(|name| !name.starts_with("*."));
        if refused.reason.is_some_and(|reason| reason.contains(UNCHECKED)) {
            return match single {
                Some(name) => self.by_address(evidence, Some(domain), name),
                None => self.note("the record does not tell which name beneath the wildcard it was; that name can have `verify: address-only`"),
            };
        }
        if closed.is_some() {
            return self.port(evidence, closed);
        }
        match (domain.tool, single) {
            (Some(_), Some(name)) => {
                self.waits_for_a_call(domain);
                self.allow(evidence, refused, name, None);
            }
            (Some(_), None) => self.waits_for_a_call(domain),
            (None, _) => self.note(
                "the address is the domain's, and closed all the same: to UDP where names are checked (QUIC; clients fall back \
                 to TCP), or because the answer of the resolver had ended and the name must be looked up again",
            ),
        }
    }

    /// A port that is not open yet, beside those that are.
    fn port(&mut self, evidence: &Evidence<'_>, port: Option<u16>) {
        let Some(port) = port.filter(|port| *port != 0) else { return };
        let unsaid = evidence.written("network.allowed_ports").is_none_or(|(rule, _)| rule.line == 0);
        let open = evidence.ports();
        if open.contains(&port) || (open.is_empty() && port == HTTPS) {
            return;
        }
        // What holds where nothing is written holds no more beside something that is.
        let reached = unsaid && !open.is_empty();
        let ports = if reached { format!("[{HTTPS}, {port}]") } else { format!("[{port}]") };
        self.note("a port holds for every domain and range of the policy");
        match &mut self.change {
            Some(change) if last_section(&change.yaml) == Some("network:") => {
                change.yaml.push_str(&format!("  allowed_ports: {ports}\n"));
            }
            Some(change) => change.yaml.push_str(&lines::section("network", "allowed_ports", &ports)),
            None => self.key(evidence, "network", "allowed_ports", &ports),
        }
    }

    /// A refused `socket(2)`, `connect(2)` … as a whole: the system call does not tell which host.
    pub(super) fn some_host(&mut self, evidence: &Evidence<'_>) {
        self.note(
            "the system call does not tell which host; put the one that the server needs in place of HOST",
        );
        self.key(evidence, "network", "allowed_domains", "[HOST]");
    }
}

/// What is open where no port is written.
const HTTPS: u16 = 443;

fn last_section(yaml: &str) -> Option<&str> {
    yaml.lines().rev().find(|line| !line.starts_with(' '))
}

/// The address that a name stands for although it is not public.
fn rebound(reason: &str) -> Option<IpAddr> {
    let rest = reason.strip_prefix(REBINDING)?;
    rest.split(|c: char| c == ',' || c.is_whitespace()).next()?.parse().ok()
}
